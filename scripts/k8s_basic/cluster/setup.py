"""What a new cluster gets: the reader's own configuration, manifests of others, and Ingress.

Network and storage come with the node image; kind creates them from its files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .. import EXAMPLES
from ..packages import image
from ..steps import step
from . import manifests
from .kind import DocsCluster

READY_TIMEOUT = 180  # seconds
CONFIG = EXAMPLES / "start/first-cluster/kind-cluster.yaml"
INGRESS_CONTROLLER = EXAMPLES / "start/first-cluster/ingress-controller.yaml"


def bring_up(cluster: DocsCluster, work: Path) -> None:
    """Create the cluster with network, storage and Ingress, and wait until all are ready.

    `work` is a folder for kind's configuration. Raises ClusterError when anything fails.
    """
    file = work / "kind.yaml"
    file.write_text(yaml.safe_dump(configuration(cluster), sort_keys=False), encoding="utf-8")
    load = cluster.source.load
    with step(f"create three nodes of Kubernetes {cluster.source.kubernetes.version}"):
        cluster.create(file)
    if load:
        with step(f"load {len(load)} images into the nodes"):
            cluster.load_docker_image(*load)
    with step("network, storage and Ingress ready"):
        others = manifests.of_every_cluster(cluster.source)
        cluster.kubectl("apply", "--server-side", "-f", "-", stdin=others)
        cluster.kubectl("apply", "-f", str(INGRESS_CONTROLLER))
        for what in (["nodes"], ["pods", "-A"]):
            wait = ("wait", "--for=condition=Ready", *what, "--all", f"--timeout={READY_TIMEOUT}s")
            cluster.kubectl(*wait, timeout=READY_TIMEOUT + 5)


def configuration(cluster: DocsCluster) -> dict[str, Any]:
    """Return the reader's kind configuration with what the source and the engine need."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    patches: list[dict[str, Any]] = []
    docker, node_image = cluster.engine.docker, cluster.source.node_image
    # the engine's, which need not be this machine's
    if docker("info", "--format", "{{.CgroupVersion}}").strip() == "1":
        # cgroup v1: the kubelet refuses it from 1.35 on unless told otherwise
        patches.append({"kind": "KubeletConfiguration", "failCgroupV1": False})
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", node_image)) or {}
    if image.ETCD_LABEL in labels:  # a published image has the images that kubeadm asks for
        etcd = {"local": {"imageTag": labels[image.ETCD_LABEL]}}
        dns = {"imageTag": labels[image.DNS_LABEL]}
        patches.append({"kind": "ClusterConfiguration", "etcd": etcd, "dns": dns})
    config["kubeadmConfigPatches"] = [yaml.safe_dump(patch) for patch in patches]
    return config
