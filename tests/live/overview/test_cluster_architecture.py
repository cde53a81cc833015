"""The programs of a cluster: which node runs them, and how one learns of another's work."""

import pytest
from k8s_basic.live import claim, is_ready, needs, plugin, ready
from k8s_basic.live.locks import apart

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
UNSCHEDULABLE = {
    "status": {
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    }
}


def workers(lab):
    return [node for node in lab.get("nodes") if CONTROL_PLANE not in node.labels]


def control_plane_pods(lab):
    return lab.get("pods tier=control-plane", namespace="kube-system")


@claim("OV-9")
@needs("control-plane")
def test_the_four_programs_run_on_the_control_plane_node_only(lab):
    # another test deletes the mirror of one of them for a while
    pods = lab.becomes("pods tier=control-plane", ready(4), namespace="kube-system", within=150)

    assert sorted(pod.labels["component"] for pod in pods) == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    ]
    for pod in pods:
        node = lab.get(f"node/{pod.at('spec.nodeName')}")
        assert CONTROL_PLANE in node.labels, f"{pod.name} runs on {node.name}"


@pytest.fixture
def mirrors(kind_cluster):
    """Has the mirrors of the static Pods for one test: the lesson lists them meanwhile."""
    with apart(plugin.turns(kind_cluster), "mirrors"):
        yield


@pytest.mark.slow  # alone would be longer still: the program itself is never touched
@claim("OV-10")
@needs("control-plane")
@pytest.mark.touches_cluster
def test_deleted_mirror_of_a_static_pod_returns_and_its_container_runs_on(lab, mirrors):
    for pod in control_plane_pods(lab):
        assert pod["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
        assert [owner["kind"] for owner in pod["metadata"]["ownerReferences"]] == ["Node"]
    [mirror] = lab.get("pods component=kube-scheduler", namespace="kube-system")
    container = mirror.at("status.containerStatuses.0.containerID")

    deleted = lab.run(f"kubectl delete pod {mirror.name} --namespace=kube-system --wait=false")

    assert deleted.code == 0, deleted.err
    [back] = lab.becomes(
        "pods component=kube-scheduler",
        ready(1),
        without=mirror,
        namespace="kube-system",
        within=150,  # the kubelet compares its static Pods with their mirrors about once a minute
    )
    assert back.name == mirror.name
    assert back.at("status.containerStatuses.0.containerID") == container


@claim("OV-11")
@needs("control-plane")
def test_pods_without_toleration_stay_off_the_control_plane_node(lab):
    lab.apply("overview/cluster-architecture/control-plane-pod.yaml")
    [deployment] = lab.example("overview/cluster-architecture/desired-state.yaml")
    deployment["spec"]["replicas"] = 4
    lab.apply(deployment)
    spread = lab.becomes("pods app=web", ready(4), within=90)
    worker_names = {node.name for node in workers(lab)}
    assert {pod.at("spec.nodeName") for pod in spread} <= worker_names

    # A Pod that may go nowhere else shows that it's the taint that keeps it out, ...
    refused = lab.becomes("pod/wants-the-control-plane", UNSCHEDULABLE)
    assert "taint" in refused.condition("PodScheduled")["message"]

    # ... and a toleration that lets it in.
    [pod] = lab.example("overview/cluster-architecture/control-plane-pod.yaml")
    pod["metadata"]["name"] = "tolerated"
    pod["spec"]["tolerations"] = [
        {"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}
    ]
    lab.apply(pod)
    tolerated = lab.becomes("pod/tolerated", is_ready, within=90)
    assert tolerated.at("spec.nodeName") not in worker_names


@claim("OV-12")
@needs("lesson-nodes")
def test_every_node_has_a_kubelet_that_reports_containerd(lab):
    nodes = lab.get("nodes")

    assert len(nodes) == 3
    for node in nodes:
        assert node.at("status.nodeInfo.containerRuntimeVersion").startswith("containerd://")
        assert node.condition("Ready")["reason"] == "KubeletReady"


@claim("OV-13")
def test_each_kubelet_renews_the_lease_of_its_node(lab):
    nodes = lab.get("nodes")
    before = {
        node.name: lab.get(f"lease/{node.name}", namespace="kube-node-lease") for node in nodes
    }
    for lease in before.values():
        assert lease.at("spec.holderIdentity") == lease.name

    for name, lease in before.items():

        def renewed(seen, last=lease):
            """The lease was renewed since it was first read."""
            return seen is not None and seen.at("spec.renewTime") > last.at("spec.renewTime")

        lab.becomes(f"lease/{name}", renewed, namespace="kube-node-lease", within=45)


@claim("OV-30")
def test_every_component_on_the_way_leaves_an_event(lab):
    lab.apply("overview/cluster-architecture/desired-state.yaml")
    lab.becomes("pods app=web", ready(2), within=90)

    def by_component(events):
        """Each component has said what it did."""
        said = {
            (event["reportingComponent"], event["reason"], event.at("involvedObject.kind"))
            for event in events
        }
        return said >= {
            ("deployment-controller", "ScalingReplicaSet", "Deployment"),
            ("replicaset-controller", "SuccessfulCreate", "ReplicaSet"),
            ("default-scheduler", "Scheduled", "Pod"),
            ("kubelet", "Started", "Pod"),
        }

    lab.becomes("events", by_component)
