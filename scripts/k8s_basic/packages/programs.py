"""The programs of `programs.yaml`, compiled from Go modules: nothing else is fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from .. import cache_dir, versions
from ..errors import ClusterError
from ..steps import digest, run, step
from ..versions import Kubernetes
from . import toolchain

LIST = Path(__file__).parent / "programs.yaml"
SOURCES = Path(__file__).parent / "go"
LEGO = "github.com/go-acme/lego/v5"

GoCommand = Callable[..., str]  # of `steps.run`: words of a Go command, and `what` they are for


@dataclass(frozen=True)
class Program:
    """One `go build`: which module, which packages of it, and how."""

    name: str
    module: str = ""
    version: str = ""
    packages: tuple[str, ...] = (".",)
    tags: str = ""
    ldflags: str = ""
    replaces: dict[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()  # files of the module that go beside the programs

    @property
    def folder(self) -> str:
        """Name of the folder of its files, which changes with anything that goes into it."""
        # without the toolchain: another Go on the machine is no reason to compile all again
        own = [SOURCES / self.name] if (SOURCES / self.name).exists() else []
        return f"{self.name}-{digest(json.dumps(vars(self), sort_keys=True), *own)}"


def programs(kube: Kubernetes) -> list[Program]:
    """Return what a cluster of this minor is made of, in the order in which it is compiled."""
    found = []
    for name, entry in yaml.safe_load(LIST.read_text(encoding="utf-8")).items():
        shared = {"version": versions.load()["modules"].get(entry.get("module"), "")}
        texts = {k: versions.filled(v, kube) for k, v in entry.items() if isinstance(v, str)}
        found.append(Program(name, **(shared | entry | texts)))
    return found


def manifests() -> dict[str, Program]:
    """Return module → what is fetched of it, for the manifests that versions.yaml lists."""
    found = {}
    for module, entry in versions.load()["manifests"].items():
        name, version = module.rpartition("/")[2], versions.module(module)
        found[module] = Program(name, module, version, packages=(), keep=(entry["folder"],))
    return found


def build(kube: Kubernetes, names: tuple[str, ...] = ()) -> dict[str, Path]:
    """Compile what is not cached yet (only `names`, if any) and return name → folder of its files.

    Raises ClusterError when Go is missing or a build fails.
    """
    chosen = [program for program in programs(kube) if not names or program.name in names]
    return {program.name: _build(program) for program in chosen}


def module_files(module: str) -> Path:
    """Return the folder of manifests that a Go module carries (see `manifests`).

    Raises ClusterError when Go is missing or the module can't be had.
    """
    program = manifests()[module]
    return _build(program) / Path(program.keep[0]).name


def folders(kube: Kubernetes) -> list[str]:
    """Return a folder name per program, which changes with anything that goes into it."""
    return [program.folder for program in programs(kube)]


def drop_build_caches() -> None:
    """Remove Go's caches, 9 GB that only a next build would use, and programs of old versions."""
    wanted = {name for kube in versions.minors(previews=True) for name in folders(kube)}
    wanted |= {program.folder for program in manifests().values()}
    old = [file for file in (cache_dir() / "programs").iterdir() if file.name not in wanted]
    for folder in [*old, cache_dir() / "build"]:
        if folder.exists():
            with step(f"remove {folder}"):
                shutil.rmtree(folder, ignore_errors=True)  # it may be a file of former times


def _build(program: Program) -> Path:
    target = cache_dir() / "programs" / program.folder
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        step(f"{'compile' if program.packages else 'fetch'} {program.name} {program.version}"),
        tempfile.TemporaryDirectory(dir=target.parent) as made,
    ):
        out = Path(made) / "out"
        out.mkdir()
        _compile(program, Path(made) / "module", out)
        out.rename(target)  # only a whole result is ever found under its name
    return target


def go_environment() -> dict[str, str]:
    """Return the environment of every Go command: caches of our own, no cgo, this toolchain."""
    build = cache_dir() / "build"
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOCACHE": str(build / "go-build"),
        "GOMODCACHE": str(build / "go-mod"),
    }


def _go(cwd: Path, wanted: str | None = None, module: str = "") -> GoCommand:
    """Return how a Go runs in `cwd` that is new enough (see `toolchain.binary`)."""
    go = toolchain.binary(wanted, module)
    return partial(run, go, cwd=cwd, env=go_environment(), words=toolchain.cause)


def _compile(program: Program, folder: Path, out: Path) -> None:
    own = SOURCES / program.name
    if own.exists():
        shutil.copytree(own, folder)
    else:
        folder.mkdir()
    go, upstream = _fetch(program, folder, out) if program.module else (_go(folder), {})
    if not program.packages:
        return
    (folder / "go.mod").write_text(_go_mod(program, upstream), encoding="utf-8")
    options = ["-trimpath", "-ldflags", f"-s -w {program.ldflags}", "-tags", program.tags]
    go("build", *options, "-o", f"{out}/", *program.packages, what=f"compiling {program.name}")
    if program.packages[0] == ".":
        (out / "module").rename(out / program.name)


