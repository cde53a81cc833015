"""Where the node image, kind and kubectl come from: a container registry, or package registries."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import versions
from ..errors import ClusterError
from ..packages import image, programs
from ..packages.engine import Engine
from ..steps import say, step
from ..versions import Kubernetes
from . import registries, tools


@dataclass(frozen=True)
class ImageSource:
    """What a cluster is made from."""

    name: str  # "registry" or "packages"
    kubernetes: Kubernetes
    node_image: str
    kind: Path
    kubectl: Path
    substitutes: list[str] = field(default_factory=list)  # built here in place of a registry's
    load: list[str] = field(default_factory=list)  # to be loaded into the nodes
    images: dict[str, str] = field(default_factory=dict)  # reference → digest that a registry gave

    def record(self) -> dict[str, Any]:
        """Return what the results say about it."""
        return {
            "image_source": self.name,
            "kubernetes": self.kubernetes.version,
            "node_image": self.node_image,
            "stand_ins": self.substitutes,
            "images": self.images,
            **({"preview": True} if self.kubernetes.preview else {}),
        }

    def sentence(self) -> str:
        """Return the line that is printed before the tests run."""
        pinned = sum(versions.images().get(ref) == digest for ref, digest in self.images.items())
        tail = f"{len(self.images)} images, {pinned} of them pinned by digest"
        if self.substitutes:
            number = len(self.substitutes)
            tail = f"{number} images are rebuilt from packages under their public names"
        return f"Kubernetes {self.kubernetes.version}, image source {self.name}; {tail}"


def prepare(
    engine: Engine, wanted: str, kube: Kubernetes, mirror: str | None = None
) -> ImageSource:
    """Have everything there that a cluster of this minor needs.

    `mirror` is host:port of a registry that serves all images under the paths that they have in
    their own (`library/nginx`). Raises ClusterError when something cannot be had.
    """
    chosen = choose(wanted, kube, mirror)
    return _built(engine, kube) if chosen == "packages" else _pulled(engine, kube, mirror)


def choose(wanted: str, kube: Kubernetes, mirror: str | None = None) -> str:
    """Return "registry" or "packages" for `wanted`; "auto" takes a registry wherever it answers.

    Raises ClusterError where a registry is asked for and cannot be used.
    """
    if wanted == "packages":
        return wanted
    problem = _why_not(kube, mirror)
    if problem and wanted == "registry":
        raise ClusterError(f"{problem}; {registries.OTHERWISE}")
    if problem:
        say(f"• images are made from packages, because {problem}")
    return "packages" if problem else "registry"


def _why_not(kube: Kubernetes, mirror: str | None) -> str:
    """Return why no registry can be used, in words that follow "because", or nothing."""
    if not kube.node:
        return f"versions.yaml names no kind node image for Kubernetes {kube.minor}"
    if mirror:
        return registries.silence(mirror, ("https", "http"))
    hosts = dict.fromkeys(versions.home(ref.rpartition(":")[0])[0] for ref in needed(kube))
    return next(filter(None, map(registries.silence, hosts)), "")


def needed(kube: Kubernetes) -> list[str]:
    """Return the images that a registry is asked for: the node image, then what it is given."""
    return [*([kube.node] if kube.node else []), *versions.workloads()]


def _built(engine: Engine, kube: Kubernetes) -> ImageSource:
    node = image.ensure(engine, kube)
    built = programs.build(kube, ("kubectl", "kind"))
    kind, kubectl = built["kind"] / "kind", built["kubectl"] / "kubectl"
    return ImageSource("packages", kube, node, kind, kubectl, image.substitutes(kube))


def _pulled(engine: Engine, kube: Kubernetes, mirror: str | None) -> ImageSource:
    node, *load = needed(kube)
    with step(f"pull {len(load) + 1} images"):
        images = {
            reference: registries.pull(engine, reference, mirror) for reference in (node, *load)
        }
    version, kubectl = tools.out_of_node(engine, node)
    kube = replace(kube, version=version)
    kubectl = kubectl if sys.platform == "linux" else tools.own_kubectl(kube)
    return ImageSource("registry", kube, node, tools.kind(kube), kubectl, load=load, images=images)
