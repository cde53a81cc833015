"""The versions of the cluster, read from `versions.yaml`, the one file where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .errors import ClusterError

FILE = Path(__file__).parent / "versions.yaml"
DOCKER_HUB = "registry-1.docker.io"


@dataclass(frozen=True)
class Kubernetes:
    """One Kubernetes minor and what it runs with."""

    minor: str
    version: str
    etcd: str
    coredns: str
    node: str | None = None
    preview: bool = False  # of a minor to come: it is tried, and nothing depends on the result

    @property
    def etcd_tag(self) -> str:
        """Image tag for etcd in the form kubeadm names it, without the leading v."""
        return f"{self.etcd.lstrip('v')}-0"


@cache
def load() -> dict[str, Any]:
    """Return `versions.yaml` as it stands."""
    data: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return data


def minors(*, previews: bool = False) -> list[Kubernetes]:
    """Return every supported minor, the pinned one first, and after them the previews if wanted."""
    known = [Kubernetes(**entry) for entry in load()["kubernetes"]]
    return sorted((kube for kube in known if previews or not kube.preview), key=lambda k: k.preview)


def kubernetes(minor: str | None = None) -> Kubernetes:
    """Return the entry of `minor` ("1.36"), or the pinned one.

    Raises ClusterError for a minor that the file does not list.
    """
    known = minors(previews=True)
    for entry in known:
        if minor in (None, entry.minor):
            return entry
    listed = ", ".join(entry.minor for entry in known)
    raise ClusterError(f"Kubernetes {minor} is not listed in {FILE.name}; it lists {listed}")


def filled(text: str, kube: Kubernetes) -> str:
    """Return `text` with what is in braces (see `system` in versions.yaml) as `kube` has it."""
    major, minor = kube.minor.split(".")
    agnhost = image("agnhost").rpartition(":")[2]
    of_minor = {**vars(kube), "etcd_tag": kube.etcd_tag, "major": major, "minor": minor}
    return text.format(
        **of_minor, newest=minors()[0].version, agnhost=agnhost, modules=load()["modules"]
    )


def module(path: str) -> str:
    """Return the pinned version of a shared Go module, such as `sigs.k8s.io/kind`."""
    version: str = load()["modules"][path]
    return version


def images() -> dict[str, str | None]:
    """Return image reference → digest (None: not resolved yet)."""
    table: dict[str, str | None] = load()["images"]
    return table


def workloads() -> list[str]:
    """Return the references of the images that the examples and the Ingress controller run."""
    return [reference for reference in images() if not reference.startswith("kindest/")]


def repository(reference: str) -> str:
    """Return the last part of an image's name: `pause` of `registry.k8s.io/pause:3.10.2`."""
    return reference.rpartition(":")[0].rpartition("/")[2]


def image(name: str) -> str:
    """Return the full reference, with its tag, of the image whose repository ends in `name`."""
    return next(reference for reference in images() if repository(reference) == name)


def home(name: str) -> tuple[str, str]:
    """Return the registry that serves an image, and the path of its repository there.

    `name` is without tag and digest: `nginx` is `library/nginx` of Docker Hub.
    """
    host, _, path = name.partition("/")
    if path and ("." in host or ":" in host or host == "localhost"):
        return host, path
    return DOCKER_HUB, name if path else f"library/{name}"
