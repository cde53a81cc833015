"""LoadBalancer: pending without somebody who hands out addresses, and what an address does."""

from __future__ import annotations

import hashlib
import json
from ipaddress import ip_address
from typing import Any

import pytest
from k8s_basic.cluster.kind import metallb
from k8s_basic.live import Lab, Object, Objects, claim, needs, ready

OF_THE_CLUSTER = ("ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration")
WEBHOOK = 180.0  # seconds until MetalLB's webhook may be called
SLICES = "endpointslices kubernetes.io/service-name=web-lb"


def is_pending(service: Object | None) -> bool:
    """Nobody has written an address into the status."""
    return service is not None and not service.at("status.loadBalancer.ingress")


def has_endpoints(slices: Objects) -> bool:
    """A controller has written an address into the EndpointSlice."""
    return any(s.get("endpoints") for s in slices)


def external_ip(lab: Lab, name: str) -> str:
    """Return what kubectl prints under EXTERNAL-IP."""
    done = lab.run(f"kubectl get service {name}")
    assert done.code == 0, done.err
    return done.rows[0]["EXTERNAL-IP"]


def installation(lab: Lab) -> list[dict[str, Any]]:
    """Return MetalLB's own manifest, for the namespace of the test; the cluster has its CRDs."""
    ours = json.dumps(metallb(lab.cluster.source)).replace(
        '"namespace": "metallb-system"', f'"namespace": "{lab.namespace}"'
    )
    there = ("Namespace", "CustomResourceDefinition")
    return [document for document in json.loads(ours) if document["kind"] not in there]


def in_the_nodes_network(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return an example with the network of this cluster's nodes in place of the page's."""
    node = lab.get("nodes")[0].at("status.addresses.0.address")
    network = ".".join(node.split(".")[:2])
    changed: list[dict[str, Any]] = json.loads(
        json.dumps(lab.example(name)).replace("172.18.", f"{network}.")
    )
    return changed


def accepted(lab: Lab, documents: list[dict[str, Any]]) -> Object:
    """Apply as soon as MetalLB's webhook has its certificate, and return the first object."""
    return lab.eventually("MetalLB takes its pool", lambda: lab.apply(documents), bool, WEBHOOK)[0]


@claim("NW-13")
@needs("lesson-nodes")  # on another cluster somebody may hand out addresses
def test_without_an_implementation_it_stays_pending_and_works_inside(lab: Lab) -> None:
    lab.apply("network/loadbalancer/service-loadbalancer.yaml")

    lab.becomes(SLICES, has_endpoints)  # controllers have seen the Service
    service = lab.stays("service/web-lb", is_pending, 15, control=None)

    assert external_ip(lab, "web-lb") == "<pending>"
    (pod,) = lab.becomes("pods app=web-lb", ready(1))
    assert lab.http("http://web-lb/hostname").body == pod.name
    node = pod.at("status.hostIP")
    port = service.at("spec.ports.0.nodePort")
    assert lab.http(f"http://{node}:{port}/hostname").body == pod.name


@claim("NW-14")
@needs("lesson-nodes")  # elsewhere, whoever hands out addresses would take this one away again
def test_address_in_the_status_is_shown_and_leads_to_a_pod_from_inside(lab: Lab) -> None:
    lab.apply("network/loadbalancer/service-loadbalancer.yaml")
    (pod,) = lab.becomes("pods app=web-lb", ready(1))
    # of a range that is for documentation, and another than that of a test beside this one
    last = int(hashlib.sha256(lab.namespace.encode()).hexdigest(), 16) % 250 + 1
    address = f"198.51.100.{last}"
    # who answers on it before, if anybody, is not this Pod
    before = lab.run(f"kubectl exec {lab.client.name} -- curl -s --max-time 3 {address}/hostname")
    assert pod.name not in before.out

    done = lab.run(
        "kubectl patch service web-lb --subresource=status --type=merge -p "
        f'\'{{"status":{{"loadBalancer":{{"ingress":[{{"ip":"{address}"}}]}}}}}}\''
    )

    assert done.code == 0, done.err
    assert external_ip(lab, "web-lb") == address
    assert lab.http(f"http://{address}/hostname").body == pod.name


@claim("NW-15")
def test_without_allocation_there_is_no_node_port(lab: Lab) -> None:
    lab.apply("network/loadbalancer/service-loadbalancer.yaml")
    (pod,) = lab.becomes("pods app=web-lb", ready(1))

    (only,) = lab.apply("network/loadbalancer/service-loadbalancer-no-node-port.yaml")

    assert lab.get("service/web-lb").at("spec.ports.0.nodePort") in range(30000, 32768)
    assert only.at("spec.ports.0.nodePort") is None
    assert external_ip(lab, "web-lb-only") == "<pending>" or only.at("status.loadBalancer.ingress")
    assert lab.http("http://web-lb-only/hostname").body == pod.name


@claim("NW-24", "NW-25")
@pytest.mark.exclusive  # MetalLB gives an address to every Service that waits for one
@needs("lesson-nodes", "node-network")
def test_metallb_gives_an_address_of_its_range_that_answers_from_outside(lab: Lab) -> None:
    shared = [d for d in installation(lab) if d["kind"] in OF_THE_CLUSTER]
    try:
        lab.apply(installation(lab))
        lab.apply("network/loadbalancer/service-loadbalancer.yaml")
        (pod,) = lab.becomes("pods app=web-lb", ready(1))
        other = lab.example("network/loadbalancer/service-loadbalancer.yaml")[0]
        other["metadata"]["name"] = "other-class"
        other["spec"]["loadBalancerClass"] = "example.com/none"
        lab.apply(other)
        lab.becomes("pods app=metallb", ready(4), within=180)
        assert is_pending(lab.get("service/web-lb"))  # there is no range yet

        pool = accepted(lab, in_the_nodes_network(lab, "network/loadbalancer/metallb-pool.yaml"))
        with lab.proves("NW-24"):
            lab.becomes("service/web-lb", lambda s: s is not None and not is_pending(s))
            address = external_ip(lab, "web-lb")
            first, last = map(ip_address, pool.at("spec.addresses.0").split("-"))
            assert first <= ip_address(address) <= last
            assert lab.outside(f"http://{address}/hostname", within=60).body == pod.name
        with lab.proves("NW-25"):
            assert is_pending(lab.get("service/other-class"))
    finally:
        for document in shared:
            if lab.get(what := f"{document['kind']}/{document['metadata']['name']}"):
                lab.delete(what)
