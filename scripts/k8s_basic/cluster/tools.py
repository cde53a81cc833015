"""kind and kubectl beside a registry's images: of this machine, out of the node image, or built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .. import cache_dir, versions
from ..errors import ClusterError
from ..packages import programs
from ..packages.engine import Engine
from ..steps import run, say
from ..versions import Kubernetes


def out_of_node(engine: Engine, node: str) -> tuple[str, Path]:
    """Return the version of Kubernetes in a node image, and its kubectl, copied out of it."""
    key = engine.docker("image", "inspect", "--format", "{{.Id}}", node).strip()
    folder = cache_dir() / "kubectl" / key.removeprefix("sha256:")[:12]
    kubectl, version = folder / "kubectl", folder / "version"
    if not version.exists():
        folder.mkdir(parents=True, exist_ok=True)
        container = engine.docker("create", node).strip()
        try:
            engine.docker("cp", "-L", f"{container}:/usr/bin/kubectl", kubectl)
            engine.docker("cp", f"{container}:/kind/version", version)  # last: it says all is here
        finally:
            engine.docker("rm", container)
    return version.read_text(encoding="utf-8").strip(), kubectl


def own_kubectl(kube: Kubernetes) -> Path:
    """Return this machine's kubectl, where that of the node image, a Linux program, cannot run.

    Raises ClusterError when there is none that Kubernetes supports beside this minor.
    """
    found, has = shutil.which("kubectl"), "there is none"
    if found:
        answer = run(found, "version", "--client", "-o", "json", timeout=30, what="kubectl")
        version = str(json.loads(answer)["clientVersion"]["gitVersion"])
        if abs(int(version.split(".")[1]) - int(kube.minor.split(".")[1])) <= 1:
            return Path(found)
        has = f"{found} is {version}"
    raise ClusterError(
        f"this needs kubectl {kube.minor}, and {has}; install it "
        "(https://kubernetes.io/docs/tasks/tools/), then run again"
    )


def kind(kube: Kubernetes) -> Path:
    """Return kind of the pinned version: the machine's own, else built from its module.

    Raises ClusterError when there is neither.
    """
    pinned = versions.module("sigs.k8s.io/kind")
    found = shutil.which("kind")
    if found:
        try:
            said = run(found, "version", timeout=30)  # "kind v0.33.0 go1.26.1 linux/amd64"
        except ClusterError as problem:
            said = f"of no use ({problem})"
        if pinned in said.split():
            return Path(found)
        say(f"• {found} is {said.strip()} and not used: the lessons are tested with kind {pinned}")
    try:
        return programs.build(kube, ("kind",))["kind"] / "kind"
    except ClusterError as problem:
        raise ClusterError(
            f"kind {pinned} is not on the PATH and cannot be built here ({problem}); install it "
            "(https://kind.sigs.k8s.io/docs/user/quick-start/#installation), then run again"
        ) from None
