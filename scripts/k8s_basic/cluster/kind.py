"""pytest-kind's cluster, with time limits, errors in a sentence and what its CLI lacks."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from pytest_kind import KindCluster

from ..packages.engine import Engine
from ..steps import run
from .sources import ImageSource

CREATE_TIMEOUT = 300.0  # seconds; 20 to 40 were seen
LOAD_TIMEOUT = 600.0  # seconds; 47 were seen for all images and three nodes
# a cordoned node has a taint as well, node.kubernetes.io/unschedulable
CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane"


def nodes(engine: Engine, name: str, form: str = "{{.ID}}") -> list[str]:
    """Return a line in the form of `docker ps` for each node container of a kind cluster."""
    label = f"label=io.x-k8s.kind.cluster={name}"
    listed = engine.docker("ps", "-a", "--no-trunc", "--filter", label, "--format", form)
    return listed.splitlines()


class DocsCluster(KindCluster):  # type: ignore[misc]  # pytest-kind has no type hints
    """A kind cluster in an engine, from the node image, kind and kubectl of a source."""

    def __init__(self, name: str, kubeconfig: Path, source: ImageSource, engine: Engine):
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
        return nodes(self.engine, self.name)

    def stopped_nodes(self) -> list[str]:
        """Return the names of node containers that do not run."""
        lines = nodes(self.engine, self.name, "{{.Names}} {{.State}}")
        return [line.split()[0] for line in lines if not line.endswith(" running")]

    def closed_nodes(self) -> list[str]:
        """Return the names of nodes that are cordoned or have a taint that kind did not give."""
        answer = self.kubectl("get", "nodes", "-o", "json", timeout=30)
        return [
            node["metadata"]["name"]
            for node in json.loads(answer)["items"]
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
        platform = docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").strip()
        return ("--platform", platform)

    def export_kubeconfig(self) -> None:
        """Write the kubeconfig again, from the nodes, when it was lost."""
        self._kind("export", "kubeconfig", f"--name={self.name}")

    def delete(self) -> None:
        """Delete the node containers; a cluster that is already gone is no error."""
        self._kind("delete", "cluster", f"--name={self.name}")

    def kubectl(self, *args: str, timeout: float = 120, stdin: str | None = None) -> str:
        """Run kubectl and return its output; `timeout` is in seconds.

        Raises ClusterError with what kubectl said.
        """
        what = f"kubectl {' '.join(args[:3])}"
        return run(self.kubectl_path, *args, env=self.env, timeout=timeout, stdin=stdin, what=what)
