"""The cluster of the lessons: its nodes, its control plane, and what was installed on it."""

import json

import pytest
from k8s_basic.live import claim, needs, ready

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ZONE = "topology.kubernetes.io/zone"


def started(pod):
    """The Pod is Ready."""
    return pod is not None and pod.is_ready


def workers(lab):
    return [node for node in lab.get("nodes") if CONTROL_PLANE not in node.labels]


def control_plane_pods(lab):
    return lab.get("pods tier=control-plane", namespace="kube-system")


@claim("OV-1")
@needs("control-plane")
def test_api_server_its_image_and_every_kubelet_have_one_version(lab):
    answer = lab.run("kubectl version -o json")
    assert answer.code == 0, answer.err
    server = json.loads(answer.out)["serverVersion"]["gitVersion"]

    [api_server] = lab.get("pods component=kube-apiserver", namespace="kube-system")
    tag = api_server.at("spec.containers.0.image").rpartition(":")[2]

    assert tag == server.replace("+", "_")
    assert {node.at("status.nodeInfo.kubeletVersion") for node in lab.get("nodes")} == {server}


@claim("OV-9")
@needs("control-plane")
def test_the_four_control_plane_programs_run_on_the_control_plane_node_only(lab):
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


@pytest.mark.slow  # alone would be longer still: the program itself is never touched
@claim("OV-10")
@needs("control-plane")
@pytest.mark.touches_cluster
def test_deleted_mirror_of_a_static_pod_returns_and_its_container_never_stops(lab):
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
    [deployment] = lab.example("overview/desired-state.yaml")
    deployment["spec"]["replicas"] = 4
    lab.apply(deployment)
    spread = lab.becomes("pods app=web", ready(4), within=90)
    worker_names = {node.name for node in workers(lab)}
    assert {pod.at("spec.nodeName") for pod in spread} <= worker_names

    # A Pod that may go nowhere else shows that it's the taint that keeps it out, ...
    [pod] = lab.example("start/first-pod.yaml")
    pod["metadata"]["name"] = "refused"
    pod["spec"]["nodeSelector"] = {CONTROL_PLANE: ""}
    lab.apply(pod)
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    refused = lab.becomes("pod/refused", {"status": {"conditions": [unschedulable]}}, within=30)
    assert "taint" in refused.condition("PodScheduled")["message"]

    # ... and a toleration that lets it in.
    pod["metadata"]["name"] = "tolerated"
    pod["spec"]["tolerations"] = [
        {"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}
    ]
    lab.apply(pod)
    tolerated = lab.becomes("pod/tolerated", started, within=60)
    assert tolerated.at("spec.nodeName") not in worker_names


@claim("OV-12")
@needs("lesson-nodes")
def test_every_node_has_a_kubelet_that_reports_containerd(lab):
    nodes = lab.get("nodes")

    assert len(nodes) == 3
    for node in nodes:
        assert node.at("status.nodeInfo.containerRuntimeVersion").startswith("containerd://")
        assert node.condition("Ready")["reason"] == "KubeletReady"


@claim("FC-1")
@needs("lesson-nodes")
def test_each_worker_has_its_own_zone_and_gets_the_pod_that_asks_for_it(lab):
    zones = {node.labels[ZONE]: node.name for node in workers(lab)}
    assert set(zones) == {"antarctica-east1", "antarctica-west1"}

    [pod] = lab.example("start/first-pod.yaml")
    for zone, node_name in zones.items():
        pod["metadata"]["name"] = f"in-{zone}"
        pod["spec"]["nodeSelector"] = {ZONE: zone}
        lab.apply(pod)
        placed = lab.becomes(
            f"pod/in-{zone}",
            {"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}},
            within=30,
        )
        assert placed.at("spec.nodeName") == node_name


@claim("FC-2")
@needs("ingress")
def test_two_ingress_classes_exist_and_none_is_filled_in_by_default(lab):
    assert {"traefik", "nginx"} <= lab.get("ingressclasses").names

    lab.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "no-class"},
            "spec": {"defaultBackend": {"service": {"name": "none", "port": {"number": 80}}}},
        }
    )

    # The default class is filled in at admission, so the stored object tells.
    assert lab.get("ingress/no-class").at("spec.ingressClassName") is None


@claim("FC-3")
@needs("storage")
def test_a_claim_without_class_gets_the_class_standard(lab):
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "no-class"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Mi"}},
            },
        }
    )

    stored = lab.get("persistentvolumeclaim/no-class")
    assert stored.at("spec.storageClassName") == "standard"


@claim("FC-4")
def test_the_first_pod_answers_with_its_own_name(lab):
    lab.apply("start/first-pod.yaml")
    pod = lab.becomes("pod/hello", started, within=60)

    answer = lab.exec(pod, "curl", "-s", "http://localhost:8080/hostname")
    assert answer.strip() == pod.name == "hello"
    assert pod.at("spec.nodeName") in {node.name for node in workers(lab)}


@claim("FC-5")
@needs("ingress")
def test_the_ingress_controller_answers_404_on_the_mapped_port(lab):
    answer = lab.outside("http://localhost:8080/", within=60, status=404)

    # The API server and kube-proxy would answer JSON or nothing; this is the router's own page.
    assert "404" in answer.body
