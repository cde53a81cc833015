"""The kind node image made from packages, with all images of the cluster and examples in it.

kind loads images into three nodes in 47 s; loaded once into the node image they cost nothing when
a cluster starts. An image is a folder below images/, named like its repository: a Dockerfile; the
program of that name beside it, or what the Debian `packages` listed there hold, below root/; and
`prepare`, a shell script that runs there before the build, if there is something to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import cache_dir, versions
from ..errors import ClusterError
from ..steps import digest, run, say, step
from ..versions import Kubernetes
from . import debian, programs
from .engine import Engine

FILES = Path(__file__).parent / "images"
DEBIAN = "k8s-basic/debian"
BASE = "k8s-basic/node-base"
LOG = "/var/log/preload.log"  # of containerd, in a container
# on a node image, the tags that kubeadm must ask for instead of its own: what was built
ETCD_LABEL = "k8s-basic.etcd"
DNS_LABEL = "k8s-basic.coredns"


def reference(kube: Kubernetes) -> str:
    """Return the node image's name, which changes with anything that goes into it."""
    parts = [*programs.folders(kube), *substitutes(kube), versions.load()["debian"]]
    return f"k8s-basic/node:{kube.version}-{digest(FILES, Path(__file__), parts)}"


def ensure(engine: Engine, kube: Kubernetes) -> str:
    """Build the node image unless it is there, and return its name.

    Raises ClusterError when something it is made of cannot be had.
    """
    wanted = reference(kube)
    if engine.docker("images", "-q", wanted).strip():
        return wanted
    built = programs.build(kube)
    debian.need({"debootstrap": "debootstrap", "dpkg": "dpkg"})
    with tempfile.TemporaryDirectory(dir=cache_dir()) as made:
        _Builder(engine, kube, built, Path(made)).build(wanted)
    programs.drop_build_caches()
    _drop_older(engine, wanted)
    return wanted


def _drop_older(engine: Engine, wanted: str) -> None:
    """Remove earlier builds of this version; one that a cluster still runs from stays."""
    form = "{{.Repository}}:{{.Tag}}"
    for row in engine.docker("images", wanted.partition(":")[0], "--format", form).split():
        if row != wanted and row.rpartition("-")[0] == wanted.rpartition("-")[0]:
            try:
                engine.docker("rmi", row)
            except ClusterError:
                say(f"  {row} is in use and stays")


def substitutes(kube: Kubernetes) -> list[str]:
    """Return the references of all images that are built here in place of a registry's."""
    system = (versions.filled(reference, kube) for reference in versions.load()["system"])
    return sorted({*system, *versions.workloads()})


def enforcer() -> str:
    """Return the image of the Pod network and of what enforces NetworkPolicy in it.

    It does what kindnetd does, which no package carries, and bears no other's name.
    """
    version = versions.module("github.com/cloudnativelabs/kube-router/v2")
    return f"k8s-basic/kube-router:{version}"


def folder(reference: str) -> Path:
    """Return the folder of the image that stands in for `reference`."""
    own = FILES / versions.repository(reference)
    return own if own.exists() else FILES / "control-plane"  # one binary, called by name


def fill(reference: str, built: dict[str, Path], context: Path) -> None:
    """Make `context` the folder that this image is built from; `built` maps program → its files."""
    shutil.copytree(folder(reference), context)
    listed, name = context / "packages", versions.repository(reference)
    if listed.exists():
        debian.unpack(listed.read_text(encoding="utf-8").split(), context / "root")
    else:
        program = name if name in built else "kube"
        shutil.copy(built[program] / program, context / program)
    if (context / "prepare").exists():
        run("sh", "prepare", cwd=context, what=f"files of {reference}")


def pipe(engine: Engine, source: list[str], sink: list[str]) -> None:
    """Give what one command says to another, with the engine's environment, or ClusterError."""
    with subprocess.Popen(source, stdout=subprocess.PIPE, env=engine.env) as first:
        done = subprocess.run(
            sink, stdin=first.stdout, env=engine.env, capture_output=True, text=True
        )
    if done.returncode or first.returncode:
        raise ClusterError(f"{' '.join(sink[:3])} failed: {done.stderr.strip()[-400:]}")