def _fetch(program: Program, folder: Path, out: Path) -> tuple[GoCommand, dict[str, Any]]:
    """Fetch a program's module, and copy into `out` what is kept of it and into `folder` what is
    compiled of it in changed form.

    Returns the Go that is new enough for it, and its go.mod as `go mod edit -json` tells it.
    """
    file = Path(_module(_go(folder), program.module, program.version)["GoMod"])
    # read as text, as an older Go refuses lines of a go.mod that it does not know
    wanted = re.search(r"^go\s+([\w.]+)", file.read_text(encoding="utf-8"), re.M)
    go = _go(folder, wanted[1] if wanted else None, program.module)
    upstream = json.loads(go("mod", "edit", "-json", file, what=f"go.mod of {program.module}"))
    source = _download(go, program.module, program.version)
    for kept in (source / name for name in program.keep):
        (shutil.copytree if kept.is_dir() else shutil.copy)(kept, out / kept.name)
    if prepare := PREPARED.get(program.name):
        prepare(folder, source, go)
    return go, upstream


def _module(go: GoCommand, path: str, version: str) -> dict[str, Any]:
    """Return where a module's go.mod lies, and the module once it is downloaded.

    `go mod download` would ask for the whole module, which a Go that is too old for it refuses.
    """
    name = f"{path}@{version}"
    module: dict[str, Any] = json.loads(go("list", "-m", "-json", name, what=f"module {name}"))
    return module


def _download(go: GoCommand, path: str, version: str) -> Path:
    go("mod", "download", f"{path}@{version}", what=f"module {path}@{version}")
    return Path(_module(go, path, version)["Dir"])


def _go_mod(program: Program, upstream: dict[str, Any]) -> str:
    """Return the go.mod of our wrapper: the module's own `replace` lines do not travel with it.

    `upstream` is what `go mod edit -json` says of the module's go.mod, which leaves out what is
    empty (Go 1.27) or names it with null (before).
    """
    lines = ["module k8s-basic.invalid/module", "", f"go {upstream.get('Go', toolchain.OLDEST)}"]
    lines += [f"godebug {g['Key']}={g['Value']}" for g in upstream.get("Godebug") or []]
    if program.module:
        lines.append(f"require {program.module} {program.version}")
    replaces = {r["Old"]["Path"]: _replacement(program, r) for r in upstream.get("Replace") or []}
    replaces.update(program.replaces)
    lines += [f"replace {old} => {new}" for old, new in sorted(replaces.items())]
    lines += [f"exclude {e['Path']} {e['Version']}" for e in upstream.get("Exclude") or []]
    return "\n".join(lines) + "\n"


def _replacement(program: Program, replace: dict[str, Any]) -> str:
    new = replace["New"]
    if not new["Path"].startswith("."):
        return f"{new['Path']} {new.get('Version', '')}".strip()
    # a folder of upstream's own repository is published as a module: Kubernetes' staging modules
    # as v0.x.y beside v1.x.y, etcd's with the server's version
    staging = program.module == "k8s.io/kubernetes"
    version = re.sub(r"^v1\.", "v0.", program.version) if staging else program.version
    return f"{replace['Old']['Path']} {version}"


def _prepare_kube_router(folder: Path, source: Path, _: GoCommand) -> None:
    """Lay a copy of kube-router beside the wrapper that leaves what it lets through to kube-proxy.

    It accepts such packets at once, before kube-proxy refuses those to a Service without endpoints.
    """
    copy = folder / "source"
    shutil.copytree(source, copy)
    file = copy / "pkg" / "controllers" / "netpol" / "network_policy_controller.go"
    before, name, after = file.read_text(encoding="utf-8").partition(") ensureExplicitAccept() {")
    if '"ACCEPT"' not in after:
        raise ClusterError(f"kube-router no longer accepts packets in {file.name}; adapt it")
    changed = before + name + after.replace('"ACCEPT"', '"RETURN"', 1)
    file.write_text(changed, encoding="utf-8")


def _prepare_traefik(folder: Path, source: Path, go: GoCommand) -> None:
    """Lay a copy of lego beside the wrapper, its list of DNS providers replaced by an empty one."""
    go_mod = (source / "go.mod").read_text(encoding="utf-8")
    wanted = re.search(rf"{re.escape(LEGO)} (v\S+)", go_mod)
    if not wanted:
        raise ClusterError(f"Traefik no longer requires {LEGO}; adapt {LIST.name}")
    shutil.copytree(_download(go, LEGO, wanted[1]), folder / "lego")
    overlay = folder / "overlay" / "dns.go"
    shutil.copy(overlay, folder / "lego" / "providers" / "dns" / "zz_gen_dns_providers.go")
    shutil.rmtree(folder / "overlay")
    (folder / "ext" / "go.mod").write_text("module github.com/traefik/traefik/dynamic/ext\n")


PREPARED = {"kube-router": _prepare_kube_router, "traefik": _prepare_traefik}
