"""pytest-kind's cluster, with time limits, errors in a sentence and what its source lacks."""

from __future__ import annotations

import http.client
import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from pytest_kind import KindCluster

from .. import EXAMPLES, cache_dir
from ..errors import ClusterError
from ..steps import run, step
from . import image, programs, versions
from .engine import Engine
from .sources import Source

CREATE_TIMEOUT = 300.0  # seconds; 20 to 40 were seen
READY_TIMEOUT = 180  # seconds
LOAD_TIMEOUT = 600.0  # seconds; 47 were seen for all images and three nodes
CONFIG = EXAMPLES / "start/first-cluster/kind-cluster.yaml"
INGRESS_CONTROLLER = EXAMPLES / "start/first-cluster/ingress-controller.yaml"
# Manifests of others that the lessons have the reader apply: where they are published, and the
# folder of the Go module that holds the same (source "packages").
GATEWAY_API = (
    "sigs.k8s.io/gateway-api",
    "https://github.com/kubernetes-sigs/gateway-api/releases/download/{version}/standard-install.yaml",
    "config/crd/standard",
)
METALLB = (
    "go.universe.tf/metallb",
    "https://raw.githubusercontent.com/metallb/metallb/{version}/config/manifests/metallb-native.yaml",
    "config/manifests",
)
FETCH_TIMEOUT = 30.0  # seconds for a published manifest to begin
# a cordoned node has a taint as well, node.kubernetes.io/unschedulable
CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane"


