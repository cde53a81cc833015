"""Where the node image, kind and kubectl come from: a container registry, or package registries."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import cache_dir, versions
from ..errors import ClusterError
from ..packages import image, programs
from ..packages.engine import Engine
from ..steps import run, say, step
from ..versions import Kubernetes

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
        tail = f"; {len(self.images)} images, {pinned} of them pinned by digest"
        if self.substitutes:
            number = len(self.substitutes)
            tail = f"; {number} images are rebuilt from packages under their public names"
        return f"Kubernetes {self.kubernetes.version}, image source {self.name}{tail}"


def choose(wanted: str, kube: Kubernetes, mirror: str | None = None) -> str:
    """Return "registry" or "packages" for `wanted`; "auto" takes a registry wherever it answers.

    Raises ClusterError where a registry is asked for and cannot be used.
    """
    if wanted == "packages":
        return wanted
    problem = _why_not(kube, mirror)
    if problem and wanted == "registry":
        raise ClusterError(f"{problem}; {OTHERWISE}")
    if problem:
        say(f"• images are made from packages, because {problem}")
    return "packages" if problem else "registry"


def _why_not(kube: Kubernetes, mirror: str | None) -> str:
    """Return why no registry can be used, in words that follow "because", or nothing."""
    if not kube.node:
        return f"versions.yaml names no kind node image for Kubernetes {kube.minor}"
    if mirror:
        return _silence(mirror, ("https", "http"))
    hosts = dict.fromkeys(versions.home(ref.rpartition(":")[0])[0] for ref in _needed(kube))
    return next(filter(None, map(_silence, hosts)), "")


def _silence(host: str, schemes: tuple[str, ...] = ("https",)) -> str:
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


def prepare(
    engine: Engine, wanted: str, kube: Kubernetes, mirror: str | None = None
) -> ImageSource:
    """Have everything there that a cluster of this minor needs.

    `mirror` is host:port of a registry that serves all images under the paths that they have in
    their own (`library/nginx`). Raises ClusterError when something cannot be had.
    """
    chosen = choose(wanted, kube, mirror)
    return _from_packages(engine, kube) if chosen == "packages" else _pulled(engine, kube, mirror)


def _from_packages(engine: Engine, kube: Kubernetes) -> ImageSource:
    node = image.ensure(engine, kube)
    built = programs.build(kube, ("kube", "kind"))
    kind, kubectl = built["kind"] / "kind", built["kube"] / "kubectl"
    return ImageSource("packages", kube, node, kind, kubectl, image.substitutes(kube))


def _needed(kube: Kubernetes) -> list[str]:
    return [*([kube.node] if kube.node else []), *versions.workloads()]


def _pulled(engine: Engine, kube: Kubernetes, mirror: str | None) -> ImageSource:
    references = _needed(kube)
    with step(f"pull {len(references)} images"):
        images = {reference: _pull(engine, reference, mirror) for reference in references}
    node = references[0]
    version, kubectl = _out_of_node(engine, node)
    kube = replace(kube, version=version)
    kubectl = kubectl if sys.platform == "linux" else _own_kubectl(kube)
    return ImageSource(
        "registry", kube, node, _kind(kube), kubectl, load=references[1:], images=images
    )


def _pull(engine: Engine, reference: str, mirror: str | None) -> str:
    """Have an image under its public name, by digest if one is pinned, and return its digest."""
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


def _out_of_node(engine: Engine, node: str) -> tuple[str, Path]:
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


def _own_kubectl(kube: Kubernetes) -> Path:
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


def _kind(kube: Kubernetes) -> Path:
    """Return kind of the pinned version: the machine's own, else built from its module."""
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
