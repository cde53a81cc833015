"""pytest-kind's cluster, with time limits, errors in a sentence and what its source lacks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pytest_kind import KindCluster

from .. import EXAMPLES
from . import programs, versions
from .engine import Engine
from .errors import ClusterError
from .sources import Source
from .steps import last_words, run, step

CREATE_TIMEOUT = 300.0  # seconds; 20 to 40 were seen
READY_TIMEOUT = 180  # seconds
LOAD_TIMEOUT = 600.0  # seconds; 47 were seen for all images and three nodes
CONFIG = EXAMPLES / "start" / "kind-cluster.yaml"
INGRESS_CONTROLLER = EXAMPLES / "start" / "ingress-controller.yaml"
GATEWAY_API = (
    "https://github.com/kubernetes-sigs/gateway-api/releases/download/{version}"
    "/standard-install.yaml"
)
# a cordoned node has a taint as well, node.kubernetes.io/unschedulable
CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane"
POD_NETWORK = "10.244.0.0/16"  # kind's default
SERVICE_NETWORK = "10.96.0.0/16"  # kind's default


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
        self._kind("load", "docker-image", f"--name={self.name}", *images, timeout=LOAD_TIMEOUT)

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

    @contextmanager
    def port_forward(
        self, service_or_pod_name: str, remote_port: int, *args: str, **_: Any
    ) -> Iterator[int]:
        """Forward a free local port to a Service or Pod and yield its number."""
        command = [str(self.kubectl_path), "port-forward", service_or_pod_name, f":{remote_port}"]
        with subprocess.Popen(
            [*command, *args],
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                # kubectl prints "Forwarding from 127.0.0.1:NNNN -> 80" once it listens
                line = process.stdout.readline() if process.stdout else ""
                if "127.0.0.1:" not in line:
                    raise ClusterError(f"port-forward {service_or_pod_name}: {last_words(line)}")
                yield int(line.split("127.0.0.1:")[1].split()[0])
            finally:
                process.terminate()

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
            if self.source.name == "packages":
                self._network()
                self._storage()
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
        if self.source.name == "packages":
            config["networking"] = {"disableDefaultCNI": True}  # no package carries kindnetd
            patches.append(_what_was_built(self.source))
        config["kubeadmConfigPatches"] = [yaml.safe_dump(patch) for patch in patches]
        return config

    def _network(self) -> None:
        """Do what kindnetd does in kind's node image: a subnet per node, routes between them."""
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        table = {n["metadata"]["name"]: (n["spec"]["podCIDR"], _address(n)) for n in nodes}
        for name, (subnet, _) in table.items():
            routes = [f"ip route replace {s} via {a}" for n, (s, a) in table.items() if n != name]
            # what leaves the Pod network gets the node's address, as Pods are unknown outside
            masquerade = (
                f"iptables -t nat -A POSTROUTING -s {subnet} ! -d {POD_NETWORK} -j MASQUERADE"
            )
            # a Service's address that kube-proxy has no rule for is nobody's: were it sent on, the
            # machine's own network would decide who answers
            chains = ("FORWARD", "OUTPUT")
            nobody = [f"iptables -A {chain} -d {SERVICE_NETWORK} -j DROP" for chain in chains]
            write = "cat >/etc/cni/net.d/10-ptp.conflist"
            script = " && ".join([write, masquerade, *nobody, *routes])
            cni = json.dumps(_cni(subnet))
            self.engine.docker("exec", "-i", name, "sh", "-c", script, stdin=cni)

    def _storage(self) -> None:
        """Install local-path-provisioner as the default StorageClass `standard`, as kind does."""
        folder = programs.build(self.source.kubernetes, ("local-path-provisioner",))
        manifest = folder["local-path-provisioner"] / "local-path-storage.yaml"
        documents = list(yaml.safe_load_all(manifest.read_text(encoding="utf-8")))
        for document in documents:
            if document["kind"] == "StorageClass":
                default = {"storageclass.kubernetes.io/is-default-class": "true"}
                document["metadata"] = {"name": "standard", "annotations": default}
            if document["kind"] == "ConfigMap":
                pod = document["data"]["helperPod.yaml"]
                pinned = versions.image("busybox")
                document["data"]["helperPod.yaml"] = pod.replace(
                    "image: busybox", f"image: {pinned}"
                )
        self.kubectl("delete", "storageclass", "standard", "--ignore-not-found")
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

    def _gateway_api(self) -> None:
        """Install the CRDs of the Gateway API, which the lesson on it has the reader install."""
        crds: str | Path = GATEWAY_API.format(version=versions.module("sigs.k8s.io/gateway-api"))
        if self.source.name == "packages":
            crds = programs.module_files("sigs.k8s.io/gateway-api", "config/crd/standard")
        self.kubectl("apply", "--server-side", "-f", str(crds))

    def _metallb(self) -> None:
        """Install the CRDs of MetalLB; what hands out addresses is installed by the test alone.

        The Services of all other tests stay without an address, as the lesson says.
        """
        kind = "CustomResourceDefinition"
        crds = [document for document in metallb() if document["kind"] == kind]
        self.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(crds))

    def _wait_until_ready(self) -> None:
        limit = f"--timeout={READY_TIMEOUT}s"
        everything = {"nodes": [], "pods": ["-A"]}
        for kind, where in everything.items():
            wait = ("wait", "--for=condition=Ready", kind, "--all", *where, limit)
            self.kubectl(*wait, timeout=READY_TIMEOUT + 5)


def metallb() -> list[dict[str, Any]]:
    """Return the documents of the manifest that MetalLB's own documentation has readers apply."""
    folder = programs.module_files("go.universe.tf/metallb", "config/manifests")
    text = (folder / "metallb-native.yaml").read_text(encoding="utf-8")
    return list(yaml.load_all(text, yaml.CSafeLoader))


def _what_was_built(source: Source) -> dict[str, Any]:
    """Return the kubeadm patch that names the built versions instead of kubeadm's own choice."""
    kube = source.kubernetes
    return {
        "kind": "ClusterConfiguration",
        "etcd": {"local": {"imageTag": kube.etcd_tag}},
        "dns": {"imageTag": kube.coredns},
    }


def _address(node: dict[str, Any]) -> str:
    addresses = node["status"]["addresses"]
    internal: str = next(a["address"] for a in addresses if a["type"] == "InternalIP")
    return internal


def _cni(subnet: str) -> dict[str, Any]:
    # ipMasq of the plugin would hide the Pods' addresses from each other across nodes
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam-state",
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": [[{"subnet": subnet}]],
    }
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": ipam},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return {"cniVersion": "0.4.0", "name": "ptp", "plugins": plugins}
