"""The cluster of the lessons: its nodes, its control plane, and what was installed on it."""

import json

import yaml
from k8s_basic.live import claim, is_ready, needs

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ZONE = "topology.kubernetes.io/zone"
# a Pod is ready before its program is
RETRY = "--retry 30 --retry-delay 1 --retry-max-time 30 --retry-connrefused".split()


def workers(lab):
    return [node for node in lab.get("nodes") if CONTROL_PLANE not in node.labels]


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


@claim("FC-1")
@needs("lesson-nodes")
def test_each_worker_has_its_own_zone_and_gets_the_pod_that_asks_for_it(lab):
    zones = {node.labels[ZONE]: node.name for node in workers(lab)}
    assert set(zones) == {"antarctica-east1", "antarctica-west1"}

    [pod] = lab.example("start/first-cluster/first-pod.yaml")
    for zone, node_name in zones.items():
        pod["metadata"]["name"] = f"in-{zone}"
        pod["spec"]["nodeSelector"] = {ZONE: zone}
        lab.apply(pod)
        placed = lab.becomes(
            f"pod/in-{zone}",
            {"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}},
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
@needs("node-shell")
def test_a_claim_without_class_gets_the_class_that_kind_took_from_its_node_image(lab):
    [node] = lab.get(f"nodes {CONTROL_PLANE}")
    carried = lab.on_node(node.name, "cat", "/kind/manifests/default-storage.yaml")
    [in_image] = [d for d in yaml.safe_load_all(carried) if d and d["kind"] == "StorageClass"]
    installed = lab.get(f"storageclass/{in_image['metadata']['name']}")
    assert installed and installed["provisioner"] == in_image["provisioner"]

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
    assert stored.at("spec.storageClassName") == installed.name


@claim("FC-4")
def test_the_first_pod_answers_with_its_own_name(lab):
    lab.apply("start/first-cluster/first-pod.yaml")
    pod = lab.becomes("pod/hello", is_ready, within=60)

    answer = lab.exec(pod, "curl", "-s", *RETRY, "http://localhost:8080/hostname")
    assert answer.strip() == pod.name == "hello"
    assert pod.at("spec.nodeName") in {node.name for node in workers(lab)}


@claim("FC-5")
@needs("ingress")
def test_the_ingress_controller_answers_404_on_the_mapped_port(lab):
    answer = lab.outside("http://localhost:8080/", within=60, status=404)

    # The API server and kube-proxy would answer JSON or nothing; this is the router's own page.
    assert "404" in answer.body


@claim("FC-6", "FC-7")
def test_kubectl_says_which_address_refuses_and_asks_localhost_without_a_context(lab):
    with lab.proves("FC-6"):
        nobody = lab.run("kubectl get pods --server=https://127.0.0.1:1")
        assert nobody.code == 1
        assert "The connection to the server 127.0.0.1:1 was refused" in nobody.err

    with lab.proves("FC-7"):
        # whoever answers there, if anybody does, isn't the API server
        alone = lab.run("KUBECONFIG=/dev/null kubectl get --raw /version -v=6")
        assert alone.code == 1
        assert "http://localhost:8080/version" in alone.err
        assert lab.run("kubectl get --raw /version -v=6").code == 0
