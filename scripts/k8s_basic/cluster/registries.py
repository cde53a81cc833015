"""Container registries: whether one answers, pulling from it, and what to do when that fails."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request

from .. import versions
from ..errors import ClusterError
from ..packages.engine import Engine

PROBE_TIMEOUT = 3.0  # seconds
PULL_TIMEOUT = 600.0  # seconds for one image
OTHERWISE = "name another with --registry-mirror HOST:PORT, or use --image-source packages"

# What an engine (Docker 20.10 to 29) says of a pull that failed, and what to do then.
ADVICE = (
    (
        r"toomanyrequests|\b429\b",
        "the limit of pulls is reached: docker login, or wait, or {other}",
    ),
    (
        r"denied|unauthorized|no basic auth|authorization|\b40[13]\b",
        "access is denied: docker login, or {other}",
    ),
    (
        r"manifest unknown|not found|\b404\b",
        "it isn't there: {mirror}look into versions.yaml, where ./scripts/digests pins what "
        "there is, or {other}",
    ),
    (r"\b5\d\d\b", "the registry itself fails: try again later, or {other}"),
    (
        r"no end after|time(?:d )?out|deadline|refused|reset|no such host|unreachable|EOF",
        "the registry does not answer: look at the network, or {other}",
    ),
)


def silence(host: str, schemes: tuple[str, ...] = ("https",)) -> str:
    """Return why a registry is of no use: its answer, or that none came; or nothing."""
    problem: object = ""
    for scheme in schemes:
        try:
            urllib.request.urlopen(f"{scheme}://{host}/v2/", timeout=PROBE_TIMEOUT).close()
            return ""
        except urllib.error.HTTPError as answer:
            # 401: it wants a token first, as Docker Hub does of everybody
            return "" if answer.code == 401 else f"{host} answers {answer.code} {answer.reason}"
        except (OSError, http.client.HTTPException) as error:  # none, or not one in HTTP
            problem = getattr(error, "reason", error)
    return f"{host} does not answer ({problem})"


def pull(engine: Engine, reference: str, mirror: str | None) -> str:
    """Have an image under its public name, by digest if one is pinned, and return its digest.

    `mirror` is host:port of a registry that serves all images under the paths that they have in
    their own (`library/nginx`). Raises ClusterError with what to do when it can't be pulled.
    """
    name, _, tag = reference.rpartition(":")
    repository = f"{mirror}/{versions.home(name)[1]}" if mirror else name
    pinned = versions.images().get(reference)
    wanted = f"{repository}@{pinned}" if pinned else f"{repository}:{tag}"
    digest = _digest_here(engine, wanted) if pinned else None  # a tag may have moved
    if not digest:
        try:
            engine.docker("pull", "-q", wanted, timeout=PULL_TIMEOUT)
        except ClusterError as problem:
            raise ClusterError(_what_to_do(wanted, str(problem), mirror)) from None
        digest = _digest_here(engine, wanted)
    if wanted != reference:
        engine.docker("tag", wanted, reference)
    if not digest:
        raise ClusterError(f"the Docker engine names no digest for {wanted}, which it has pulled")
    return digest


def _digest_here(engine: Engine, wanted: str) -> str | None:
    """Return the digest under which the engine has an image of this name, or None."""
    try:
        digests = engine.docker("image", "inspect", "--format", "{{json .RepoDigests}}", wanted)
    except ClusterError:
        return None
    repository, at, pinned = wanted.partition("@")
    repository = repository if at else wanted.rpartition(":")[0]
    found = [d.rpartition("@")[2] for d in json.loads(digests) if d.startswith(f"{repository}@")]
    return pinned if pinned in found else (found or [None])[-1]


def _what_to_do(wanted: str, words: str, mirror: str | None) -> str:
    said = words.replace(wanted, "")  # a digest or a port is no status
    about = {"other": OTHERWISE, "mirror": f"give it to {mirror}, or " if mirror else ""}
    advice = next((text for words, text in ADVICE if re.search(words, said, re.I)), "{other}")
    return f"{wanted} cannot be pulled; {advice.format(**about)} ({words})"
