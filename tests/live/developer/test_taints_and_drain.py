"""Taints keep Pods away from a node, cordon closes it, drain empties it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from k8s_basic.live import Condition, Lab, Object, Objects, claim, is_ready, needs, ready

ZONE = "topology.kubernetes.io/zone"
WEB = "pods app=drained,tier=web"
AGENTS = "pods app=drained,tier=agent"
SYSTEM = ("kube-system", "local-path-storage", "traefik")
TAINT = {"key": "dedicated", "value": "batch"}


def kept_out_by_a_taint(pod: Object | None) -> bool:
    """The scheduler has named a taint as the reason."""
    said = (pod.condition("PodScheduled") if pod else None) or {}
    return said.get("reason") == "Unschedulable" and "untolerated taint" in said["message"]


def worker(lab: Lab, zone: str) -> Object:
    """Return the worker of this zone."""
    return lab.get(f"nodes {ZONE}=antarctica-{zone}")[0]  # type: ignore[no-any-return]


@contextmanager
def tainted(lab: Lab, node: Object, effect: str) -> Iterator[None]:
    """Taint the node while the block runs, and see the cluster's own Pods back afterwards."""
    lab.patch(node, {"spec": {"taints": [{**TAINT, "effect": effect}]}})
    try:
        lab.scheduler_has_seen(node)
        yield
    finally:
        lab.patch(node, {"spec": {"taints": None}})
        for namespace in SYSTEM:
            lab.becomes("deployments", all_available, within=180, namespace=namespace)


def all_available(deployments: Objects) -> bool:
    """Every Deployment has all its Pods."""
    return all(
        d.is_current and d.at("status.availableReplicas") == d.at("spec.replicas")
        for d in deployments
    )


def nodes(pods: Objects) -> set[str]:
    """Return the nodes that these Pods are on."""
    return {str(pod.at("spec.nodeName")) for pod in pods}


def ready_on(number: int, node: str) -> Condition:
    """Return a condition: so many live Pods, all Ready and all on this node."""

    def condition(pods: Objects) -> bool:
        return ready(number)(pods) and nodes(pods.live) == {node}

    return Condition(f"{number} live Pods, all Ready and all on {node}", condition)


@claim("SC-12")
@pytest.mark.exclusive
@needs("lesson-nodes")
def test_taint_repels_pods_that_do_not_tolerate_it(lab: Lab) -> None:
    west, east = worker(lab, "west1"), worker(lab, "east1")
    with tainted(lab, west, "NoSchedule"):
        lab.apply("developer/taints-and-drain/toleration.yaml")
        lab.apply("developer/taints-and-drain/toleration-missing.yaml")
        lab.apply("developer/taints-and-drain/drain.yaml")

        assert lab.becomes("pod/batch", is_ready).at("spec.nodeName") == west.name
        waiting = lab.becomes("pod/web-west", kept_out_by_a_taint)
        lab.becomes(WEB, ready_on(4, east.name))

    assert lab.becomes("pod/web-west", is_ready).uid == waiting.uid


@claim("SC-13")
@pytest.mark.exclusive
@needs("lesson-nodes")
def test_no_execute_evicts_running_pods_that_do_not_tolerate_it(lab: Lab) -> None:
    # the worker without the Ingress controller, which is evicted along with the rest
    east, west = worker(lab, "east1"), worker(lab, "west1")
    lab.apply("developer/taints-and-drain/drain.yaml")
    tolerant = lab.example("developer/taints-and-drain/toleration.yaml")[0]
    tolerant["spec"]["nodeSelector"] = {ZONE: "antarctica-east1"}
    for toleration in tolerant["spec"].get("tolerations", []):
        toleration["effect"] = "NoExecute"
    lab.apply(tolerant)
    before, batch = lab.becomes(WEB, ready(4)), lab.becomes("pod/batch", is_ready)
    gone = Objects(pod for pod in before if pod.at("spec.nodeName") == east.name)
    assert gone, "no Pod on the node that is to be emptied"

    with tainted(lab, east, "NoExecute"):
        lab.becomes(WEB, ready_on(4, west.name), within=120, without=gone)
        assert is_ready(lab.get("pod/batch"))
        assert lab.get("pod/batch").uid == batch.uid


@claim("SC-14", "SC-15")
@pytest.mark.exclusive
@needs("lesson-nodes")
def test_cordon_closes_a_node_and_drain_empties_it(lab: Lab) -> None:
    west, east = worker(lab, "west1"), worker(lab, "east1")
    lab.apply("developer/taints-and-drain/drain.yaml")
    lab.apply("developer/taints-and-drain/drain-bare-pod.yaml")
    lab.becomes("pod/by-hand", is_ready)
    before, agents = lab.becomes(WEB, ready(4)), lab.becomes(AGENTS, ready(2))
    assert nodes(before) == nodes(agents) == {west.name, east.name}

    try:
        assert lab.run(f"kubectl cordon {west.name}").code == 0
        lab.scheduler_has_seen(west)
        lab.scale("deployment/web", 6)
        with lab.proves("SC-14"):
            more = lab.becomes(WEB, ready(6))
            assert before.uids < more.uids  # those that ran go on
            assert nodes(Objects(p for p in more if p.uid not in before.uids)) == {east.name}

            drain = f"kubectl drain {west.name} --pod-selector"
            without = lab.run(f"{drain} app=drained --timeout=60s")
            assert without.code != 0
            assert "DaemonSet-managed" in without.err
            done = lab.run(f"{drain} app=drained --ignore-daemonsets --timeout=120s", timeout=150)
            assert done.code == 0, done.err
            lab.becomes(WEB, ready_on(6, east.name))
            assert lab.get(AGENTS).ready.uids == agents.uids
            assert lab.get(west.reference).at("spec.unschedulable") is True
        with lab.proves("SC-15"):
            refused = lab.run(f"{drain} app=by-hand --timeout=60s")
            assert refused.code != 0
            assert "no controller" in refused.err
            assert is_ready(lab.get("pod/by-hand"))
    finally:
        lab.run(f"kubectl uncordon {west.name}")
