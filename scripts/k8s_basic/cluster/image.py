"""The kind node image made from packages, with all images of the cluster and examples in it.

kind loads images into three nodes in 47 s; loaded once into the node image they cost nothing when
a cluster starts.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from .. import cache_dir
from ..errors import ClusterError
from ..steps import digest, run, say, step
from . import packages, programs, versions
from .engine import Engine
from .versions import Kubernetes

HERE = Path(__file__).parent
FILES = HERE / "images"
DEBIAN = "k8s-basic/debian"
# on a node image, the tags that kubeadm must ask for instead of its own: what was built
ETCD_LABEL = "k8s-basic.etcd"
DNS_LABEL = "k8s-basic.coredns"

# The node needs systemd, a network and storage tools; the examples' images need curl, dig and nc.
DEBIAN_PACKAGES = (
    "systemd systemd-sysv conntrack iptables ipset nftables iproute2 ethtool util-linux mount kmod "
    "libseccomp2 e2fsprogs bash ca-certificates jq procps runc containernetworking-plugins "
    "nfs-common curl bind9-dnsutils netcat-openbsd"
).split()


def reference(kube: Kubernetes) -> str:
    """Return the node image's name, which changes with anything that goes into it."""
    parts = [*programs.folders(kube), *stand_ins(kube), versions.load()["debian"]]
    key = digest(FILES, HERE / "image.py", parts)
    return f"k8s-basic/node:{kube.version}-{key}"


def ensure(engine: Engine, kube: Kubernetes) -> str:
    """Build the node image unless it is there, and return its name.

    Raises ClusterError when something it is made of cannot be had.
    """
    wanted = reference(kube)
    if exists(engine, wanted):
        return wanted
    built = programs.build(kube)
    packages.need({"debootstrap": "debootstrap", "dpkg": "dpkg"})
    with tempfile.TemporaryDirectory(dir=cache_dir()) as made:
        Builder(engine, kube, built, Path(made)).build(wanted)
    programs.drop_build_caches()
    _drop_older(engine, wanted)
    return wanted


def _drop_older(engine: Engine, wanted: str) -> None:
    """Remove earlier builds of this version; one that a cluster still runs from stays."""
    repository, tag = wanted.split(":")
    version = tag.rsplit("-", 1)[0]
    rows = engine.docker("images", repository, "--format", "{{.Repository}}:{{.Tag}}").split()
    for row in rows:
        if row != wanted and row.rsplit("-", 1)[0] == f"{repository}:{version}":
            try:
                engine.docker("rmi", row)
            except ClusterError:
                say(f"  {row} is in use and stays")


def exists(engine: Engine, name: str) -> bool:
    """Tell whether the engine has an image of this name."""
    return bool(engine.docker("images", "-q", name).strip())


def stand_ins(kube: Kubernetes) -> list[str]:
    """Return the references of all images that are built here in place of a registry's."""
    own = ["traefik", "busybox", "nginx", "pause", "agnhost", "controller", "speaker"]
    return sorted(_system(kube) | {versions.image(name) for name in own})


def enforcer() -> str:
    """Return the image of the Pod network and of what enforces NetworkPolicy in it.

    It does what kindnetd does, which no package carries, and bears no other's name.
    """
    version = versions.module("github.com/cloudnativelabs/kube-router/v2")
    return f"k8s-basic/kube-router:{version}"


def _system(kube: Kubernetes) -> set[str]:
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    local_path = versions.module("github.com/rancher/local-path-provisioner")
    return {
        *(f"registry.k8s.io/{name}:{kube.version}" for name in names),
        f"registry.k8s.io/etcd:{kube.etcd_tag}",
        f"registry.k8s.io/coredns/coredns:{kube.coredns}",
        f"rancher/local-path-provisioner:{local_path}",
    }


