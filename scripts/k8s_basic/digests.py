"""./scripts/digests: pin each image of versions.yaml to the digest that its tag has now.

Renovate (.github/renovate.json) moves versions and their digests; this is for digests that are not
known yet, on a machine where the registries answer.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

from . import processes, versions

PATIENCE = 30.0  # seconds for an answer
MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in ("oci.image.index.v1", "docker.distribution.manifest.list.v2")
)


def digest(reference: str, server: str = "") -> str:
    """Return the digest of the index that a tag names, as `sha256:…`.

    `server` is asked instead of the image's own registry. Raises OSError or ValueError, with a
    sentence, when there is no answer or none that fits.
    """
    name, _, tag = reference.rpartition(":")
    host, path = versions.home(name)
    url = f"{server or f'https://{host}'}/v2/{path}/manifests/{tag}"
    request = urllib.request.Request(url, headers={"Accept": MANIFESTS}, method="HEAD")
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as refused:
        if refused.code != 401:
            raise
        token = _token(refused.headers.get("WWW-Authenticate", ""))
        request.add_unredirected_header("Authorization", f"Bearer {token}")
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    with answer:
        found = str(answer.headers.get("Docker-Content-Digest", ""))
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", found):
        raise ValueError(f"{url} names no digest")
    return found


def _token(challenge: str) -> str:
    """Return the anonymous token that a registry's 401 asks for (Distribution, token scheme)."""
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = urllib.parse.urlencode({k: v for k, v in wanted.items() if k in ("service", "scope")})
    with urllib.request.urlopen(f"{wanted.get('realm')}?{query}", timeout=PATIENCE) as answer:
        tokens = json.load(answer)
    return str(tokens.get("token") or tokens.get("access_token"))


def pinned(text: str, reference: str, found: str) -> str:
    """Return the text of versions.yaml with `found` behind an image; its comment goes."""
    line = re.compile(rf"^  {re.escape(reference)}: .*$", re.M)
    return line.sub(f"  {reference}: {found}", text)


def main(arguments: list[str]) -> int:
    """Pin what can be resolved, say what can't; return 1 if something is left."""
    if arguments:
        print(__doc__)
        return int(not {"-h", "--help"} & {*arguments})
    left = 0
    for reference in versions.images():
        try:
            found = digest(reference)
        except (OSError, ValueError) as problem:
            print(f"{reference}: not resolved: {problem}", file=sys.stderr)
            left += 1
            continue
        text = versions.FILE.read_text(encoding="utf-8")
        versions.FILE.write_text(pinned(text, reference, found), encoding="utf-8")
        print(f"{reference}: {found}")
    return int(bool(left))


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
