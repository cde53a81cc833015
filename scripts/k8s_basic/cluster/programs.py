"""The cluster's programs, compiled from Go modules: nothing else is fetched.

Facts about what each module needs were read in its own go.mod; what the module proxy does not
serve is named where it is replaced.
"""

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

from .. import cache_dir
from ..errors import ClusterError
from ..steps import digest, run, step
from . import toolchain, versions
from .versions import Kubernetes

SOURCES = Path(__file__).parent / "go"
KEPT = ("kubectl-", "gateway-api-", "metallb-")  # what a cluster needs besides programs
COMPONENT_VERSION = "k8s.io/component-base/version"

# What upstream names and the module proxy does not serve, with what stands in for it.
TRAEFIK_REPLACES = {
    # the newer fork that Traefik names is not served; the fields it adds are not used here
    "github.com/abbot/go-http-auth": (
        "github.com/containous/go-http-auth v0.4.1-0.20200324110947-a37a7636d23e"
    ),
    "github.com/traefik/traefik/dynamic/ext": "./ext",
    "github.com/go-acme/lego/v5": "./lego",
}


GoCommand = Callable[..., str]  # of `steps.run`: words of a Go command, and `what` they are for


@dataclass(frozen=True)
class Program:
    """One `go build`: which module, which packages of it, and how."""

    name: str
    module: str
    version: str
    packages: tuple[str, ...]
    tags: str = ""
    ldflags: str = ""
    replaces: dict[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()  # files of the module that go beside the programs
    prepare: Callable[[Path, Path, GoCommand], None] | None = None


def programs(kube: Kubernetes) -> list[Program]:
    """Return what a cluster of this minor is made of, in the order in which it is compiled."""
    newest = versions.minors()[0]
    module = versions.module
    containerd = "github.com/containerd/containerd/v2"
    traefik = "github.com/traefik/traefik/v3"
    local_path = "github.com/rancher/local-path-provisioner"
    metallb = "go.universe.tf/metallb"
    kube_router = "github.com/cloudnativelabs/kube-router/v2"
    kind = "sigs.k8s.io/kind"
    agnhost = versions.image("agnhost").rsplit(":", 1)[1]
    return [
        Program("kube", "k8s.io/kubernetes", kube.version, (".",), ldflags=_stamp(kube)),
        Program("etcd", "go.etcd.io/etcd/server/v3", kube.etcd, (".",)),
        Program(
            "containerd",
            containerd,
            module(containerd),
            tuple(
                f"{containerd}/cmd/{p}" for p in ("containerd", "containerd-shim-runc-v2", "ctr")
            ),
            tags="no_btrfs no_devmapper no_zfs no_aufs",
        ),
        Program("coredns", "github.com/coredns/coredns", kube.coredns, (".",)),
        # the examples keep one agnhost on every minor: that of the newest
        Program(
            "agnhost",
            "k8s.io/kubernetes",
            newest.version,
            ("k8s.io/kubernetes/test/images/agnhost",),
            ldflags=f"-X main.Version={agnhost}",
        ),
        Program(
            "local-path-provisioner",
            local_path,
            module(local_path),
            (local_path,),
            keep=("deploy/local-path-storage.yaml",),
        ),
        Program(
            "traefik",
            traefik,
            module(traefik),
            (f"{traefik}/cmd/traefik",),
            replaces=TRAEFIK_REPLACES,
            prepare=_prepare_traefik,
        ),
        *(
            Program(name, metallb, module(metallb), (f"{metallb}/{name}",))
            for name in ("controller", "speaker")
        ),
        # enforces NetworkPolicy: no package carries kindnetd, which does it in kind's node image
        Program(
            "kube-router",
            kube_router,
            module(kube_router),
            (f"{kube_router}/cmd/kube-router",),
            replaces={kube_router: "./source"},
            prepare=_prepare_kube_router,
        ),
        Program("pause", "", "", (".",)),
        Program("kind", kind, module(kind), (kind,), keep=("images/base/files",)),
    ]


def _stamp(kube: Kubernetes) -> str:
    # kubeadm compares these to the version it installs, so an unstamped build cannot join nodes
    major, minor = kube.minor.split(".")
    values = {
        f"{COMPONENT_VERSION}.gitVersion": kube.version,
        f"{COMPONENT_VERSION}.gitMajor": major,
        f"{COMPONENT_VERSION}.gitMinor": minor,
        f"{COMPONENT_VERSION}.gitTreeState": "clean",
        "k8s.io/client-go/pkg/version.gitVersion": kube.version,
    }
    return " ".join(f"-X {name}={value}" for name, value in values.items())


def build(kube: Kubernetes, names: tuple[str, ...] = ()) -> dict[str, Path]:
    """Compile what is not cached yet (only `names`, if any) and return name → folder of its files.

    Raises ClusterError when Go is missing or a build fails.
    """
    chosen = [program for program in programs(kube) if not names or program.name in names]
    return {program.name: _build(program) for program in chosen}


def module_files(path: str, folder: str) -> Path:
    """Return a folder of a Go module that holds no program, kept beside the programs.

    Raises ClusterError when Go is missing or the module can't be had.
    """
    name = path.rsplit("/", 1)[-1]
    program = Program(name, path, versions.module(path), (), keep=(folder,))
    return _build(program) / Path(folder).name


def folders(kube: Kubernetes) -> list[str]:
    """Return a folder name per program, which changes with anything that goes into it."""
    return [_folder(program) for program in programs(kube)]


def drop_build_caches() -> None:
    """Remove Go's caches, 9 GB that only a next build would use, and programs of old versions."""
    build = cache_dir() / "build"
    wanted = {name for kube in versions.minors(previews=True) for name in folders(kube)}
    for folder in (cache_dir() / "programs").iterdir():
        if folder.name not in wanted and not folder.name.startswith(KEPT):
            shutil.rmtree(folder)
    if build.exists():
        with step("drop the build caches"):
            shutil.rmtree(build)


def _folder(program: Program) -> str:
    # without the toolchain: another Go on the machine is no reason to compile everything again
    fields = {name: value for name, value in vars(program).items() if name != "prepare"}
    own = SOURCES / program.name
    wrapper = [own] if own.exists() else []
    return f"{program.name}-{digest(json.dumps(fields, sort_keys=True), *wrapper)}"


def _build(program: Program) -> Path:
    target = cache_dir() / "programs" / _folder(program)
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


def _compile(program: Program, folder: Path, out: Path) -> None:
    own = SOURCES / program.name
    if own.exists():
        shutil.copytree(own, folder)
    else:
        folder.mkdir()
    go = _runner(toolchain.binary(), folder)
    upstream: dict[str, Any] = {}
    if program.module:
        file = Path(_module(go, program.module, program.version)["GoMod"])
        # read as text, as an older Go refuses lines of a go.mod that it does not know
        wanted = re.search(r"^go\s+([\w.]+)", file.read_text(encoding="utf-8"), re.M)
        go = _runner(toolchain.binary(wanted[1] if wanted else None, program.module), folder)
        upstream = json.loads(go("mod", "edit", "-json", file, what=f"go.mod of {program.module}"))
        source = _download(go, program.module, program.version)
        for kept in program.keep:
            _copy_kept(source / kept, out)
        if program.prepare:
            program.prepare(folder, source, go)
    (folder / "go.mod").write_text(_go_mod(program, upstream), encoding="utf-8")
    if not program.packages:
        return
    command = ["build", "-trimpath", "-ldflags", f"-s -w {program.ldflags}", "-o", f"{out}/"]
    if program.tags:
        command += ["-tags", program.tags]
    go(*command, *program.packages, what=f"compiling {program.name}")
    if program.packages == (".",):
        (out / "module").rename(out / program.name)
    if program.name == "kube":
        (out / "kubectl").symlink_to("kube")


def _copy_kept(file: Path, out: Path) -> None:
    if file.is_dir():
        shutil.copytree(file, out / file.name)
    else:
        shutil.copy(file, out)


def _runner(go: Path, cwd: Path) -> GoCommand:
    return partial(run, go, cwd=cwd, env=go_environment(), words=toolchain.cause)


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
    if not upstream:
        return "\n".join(lines) + "\n"
    lines += [f"godebug {g['Key']}={g['Value']}" for g in upstream.get("Godebug") or []]
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


def _prepare_kube_router(folder: Path, source: Path, _: Callable[..., str]) -> None:
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
    go_mod = source / "go.mod"
    wanted = re.search(r"github\.com/go-acme/lego/v5 (v\S+)", go_mod.read_text(encoding="utf-8"))
    if not wanted:
        raise ClusterError("Traefik no longer requires lego/v5; adapt TRAEFIK_REPLACES")
    shutil.copytree(_download(go, "github.com/go-acme/lego/v5", wanted[1]), folder / "lego")
    overlay = folder / "overlay" / "dns.go"
    shutil.copy(overlay, folder / "lego" / "providers" / "dns" / "zz_gen_dns_providers.go")
    shutil.rmtree(folder / "overlay")
    (folder / "ext" / "go.mod").write_text("module github.com/traefik/traefik/dynamic/ext\n")
