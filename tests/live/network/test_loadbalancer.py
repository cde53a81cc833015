"""LoadBalancer: pending without somebody who hands out addresses, and what an address does."""

from __future__ import annotations

import hashlib

from k8s_basic.live import Lab, Object, Objects, claim, needs, ready

SLICES = "endpointslices kubernetes.io/service-name=web-lb"


def is_pending(service: Object | None) -> bool:
    """Nobody has written an address into the status."""
    return service is not None and not service.at("status.loadBalancer.ingress")


def has_endpoints(slices: Objects) -> bool:
    """A controller has written an address into the EndpointSlice."""
    return any(s.get("endpoints") for s in slices)


def external_ip(lab: Lab, name: str) -> str:
    """Return what kubectl prints under EXTERNAL-IP."""
    done = lab.run(f"kubectl get service {name} --no-headers")
    assert done.code == 0, done.err
    return done.out.split()[3]


@claim("NW-13")
@needs("lesson-nodes")  # on another cluster somebody may hand out addresses
def test_without_an_implementation_it_stays_pending_and_works_inside(lab: Lab) -> None:
    lab.apply("network/service-loadbalancer.yaml")

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
    lab.apply("network/service-loadbalancer.yaml")
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
    lab.apply("network/service-loadbalancer.yaml")
    (pod,) = lab.becomes("pods app=web-lb", ready(1))

    (only,) = lab.apply("network/service-loadbalancer-no-node-port.yaml")

    assert lab.get("service/web-lb").at("spec.ports.0.nodePort") in range(30000, 32768)
    assert only.at("spec.ports.0.nodePort") is None
    assert external_ip(lab, "web-lb-only") == "<pending>" or only.at("status.loadBalancer.ingress")
    assert lab.http("http://web-lb-only/hostname").body == pod.name