class Builder:
    """Makes one node image in a scratch folder."""

    def __init__(self, engine: Engine, kube: Kubernetes, built: dict[str, Path], work: Path):
        """`built` maps program name → folder of its files; `work` is removed by the caller."""
        self.engine, self.kube, self.built, self.work = engine, kube, built, work

    def build(self, wanted: str) -> None:
        """Make the image `wanted`; what it was made of does not stay behind in the engine."""
        with step(f"Debian {versions.load()['debian']} root file system"):
            self._debian()
        with step("images of the cluster and of the examples"):
            for reference in (*stand_ins(self.kube), enforcer()):
                self._image(reference)
        with step("node image"):
            self._node(wanted)
        self._tidy()

    def _debian(self) -> None:
        root = self.work / "rootfs"
        include = ",".join(DEBIAN_PACKAGES)
        suite = versions.load()["debian"]
        run("debootstrap", "--variant=minbase", f"--include={include}", suite, root)
        for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "usr/share/doc/*",
                        "usr/share/man/*", "usr/share/locale/*"):  # fmt: skip
            for path in root.glob(pattern):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        self._pipe(["tar", "-C", str(root), "-c", "."], ["docker", "import", "-", DEBIAN])
        shutil.rmtree(root)

    def _pipe(self, source: list[str], sink: list[str]) -> None:
        with subprocess.Popen(source, stdout=subprocess.PIPE, env=self.engine.env) as first:
            done = subprocess.run(
                sink, stdin=first.stdout, env=self.engine.env, capture_output=True, text=True
            )
        if done.returncode or first.returncode:
            raise ClusterError(f"{' '.join(sink[:3])} failed: {done.stderr.strip()[-400:]}")

    def _image(self, reference: str) -> None:
        """Build the image that stands in for `reference`; its folder is named like it."""
        name = reference.rsplit(":", 1)[0].rsplit("/", 1)[-1]
        own = FILES / name  # the rest is one binary, called by name
        folder = own if own.exists() else FILES / "control-plane"
        context = self.work / name
        shutil.copytree(folder, context)
        fill = getattr(self, f"_fill_{folder.name.replace('-', '_')}", None)
        if fill:
            fill(context)
        else:
            shutil.copy(self.built[name] / name, context / name)
        self._docker_build(reference, context)

    def _docker_build(self, reference: str, context: Path, *args: str) -> None:
        self.engine.docker("build", "-q", "-t", reference, *args, context)
        shutil.rmtree(context)

    def _fill_control_plane(self, context: Path) -> None:
        # a folder, because COPY follows a link that it is given by name
        programs_dir = context / "programs"
        programs_dir.mkdir()
        shutil.copy(self.built["kube"] / "kube", programs_dir / "kube")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            (programs_dir / name).symlink_to("kube")

    def _fill_kube_proxy(self, context: Path) -> None:
        shutil.copy(self.built["kube"] / "kube", context / "kube")

    def _fill_busybox(self, context: Path) -> None:
        root = packages.unpack(("busybox-static",), self.work / "busybox-files")
        (context / "bin").mkdir()
        (context / "etc").mkdir()
        busybox = context / "bin" / "busybox"
        shutil.copy(root / "bin" / "busybox", busybox)
        for applet in run(busybox, "--list", what="busybox --list").split():
            link = context / "bin" / applet
            if not link.exists():
                link.symlink_to("busybox")
        (context / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (context / "etc" / "group").write_text("root:x:0:\n")

    def _fill_nginx(self, context: Path) -> None:
        root = packages.unpack(("nginx", "nginx-common"), self.work / "nginx-files")
        # /lib is a link in Debian's root: a folder copied over it would break the image
        for unwanted in ("lib", "usr/share/doc", "usr/share/man"):
            shutil.rmtree(root / unwanted, ignore_errors=True)
        shutil.move(root, context / "root")

    def _node(self, wanted: str) -> None:
        context = self.work / "node"
        shutil.copytree(FILES / "node", context)
        shutil.copytree(self.built["kind"] / "files", context / "files")
        for path in (context / "files").rglob("*"):
            path.chmod(0o755 if path.is_dir() or "/bin/" in str(path) else 0o644)
        _configure_containerd(context / "files" / "etc" / "containerd" / "config.toml")
        cni = context / "default-cni.yaml"
        cni.write_text(cni.read_text(encoding="utf-8").replace("ENFORCER", enforcer()))
        storage = self.built["local-path-provisioner"] / "local-path-storage.yaml"
        (context / "default-storage.yaml").write_text(_default_storage(storage))
        programs_dir = context / "programs"
        programs_dir.mkdir()
        for name in ("containerd", "containerd-shim-runc-v2", "ctr"):
            shutil.copy(self.built["containerd"] / name, programs_dir / name)
        shutil.copy(self.built["kube"] / "kube", programs_dir / "kube")
        version = f"KUBERNETES_VERSION={self.kube.version}"
        self._docker_build("k8s-basic/node-base", context, "--build-arg", version)
        self._preload(wanted)

    def _preload(self, wanted: str) -> None:
        """Run containerd once in a container of the node image and give it all images."""
        run_args = ("run", "-d", "--entrypoint", "sleep", "--security-opt", "seccomp=unconfined")
        docker = self.engine.docker
        container = docker(*run_args, "k8s-basic/node-base", "infinity").strip()
        try:
            docker("exec", "-d", container, "sh", "-c", "containerd >/var/log/preload.log 2>&1")
            self._wait_for_containerd(container)
            load = "ctr -n k8s.io images import --label=io.cri-containerd.pinned=pinned"
            load += " --all-platforms --no-unpack --digests -"
            self._pipe(
                ["docker", "save", *stand_ins(self.kube), enforcer()],
                ["docker", "exec", "-i", container, *load.split()],
            )
            stop = "pkill -x containerd; while pgrep -x containerd; do sleep 0.1; done; rm -f "
            docker("exec", container, "sh", "-c", stop + "/var/log/preload.log")
            entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
            tags = f"LABEL {ETCD_LABEL}={self.kube.etcd_tag} {DNS_LABEL}={self.kube.coredns}"
            docker("commit", "--change", entrypoint, "--change", tags, container, wanted)
        finally:
            docker("rm", "-f", container)

    def _wait_for_containerd(self, container: str) -> None:
        for _ in range(120):
            try:
                self.engine.docker("exec", container, "ctr", "version")
                return
            except ClusterError:
                time.sleep(0.5)
        raise ClusterError("containerd did not start while the node image was made")

    def _tidy(self) -> None:
        """Drop the images that are now inside the node image; shared layers stay with it."""
        names = [*stand_ins(self.kube), enforcer(), "k8s-basic/node-base", DEBIAN]
        try:
            self.engine.docker("rmi", *names)
        except ClusterError as problem:
            say(f"  left behind in the engine: {problem}")


def _default_storage(manifest: Path) -> str:
    """Return local-path-provisioner's own manifest with its class as kind has it."""
    documents = list(yaml.safe_load_all(manifest.read_text(encoding="utf-8")))
    for document in documents:
        if document["kind"] == "StorageClass":
            default = {"storageclass.kubernetes.io/is-default-class": "true"}
            document["metadata"] = {"name": "standard", "annotations": default}
        if document["kind"] == "ConfigMap":
            pod = document["data"]["helperPod.yaml"]
            pinned = f"image: {versions.image('busybox')}"
            document["data"]["helperPod.yaml"] = pod.replace("image: busybox", pinned)
    return yaml.safe_dump_all(documents)


def _configure_containerd(config: Path) -> None:
    """Fit kind's containerd configuration to the images that were built, and to this machine."""
    text = config.read_text(encoding="utf-8")
    changes = {
        # a machine without CAP_SYS_RESOURCE may not lower oom_score_adj: runc would die of it
        "restrict_oom_score_adj = false": "restrict_oom_score_adj = true",
        'sandbox_image = "registry.k8s.io/pause:3.10"': (
            f'sandbox_image = "{versions.image("pause")}"'
        ),
    }
    for old, new in changes.items():
        if old not in text:
            raise ClusterError(f"kind's containerd configuration no longer says {old}; adapt it")
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")
