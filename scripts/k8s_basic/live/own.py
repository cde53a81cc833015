"""A cluster that is there already (`--context NAME`): which sentences hold on it, and no more.

Only namespaces that the run makes are touched. What such a cluster lacks is said as such and is no
failure of the sentence.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from ..steps import run
from . import traffic
from .api import Api

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ZONE = "topology.kubernetes.io/zone"
ASK = 30.0  # seconds for kubectl to answer


class OwnCluster:
    """An existing cluster, as one context of the user's kubeconfig names it."""

    substitutes: tuple[str, ...] = ()  # its images are whatever its nodes pull
    source = None  # and nothing of it is built here

    def __init__(self, context: str, kubeconfig: Path, kubectl: Path):
        """`kubeconfig` is a copy that holds this context only; raises ClusterError."""
        self.name, self.kubeconfig_path, self.kubectl_path = context, kubeconfig, kubectl
        self.env = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self.version = self.ask_version()

    @classmethod
    def of(cls, context: str, kubeconfig: str | None) -> OwnCluster:
        """Copy the context out of the user's kubeconfig, which is not written to.

        Raises ClusterError when kubectl or the context is not there, or the cluster is silent.
        """
        kubectl = shutil.which("kubectl")
        if not kubectl:
            raise ClusterError("kubectl is not installed; --context needs your own kubectl")
        env = {**os.environ, **({"KUBECONFIG": kubeconfig} if kubeconfig else {})}
        view = ("config", "view", "--raw", "--minify", "--flatten", f"--context={context}")
        text = run(kubectl, *view, env=env, timeout=ASK, what=f"kubectl config view {context}")
        file = Path(tempfile.mkdtemp(prefix="k8s-basic-context-")) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        return cls(context, file, Path(kubectl))

    def ask_version(self) -> str:
        """Return the API server's version, such as v1.37.2; raises ClusterError."""
        ask = (self.kubectl_path, "version", "-o", "json", f"--request-timeout={ASK:.0f}s")
        answer = run(*ask, env=self.env, timeout=ASK + 5, what=f"kubectl version ({self.name})")
        return str(json.loads(answer)["serverVersion"]["gitVersion"])

    def record(self) -> dict[str, Any]:
        """Return what the report says about it."""
        return {
            "image_source": "own",
            "kubernetes": self.version,
            "node_image": "",
            "stand_ins": [],
        }

    def sentence(self) -> str:
        """Return the line that is printed with the results."""
        return f"Kubernetes {self.version}, your own cluster, context {self.name}"

    def close(self) -> None:
        """Remove the copy of the kubeconfig."""
        shutil.rmtree(self.kubeconfig_path.parent, ignore_errors=True)


def _nodes(api: Api) -> list[Any]:
    found: Any = api.get(api.target("nodes", "default"))
    return list(found)


def _ingress(api: Api) -> bool:
    classes: Any = api.get(api.target("ingressclasses", "default"))
    # the lessons' controller is there when it answers, with 404 as no Ingress names this host
    asked = traffic.outside("http://localhost:8080/")
    return {"traefik", "nginx"} <= classes.names and asked.status == 404


def _gateway_api(api: Api) -> bool:
    groups: Any = api.get(api.target("customresourcedefinitions", "default"))
    return "httproutes.gateway.networking.k8s.io" in groups.names


def _storage(api: Api) -> bool:
    classes: Any = api.get(api.target("storageclasses", "default"))
    default = "storageclass.kubernetes.io/is-default-class"
    return any(
        c.name == "standard" and (c["metadata"].get("annotations") or {}).get(default) == "true"
        for c in classes
    )


# What a test may need beyond a namespace, in words, and how the cluster is asked for it.
NEEDS: dict[str, tuple[str, Callable[[Api], bool]]] = {
    "ingress": (
        "the lessons' Ingress controller on localhost:8080 (IngressClasses traefik and nginx)",
        _ingress,
    ),
    "storage": ("a default StorageClass named standard", _storage),
    "gateway-api": ("the CRDs of the Gateway API", _gateway_api),
    "control-plane": (
        "a control-plane node that is listed, with its programs as Pods in kube-system",
        lambda api: any(CONTROL_PLANE in node.labels for node in _nodes(api)),
    ),
    "lesson-nodes": (
        "the lessons' three nodes with two zones",
        lambda api: (
            # the zones that examples/start/first-cluster/kind-cluster.yaml gives its workers
            {n.labels.get(ZONE) for n in _nodes(api)} >= {"antarctica-east1", "antarctica-west1"}
        ),
    ),
    "node-network": (
        "a way from this machine to the nodes' addresses (Docker Desktop has none)",
        lambda api: sys.platform == "linux",
    ),
    "node-shell": ("a way to run commands on its nodes", lambda api: False),
}


def lacking(api: Api, needs: tuple[str, ...]) -> str:
    """Return what the cluster lacks of `needs`, in words, or nothing."""
    missing = []
    for need in needs:
        words, is_there = NEEDS[need]
        try:
            met = is_there(api)
        except Exception as problem:  # no right to look is a lack as well
            met, words = False, f"{words} ({str(problem).splitlines()[0]})"
        if not met:
            missing.append(words)
    return "; ".join(missing)