class DocsCluster(KindCluster):  # type: ignore[misc]  # pytest-kind has no type hints
    """The cluster of the tests: the reader's own kind configuration, patched for its source."""

    def __init__(self, name: str, kubeconfig: Path, source: Source, engine: Engine):
        """`kubeconfig` is written here and nowhere else; the user's own file stays as it is."""
        super().__init__(name, kubeconfig, source.node_image, source.kind, source.kubectl)
        self.source, self.engine = source, engine

    @property
    def env(self) -> dict[str, str]:
        """Environment of kubectl and kind for this cluster."""
        return {**self.engine.env, "KUBECONFIG": str(self.kubeconfig_path)}

    def _kind(self, *args: str | Path, timeout: float = 120) -> str:
        what = f"kind {args[0]} {args[1]}"
        return run(self.kind_path, *args, env=self.env, timeout=timeout, what=what)

    def exists(self) -> bool:
        """Tell whether the engine has a kind cluster of this name, whoever made it."""
        return self.name in self._kind("get", "clusters").split()

    def containers(self) -> list[str]:
        """Return the ids of the node containers."""
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        return self.engine.docker("ps", "-aq", "--no-trunc", "--filter", label).split()

    def stopped_nodes(self) -> list[str]:
        """Return the names of node containers that do not run."""
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        row = "{{.Names}} {{.State}}"
        lines = self.engine.docker("ps", "-a", "--filter", label, "--format", row).splitlines()
        return [line.split()[0] for line in lines if not line.endswith(" running")]

    def closed_nodes(self) -> list[str]:
        """Return the names of nodes that are cordoned or have a taint that kind did not give."""
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json", timeout=30))["items"]
        return [
            node["metadata"]["name"]
            for node in nodes
            if {taint["key"] for taint in node["spec"].get("taints", [])} - {CONTROL_PLANE_TAINT}
        ]

    def create(self, config_file: str | Path | None = None) -> None:
        """Create the nodes; raises ClusterError with kind's last words when it fails."""
        args = ["create", "cluster", f"--name={self.name}", f"--image={self.image}"]
        if config_file:
            args.append(f"--config={config_file}")
        self._kind(*args, timeout=CREATE_TIMEOUT)

    def load_docker_image(self, *images: str) -> None:
        """Load images of the engine into every node."""
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "images.tar"
            self.engine.docker("save", *self._one_platform(), "-o", archive, *images)
            name = f"--name={self.name}"
            self._kind("load", "image-archive", name, archive, timeout=LOAD_TIMEOUT)

    def _one_platform(self) -> tuple[str, ...]:
        """Return the options of `docker save` with which an archive holds all that it names."""
        docker = self.engine.docker
        if "io.containerd" not in docker("info", "--format", "{{.DriverStatus}}"):
            return ()
        # a store of containerd's names every platform of an image and has pulled one of them: kind
        # would look for all (github.com/kubernetes-sigs/kind/issues/3795)
        return (
            "--platform",
            docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").strip(),
        )

    def export_kubeconfig(self) -> None:
        """Write the kubeconfig again, from the nodes, when it was lost."""
        self._kind("export", "kubeconfig", f"--name={self.name}")

    def delete(self) -> None:
        """Delete the node containers; a cluster that is already gone is no error."""
        self._kind("delete", "cluster", f"--name={self.name}")

    def kubectl(self, *args: str, timeout: float = 120, **options: Any) -> str:
        """Run kubectl and return its output.

        `timeout` is in seconds; `stdin` (text) may be given. Raises ClusterError with what kubectl
        said.
        """
        what = f"kubectl {' '.join(args[:3])}"
        stdin = options.pop("stdin", None)
        return run(self.kubectl_path, *args, env=self.env, timeout=timeout, stdin=stdin, what=what)

    def bring_up(self, work: Path) -> None:
        """Create the cluster with network, storage and Ingress, and wait until all are ready."""
        config = work / "kind.yaml"
        config.write_text(yaml.safe_dump(self._config(), sort_keys=False), encoding="utf-8")
        with step(f"create three nodes of Kubernetes {self.source.kubernetes.version}"):
            self.create(config)
        if self.source.load:
            with step(f"load {len(self.source.load)} images into the nodes"):
                self.load_docker_image(*self.source.load)
        with step("network, storage and Ingress ready"):
            self._gateway_api()
            self._metallb()
            self.kubectl("apply", "-f", str(INGRESS_CONTROLLER))
            self._wait_until_ready()

    def _config(self) -> dict[str, Any]:
        """Return the reader's kind configuration with what the source and this machine need."""
        config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        patches: list[dict[str, Any]] = []
        # the engine's, which need not be this machine's
        if self.engine.docker("info", "--format", "{{.CgroupVersion}}").strip() == "1":
            # cgroup v1: the kubelet refuses it from 1.35 on unless told otherwise
            patches.append({"kind": "KubeletConfiguration", "failCgroupV1": False})
        patches += self._what_was_built()
        config["kubeadmConfigPatches"] = [yaml.safe_dump(patch) for patch in patches]
        return config

    def _what_was_built(self) -> list[dict[str, Any]]:
        """Return the kubeadm patch that a node image made from packages asks for by its labels."""
        row = "{{json .Config.Labels}}"
        answer = self.engine.docker("inspect", "--format", row, self.source.node_image)
        labels = json.loads(answer) or {}
        if image.ETCD_LABEL not in labels:
            return []  # a published image has the images that kubeadm asks for
        return [
            {
                "kind": "ClusterConfiguration",
                "etcd": {"local": {"imageTag": labels[image.ETCD_LABEL]}},
                "dns": {"imageTag": labels[image.DNS_LABEL]},
            }
        ]

    def _gateway_api(self) -> None:
        """Install the CRDs of the Gateway API, which the lesson on it has the reader install."""
        crds = manifest(self.source, *GATEWAY_API)
        self.kubectl("apply", "--server-side", "-f", str(crds))

    def _metallb(self) -> None:
        """Install the CRDs of MetalLB; what hands out addresses is installed by the test alone.

        The Services of all other tests stay without an address, as the lesson says.
        """
        kind = "CustomResourceDefinition"
        crds = [document for document in metallb(self.source) if document["kind"] == kind]
        self.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(crds))

    def _wait_until_ready(self) -> None:
        limit = f"--timeout={READY_TIMEOUT}s"
        everything = {"nodes": [], "pods": ["-A"]}
        for kind, where in everything.items():
            wait = ("wait", "--for=condition=Ready", kind, "--all", *where, limit)
            self.kubectl(*wait, timeout=READY_TIMEOUT + 5)


def metallb(source: Source | None) -> list[dict[str, Any]]:
    """Return the documents of the manifest that MetalLB's own documentation has readers apply."""
    found = manifest(source, *METALLB)
    file = found / "metallb-native.yaml" if found.is_dir() else found
    return list(yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader))


def manifest(source: Source | None, module: str, address: str, folder: str) -> Path:
    """Return the manifests of a Go module: the published file, or a folder where nothing is pulled.

    Raises ClusterError when they cannot be had.
    """
    if source and source.name == "packages":
        return programs.module_files(module, folder)
    address = address.format(version=versions.module(module))
    file = cache_dir() / "programs" / kept_as(module)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(address, timeout=FETCH_TIMEOUT) as answer:
                text = answer.read()
            if b"\nkind: CustomResourceDefinition\n" not in text:
                raise ValueError("what answers is no such manifest")
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise ClusterError(
                f"{address} cannot be had ({problem}); put that file at {file}, or use "
                "--image-source packages"
            ) from None
        whole = file.with_suffix(".new")
        whole.write_bytes(text)
        whole.rename(file)
    return file


def kept_as(module: str) -> str:
    """Return the name under which a module's published manifest is kept in the cache."""
    return f"{module.rpartition('/')[2]}-{versions.module(module)}.yaml"
