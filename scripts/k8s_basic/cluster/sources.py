"""Where the node image, kind and kubectl come from: a container registry, or package registries."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import cache_dir
from . import image, programs, versions
from .engine import Engine
from .errors import ClusterError
from .steps import step
from .versions import Kubernetes

REGISTRIES = ("https://registry-1.docker.io/v2/", "https://registry.k8s.io/v2/")
PROBE_TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class Source:
    """What a cluster is made from."""

    name: str  # "registry" or "packages"
    kubernetes: Kubernetes
    node_image: str
    kind: Path
    kubectl: Path
    stand_ins: list[str] = field(default_factory=list)  # built here in place of a registry's
    load: list[str] = field(default_factory=list)  # to be loaded into the nodes

    def record(self) -> dict[str, Any]:
        """Return what the results say about it."""
        return {
            "image_source": self.name,
            "kubernetes": self.kubernetes.version,
            "node_image": self.node_image,
            "stand_ins": self.stand_ins,
            **({"preview": True} if self.kubernetes.preview else {}),
        }

    def sentence(self) -> str:
        """Return the line that is printed before the tests run."""
        built = f"; {len(self.stand_ins)} images are rebuilt from packages under their public names"
        tail = built if self.stand_ins else "; images pinned by digest"
        return f"Kubernetes {self.kubernetes.version}, image source {self.name}{tail}"


def choose(wanted: str, kube: Kubernetes, mirror: str | None = None) -> str:
    """Return "registry" or "packages" for `wanted`, which may be "auto".

    auto takes a registry that answers and whose digests are all pinned.
    """
    if wanted != "auto":
        return wanted
    pinned = kube.node and all(versions.images().get(ref) for ref in _needed(kube))
    return "registry" if pinned and _reachable(mirror) else "packages"


def _reachable(mirror: str | None) -> bool:
    for url in (f"http://{mirror}/v2/",) if mirror else REGISTRIES:
        try:
            urllib.request.urlopen(url, timeout=PROBE_TIMEOUT)
        except urllib.error.HTTPError:
            continue  # 401: it answers, and wants a token first
        except (OSError, http.client.HTTPException):  # no answer, or not one in HTTP
            return False
    return True


def prepare(engine: Engine, wanted: str, kube: Kubernetes, mirror: str | None = None) -> Source:
    """Have everything there that a cluster of this minor needs.

    `mirror` is host:port of a registry that serves the public references under their own paths.
    Raises ClusterError when something cannot be had.
    """
    chosen = choose(wanted, kube, mirror)
    return _from_packages(engine, kube) if chosen == "packages" else _pulled(engine, kube, mirror)


def _from_packages(engine: Engine, kube: Kubernetes) -> Source:
    node = image.ensure(engine, kube)
    built = programs.build(kube, ("kube", "kind"))
    kind, kubectl = built["kind"] / "kind", built["kube"] / "kubectl"
    return Source("packages", kube, node, kind, kubectl, image.stand_ins(kube))


def _needed(kube: Kubernetes) -> list[str]:
    others = [ref for ref in versions.images() if not ref.startswith("kindest/")]
    return [kube.node, *others] if kube.node else others


def _pulled(engine: Engine, kube: Kubernetes, mirror: str | None) -> Source:
    if not kube.node:
        raise ClusterError(
            f"versions.yaml names no kind node image for Kubernetes {kube.minor}; "
            "add one, or use --image-source packages"
        )
    references = _needed(kube)
    digests = {reference: _digest(reference) for reference in references}
    with step(f"pull {len(references)} images by digest"):
        for reference, digest in digests.items():
            _pull(engine, reference, digest, mirror)
    # kind publishes node images of few patches: what runs is what the image says
    kube = replace(kube, version=kube.node.rsplit(":", 1)[1])
    kubectl = _kubectl_of_node(engine, str(kube.node))
    kind = programs.build(kube, ("kind",))["kind"] / "kind"
    return Source("registry", kube, str(kube.node), kind, kubectl, load=references[1:])


def _digest(reference: str) -> str:
    digest = versions.images().get(reference)
    if not digest:
        raise ClusterError(
            f"no digest is pinned for {reference}: run ./scripts/upgrade images where a registry "
            "answers, or use --image-source packages"
        )
    return digest


def _pull(engine: Engine, reference: str, digest: str, mirror: str | None) -> None:
    repository = reference.rsplit(":", 1)[0]
    if mirror:
        repository = f"{mirror}/{repository.removeprefix('registry.k8s.io/')}"
    pinned = f"{repository}@{digest}"
    engine.docker("pull", "-q", pinned)
    engine.docker("tag", pinned, reference)


def _kubectl_of_node(engine: Engine, node: str) -> Path:
    """Copy kubectl out of the node image: the very version, and nothing more to fetch."""
    folder = cache_dir() / "programs" / f"kubectl-{node.replace('/', '-').replace(':', '-')}"
    kubectl = folder / "kubectl"
    if not kubectl.exists():
        folder.mkdir(parents=True, exist_ok=True)
        container = engine.docker("create", node).strip()
        try:
            engine.docker("cp", "-L", f"{container}:/usr/bin/kubectl", kubectl)
        finally:
            engine.docker("rm", container)
    return kubectl
