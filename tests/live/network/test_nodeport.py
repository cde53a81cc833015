"""NodePort: the same port on every node, and what becomes of the client's IP."""

from __future__ import annotations

import json

import pytest
from k8s_basic.live import Completed, Lab, Object, Objects, claim, needs, ready

RUNNING = {"status": {"phase": "Running"}}
UNSCHEDULABLE = {
    "status": {
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    }
}
TIMED_OUT = 28  # curl's exit code; a port that nobody opened is refused at once and gives 7


def internal_ip(node: Object) -> str:
    """Return a node's address in the cluster's network."""
    addresses = node.at("status.addresses")
    return str(next(a["address"] for a in addresses if a["type"] == "InternalIP"))


def node_port(service: Object) -> int:
    """Return the Service's node port, which must lie in the default range."""
    port = service.at("spec.ports.0.nodePort")
    assert port in range(30000, 32768), f"{service.name} has node port {port}"
    return int(port)


def ask(lab: Lab, url: str, code: int) -> Completed:
    """Ask from the control plane's network until curl ends with `code`: kube-proxy catches up."""
    command = f"kubectl exec node-client -- curl -sS --max-time 3 {url}"
    what = f"curl {url} ends with {code}"
    return lab.eventually(what, lambda: lab.run(command), lambda done: done.code == code)


def has_no_other_place(lab: Lab) -> None:
    """Show that node-client is where it is by no accident: a copy that shuns it runs nowhere."""
    [copy] = lab.example("network/clusterip/node-client.yaml")
    beside_nobody = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]},
    }
    shy = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [beside_nobody]}}
    lab.apply(copy | {"metadata": {"name": "shy"}, "spec": {**copy["spec"], "affinity": shy}})
    lab.becomes("pod/shy", UNSCHEDULABLE)


@claim("NW-9")
def test_every_node_answers_on_the_node_port(lab: Lab) -> None:
    lab.apply("network/nodeport/service-nodeport.yaml")
    (pod,) = lab.becomes("pods app=web-nodeport", ready(1))
    port = node_port(lab.get("service/web-nodeport"))

    nodes = lab.get("nodes")
    answers = {
        node.name: lab.http(f"http://{internal_ip(node)}:{port}/hostname").body for node in nodes
    }

    assert len(nodes) > 1, "no node without a Pod of this Service"
    assert set(answers.values()) == {pod.name}, answers


@claim("NW-10")
def test_node_port_outside_the_range_is_refused(lab: Lab) -> None:
    (service,) = lab.example("network/nodeport/service-nodeport-out-of-range.yaml")

    lab.refuses(
        lab.apply, service, code=422, reason="Invalid",
        field="spec.ports[0].nodePort", text="not in the valid range",
    )  # fmt: skip

    # the same Service with a port of the range; not stored, as the ports are those of all tests
    service["spec"]["ports"][0]["nodePort"] = 30079
    asked = f"kubectl create --dry-run=server -f - <<'JSON'\n{json.dumps(service)}\nJSON"
    accepted = lab.run(asked)
    assert accepted.code == 0 or "already allocated" in accepted.err, accepted.err


@claim("NW-11")
def test_node_port_service_has_a_cluster_ip_too(lab: Lab) -> None:
    lab.apply("network/nodeport/service-nodeport.yaml")
    (pod,) = lab.becomes("pods app=web-nodeport", ready(1))
    service = lab.get("service/web-nodeport")

    assert lab.http(f"http://{service.at('spec.clusterIP')}/hostname").body == pod.name
    assert lab.http("http://web-nodeport/hostname").body == pod.name
    assert node_port(service)


@claim("NW-12")
@pytest.mark.slow
@needs("control-plane")
def test_local_policy_keeps_the_client_ip_and_answers_only_where_a_pod_is(lab: Lab) -> None:
    lab.apply("network/nodeport/service-nodeport-local.yaml")
    lab.apply("network/clusterip/node-client.yaml")
    (pod,) = lab.becomes("pods app=web-local", ready(1))
    client = lab.becomes("pod/node-client", RUNNING).at("status.podIP")
    port = node_port(lab.get("service/web-local"))
    workers: Objects = lab.get("nodes !node-role.kubernetes.io/control-plane")
    assert lab.get("pod/node-client").at("spec.nodeName") not in {n.name for n in workers}
    has_no_other_place(lab)
    urls = {n.name: f"http://{internal_ip(n)}:{port}/clientip" for n in workers}
    with_pod = urls.pop(pod.at("spec.nodeName"))
    without_pod = next(iter(urls.values()))

    assert ask(lab, with_pod, code=0).out.startswith(f"{client}:")
    ask(lab, without_pod, code=TIMED_OUT)
    assert lab.http("http://web-local/hostname").body == pod.name  # inside, on its own port
    assert ask(lab, with_pod, code=0).out.startswith(f"{client}:")

    # with Cluster both nodes answer, and the Pod sees the address of a node that is not the client
    lab.patch("service/web-local", {"spec": {"externalTrafficPolicy": "Cluster"}})
    assert not ask(lab, without_pod, code=0).out.startswith(f"{client}:")