@contextmanager
def containerd(engine: Engine, node: str) -> Iterator[str]:
    """Run containerd in a container of a node image, which is removed in the end; its id.

    Raises ClusterError when containerd does not answer within a minute.
    """
    options = ("-d", "--entrypoint", "sleep", "--security-opt", "seccomp=unconfined")
    container = engine.docker("run", *options, node, "infinity").strip()
    try:
        engine.docker("exec", "-d", container, "sh", "-c", f"containerd >{LOG} 2>&1")
        _wait_for_containerd(engine, container)
        yield container
    finally:
        engine.docker("rm", "-f", container)


def _wait_for_containerd(engine: Engine, container: str) -> None:
    for _ in range(120):
        try:
            engine.docker("exec", container, "ctr", "version")
            return
        except ClusterError:
            time.sleep(0.5)
    raise ClusterError("containerd did not start while the node image was made")


def commit_node(engine: Engine, container: str, wanted: str, *changes: str) -> None:
    """Stop containerd in `container` and make the node image `wanted` of it."""
    stop = f"pkill -x containerd; while pgrep -x containerd; do sleep 0.1; done; rm -f {LOG}"
    engine.docker("exec", container, "sh", "-c", stop)
    entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
    options = [word for change in (entrypoint, *changes) for word in ("--change", change)]
    engine.docker("commit", *options, container, wanted)


class _Builder:
    """Makes one node image in a scratch folder, which the caller removes."""

    def __init__(self, engine: Engine, kube: Kubernetes, built: dict[str, Path], work: Path):
        self.engine, self.kube, self.built, self.work = engine, kube, built, work
        self.images = [*substitutes(kube), enforcer()]

    def build(self, wanted: str) -> None:
        """Make the image `wanted`; what it was made of does not stay behind in the engine."""
        with step(f"Debian {versions.load()['debian']} root file system"):
            self._debian()
        with step("images of the cluster and of the examples"):
            for reference in self.images:
                context = self.work / versions.repository(reference)
                fill(reference, self.built, context)
                self._docker_build(reference, context)
        with step("node image"):
            self._node()
            self._preload(wanted)
        try:  # they are now inside the node image; shared layers stay with it
            self.engine.docker("rmi", *self.images, BASE, DEBIAN)
        except ClusterError as problem:
            say(f"  left behind in the engine: {problem}")

    def _debian(self) -> None:
        root, own = self.work / "rootfs", FILES / "debian"
        include = ",".join((own / "packages").read_text(encoding="utf-8").split())
        suite = versions.load()["debian"]
        run("debootstrap", "--variant=minbase", f"--include={include}", suite, root)
        run("sh", own / "prepare", cwd=root)
        pipe(self.engine, ["tar", "-C", str(root), "-c", "."], ["docker", "import", "-", DEBIAN])
        shutil.rmtree(root)

    def _docker_build(self, reference: str, context: Path, *args: str) -> None:
        self.engine.docker("build", "-q", "-t", reference, *args, context)
        shutil.rmtree(context)

    def _node(self) -> None:
        context = self.work / "node"
        shutil.copytree(FILES / "node", context)
        shutil.copytree(self.built["kind"] / "files", context / "files")
        storage = self.built["local-path-provisioner"] / "local-path-storage.yaml"
        shutil.copy(storage, context / "default-storage.yaml")
        images = {name.upper(): versions.image(name) for name in ("pause", "busybox")}
        env = {**os.environ, **images, "ENFORCER": enforcer()}
        run("sh", "prepare", cwd=context, env=env, what="files of the node")
        (context / "programs").mkdir()
        for name in ("containerd", "containerd-shim-runc-v2", "ctr"):
            shutil.copy(self.built["containerd"] / name, context / "programs" / name)
        shutil.copy(self.built["kube"] / "kube", context / "programs" / "kube")
        self._docker_build(BASE, context, "--build-arg", f"KUBERNETES_VERSION={self.kube.version}")

    def _preload(self, wanted: str) -> None:
        """Run containerd once in a container of the node image and give it all images."""
        load = "ctr -n k8s.io images import --label=io.cri-containerd.pinned=pinned"
        load += " --all-platforms --no-unpack --digests -"
        labels = f"LABEL {ETCD_LABEL}={self.kube.etcd_tag} {DNS_LABEL}={self.kube.coredns}"
        with containerd(self.engine, BASE) as container:
            into = ["docker", "exec", "-i", container, *load.split()]
            pipe(self.engine, ["docker", "save", *self.images], into)
            commit_node(self.engine, container, wanted, labels)
