"""What limits the containers of the nodes: cgroup v1 or v2, asked of the running cluster."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ClusterError
from ..steps import say
from .kind import DocsCluster


def of_nodes(cluster: DocsCluster) -> dict[str, Any]:
    """Return for the evidence the nodes' cgroup version and their kubelet's `failCgroupV1`.

    Both are left out, and it is said why, where the cluster does not tell: a run is not worth less
    for it, and the page of results says that it is not known.
    """
    try:
        number = cluster.engine.docker("info", "--format", "{{.CgroupVersion}}").strip()
        version = {"1": "v1", "2": "v2"}[number]
        name = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
        config = cluster.kubectl("get", "--raw", f"/api/v1/nodes/{name}/proxy/configz")
        told = json.loads(config)["kubeletconfig"]["failCgroupV1"]
    except (ClusterError, KeyError, ValueError) as problem:
        say(f"the evidence does not say which cgroup version the nodes have: {problem}")
        return {}
    return {"cgroup": version, "fail_cgroup_v1": told}
