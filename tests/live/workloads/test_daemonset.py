"""The sentences of the lesson on DaemonSets."""

import pytest
from k8s_basic.live import claim, needs, ready

EXAMPLE = "workloads/daemonset/daemonset.yaml"
PODS = "pods app=node-agent"
BROKEN = "registry.invalid/nope:1"


def keeps_away(node):
    """Tell whether a taint keeps ordinary Pods off the node."""
    return any(t["effect"] in ("NoSchedule", "NoExecute") for t in node.at("spec.taints") or [])


def open_nodes(lab):
    """Return the names of the nodes that ordinary Pods may run on; the lesson needs several."""
    names = {node.name for node in lab.get("nodes") if not keeps_away(node)}
    assert len(names) > 1, "a DaemonSet shows nothing on a single node"
    return names


def nodes_of(pods):
    """Return the nodes that the Pods are on, one entry for each Pod."""
    return sorted(pod.at("spec.nodeName") for pod in pods.live)


@claim("WL-33", "WL-49", "WL-51")
@needs("lesson-nodes")
def test_one_pod_on_each_open_node_reads_the_files_of_that_node(lab):
    nodes = open_nodes(lab)
    lab.apply(EXAMPLE)

    pods = lab.becomes(PODS, ready(len(nodes)), within=90)

    with lab.proves("WL-33"):
        assert nodes_of(pods) == sorted(nodes)
        status = {"numberReady": len(nodes), "desiredNumberScheduled": len(nodes)}
        lab.becomes("daemonset/node-agent", {"status": status})
    with lab.proves("WL-49"):
        for pod in pods:
            # the kubelet keeps the logs of a Pod in a folder that is named after it
            folders = lab.exec(pod, "ls", "/node/logs").split()
            there = {p.name for p in pods if f"{p.namespace}_{p.name}_{p.uid}" in folders}
            assert there == {pod.name}
            lab.logged(pod, f"{pod.at('spec.nodeName')} has logs of ")
            written = lab.run(f"kubectl exec {pod.name} -- touch /node/logs/note")
            assert "read-only file system" in written.err.lower()
    # nobody wrote these: the controller lets its Pods stay where others are sent away
    with lab.proves("WL-51"):
        for pod in pods:
            tolerated = {(t.get("key"), t.get("effect")) for t in pod.at("spec.tolerations")}
            assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated
            assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
            assert ("node.kubernetes.io/unreachable", "NoExecute") in tolerated


@claim("WL-34")
@needs("control-plane")
def test_toleration_adds_the_control_plane_node(lab):
    nodes = {node.name for node in lab.get("nodes")}
    control_plane = lab.get("nodes node-role.kubernetes.io/control-plane").names
    lab.apply("workloads/daemonset/all-nodes.yaml")

    pods = lab.becomes("pods app=every-node", ready(len(nodes)), within=90)

    assert nodes_of(pods) == sorted(nodes)
    assert control_plane & set(nodes_of(pods))


@claim("WL-35")
@needs("lesson-nodes")
@pytest.mark.exclusive
def test_pod_follows_the_label_of_a_node(lab):
    chosen = sorted(open_nodes(lab))[0]
    gpu = "pods app=gpu-agent"
    lab.apply("workloads/daemonset/nodeselector.yaml")
    lab.becomes("daemonset/gpu-agent", {"status": {"desiredNumberScheduled": 0}})
    assert lab.get(gpu) == []

    try:
        lab.label(f"node/{chosen}", {"hardware": "gpu"})
        pods = lab.becomes(gpu, ready(1))
        assert nodes_of(pods) == [chosen]
        lab.becomes("daemonset/gpu-agent", {"status": {"desiredNumberScheduled": 1}})
    finally:
        lab.label(f"node/{chosen}", {"hardware": None})
    lab.becomes(gpu, lambda pods: pods == [])


@claim("WL-48")
@needs("lesson-nodes")
def test_kind_must_be_spelled_as_the_api_spells_it(lab):
    correct = lab.example(EXAMPLE)[0]

    lab.refuses(lab.apply, correct | {"kind": "DeamonSet"}, text='no matches for kind "DeamonSet"')

    lab.apply(correct)
    lab.becomes(
        "daemonset/node-agent", {"status": {"desiredNumberScheduled": len(open_nodes(lab))}}
    )


@claim("WL-50", "WL-52")
@needs("lesson-nodes")
def test_replacement_stays_on_its_node_and_a_bad_version_stops_at_the_first_one(lab):
    nodes = open_nodes(lab)
    lab.apply(EXAMPLE)
    before = lab.becomes(PODS, ready(len(nodes)), within=90)

    victim = lab.delete(before[0])
    with lab.proves("WL-50"):
        after = lab.becomes(PODS, ready(len(nodes)), without=victim, within=90)

        (new,) = (pod for pod in after if pod.uid not in before.uids)
        assert new.at("spec.nodeName") == victim.at("spec.nodeName")

    lab.run(f"kubectl set image daemonset/node-agent agent={BROKEN}")
    with lab.proves("WL-52"):
        lab.becomes(PODS, lambda pods: len(cannot_pull(pods)) == 1, within=90)

        def others_stay(pods):
            """All Pods but one are of the old version and Ready."""
            return len(pods.ready) == len(nodes) - 1 and pods.ready.uids <= after.uids

        status = {"updatedNumberScheduled": 1, "numberReady": len(nodes) - 1}
        lab.stays(
            PODS, others_stay, seconds=10, control=("daemonset/node-agent", {"status": status})
        )

        lab.run("kubectl rollout undo daemonset/node-agent")
        mended = lab.becomes(PODS, ready(len(nodes)), within=90)
        assert len(mended.uids - after.uids) == 1


def cannot_pull(pods):
    """Return the live Pods that wait for an image they can't get."""
    waiting = "status.containerStatuses.0.state.waiting.reason"
    return [p for p in pods.live if p.at(waiting) in ("ErrImagePull", "ImagePullBackOff")]
