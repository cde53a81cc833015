"""Which node a Pod runs on: named by hand, or found by its labels."""

from __future__ import annotations

from typing import Any

import pytest
from k8s_basic.live import ABSENT, Lab, Object, claim, is_ready, needs, reports
from k8s_basic.live.conditions import unschedulable

EAST = "nodes topology.kubernetes.io/zone=antarctica-east1"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
NAMED = ("k8s-basic-worker", "kube-01")  # the nodes of the page: one of its cluster's, and none


def on(document: dict[str, Any], node: str, name: str | None = None) -> dict[str, Any]:
    """Put this cluster's node in the place of the one that the page names."""
    if document["spec"].get("nodeName") in NAMED:
        document["spec"]["nodeName"] = node
    if name:
        document["metadata"]["name"] = name
    return document


@claim("SC-1")
@needs("lesson-nodes")
def test_pod_with_a_node_name_never_meets_the_scheduler(lab: Lab) -> None:
    worker = lab.get(EAST)[0].name
    lab.apply(on(lab.example("developer/scheduling/nodename.yaml")[0], worker))
    free = lab.example("developer/scheduling/nodename.yaml")[0]
    free["spec"].pop("nodeName", None)
    free["metadata"]["name"] = "free"
    lab.apply(free)

    named, free_pod = lab.becomes("pod/nginx", is_ready), lab.becomes("pod/free", is_ready)

    lab.becomes("events", reports(free_pod, "Scheduled"))
    lab.becomes("events", reports(named, "Started"))
    assert "Scheduled" not in {event["reason"] for event in lab.events(named)}
    assert named.at("spec.nodeName") == worker


@claim("SC-2")
@needs("control-plane")
def test_no_schedule_taint_does_not_stop_a_pod_with_a_node_name(lab: Lab) -> None:
    node = lab.get(f"nodes {CONTROL_PLANE}")[0]
    assert {"NoSchedule"} <= {t["effect"] for t in node.at("spec.taints") or []}
    by_label = lab.example("developer/scheduling/nodename.yaml")[0]
    by_label["spec"].pop("nodeName", None)
    by_label["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node.name}
    by_label["metadata"]["name"] = "by-label"

    lab.apply(on(lab.example("developer/scheduling/nodename.yaml")[0], node.name))
    lab.apply(by_label)

    assert lab.becomes("pod/nginx", is_ready).at("spec.nodeName") == node.name
    kept_out = lab.becomes("pod/by-label", unschedulable())
    assert "taint" in kept_out.condition("PodScheduled")["message"]


@claim("SC-3")
@pytest.mark.slow
@needs("lesson-nodes")
def test_pod_for_a_node_that_does_not_exist_is_pending_and_then_deleted(lab: Lab) -> None:
    worker = lab.get(EAST)[0].name
    with lab.watching("pods") as seen:  # a slow node may not have started its Pod by the end
        lab.apply("developer/scheduling/nodename-missing.yaml")
        lab.apply(on(lab.example("developer/scheduling/nodename-missing.yaml")[0], worker, "there"))
        there = lab.becomes("pod/there", is_ready)
        lab.becomes("pod/nginx", ABSENT, within=270)

    phases = [p.at("status.phase") for pods in seen.history for p in pods if p.name == "nginx"]
    assert phases[:1] == ["Pending"]
    assert set(phases) <= {"Pending", "Failed"}  # it fails in the moment in which it's deleted
    assert lab.get("pod/there").uid == there.uid


@claim("SC-4")
@needs("lesson-nodes")
def test_kubelet_refuses_what_does_not_fit_its_node(lab: Lab) -> None:
    worker = lab.get(EAST)[0].name
    lab.apply([on(d, worker) for d in lab.example("developer/scheduling/nodename-toobig.yaml")])

    lab.becomes("pod/too-big", {"status": {"phase": "Failed", "reason": "OutOfcpu"}})
    lab.becomes("pod/wrong-disk", {"status": {"phase": "Failed", "reason": "NodeAffinity"}})


@claim("SC-5", "SC-6", "SC-7")
@pytest.mark.exclusive
@needs("lesson-nodes")
def test_pod_waits_for_a_node_with_the_label_and_stays_when_it_is_taken_away(lab: Lab) -> None:
    assert lab.get("nodes disktype") == []
    lab.apply("developer/scheduling/nodeselector.yaml")
    with lab.proves("SC-5"):
        waiting = lab.becomes("pod/nginx", unschedulable())
        message = waiting.condition("PodScheduled")["message"]
        assert "didn't match Pod's node affinity/selector" in message

    node = lab.get(EAST)[0]
    lab.label(node, {"disktype": "ssd"})
    try:
        with lab.proves("SC-6"):
            running = lab.becomes("pod/nginx", is_ready)
            assert running.uid == waiting.uid
            assert running.at("spec.nodeName") == node.name
    finally:
        lab.label(node, {"disktype": None})
    lab.scheduler_has_seen(node)

    late = lab.example("developer/scheduling/nodeselector.yaml")[0]
    late["metadata"]["name"] = "late"
    lab.apply(late)

    def unmoved(pod: Object | None) -> bool:
        """The same Pod is still Running."""
        return is_ready(pod) and pod is not None and pod.uid == running.uid

    with lab.proves("SC-7"):
        lab.stays("pod/nginx", unmoved, seconds=15, control=("pod/late", unschedulable()))
