"""Service: an address that stays, in front of Pods that do not."""

from __future__ import annotations

import copy
from typing import Any

from k8s_basic.content.tables import coded_rows, default_rows
from k8s_basic.live import Condition, Lab, Objects, claim, ready

SLICES = "endpointslices kubernetes.io/service-name=web"


def addresses(slices: Objects, *, are_ready: bool = True) -> set[str]:
    """Return the addresses that the slices list as ready, or those they list as not ready."""
    endpoints = [e for s in slices for e in s.get("endpoints") or []]
    chosen = [e for e in endpoints if e["conditions"].get("ready") is are_ready]
    return {address for endpoint in chosen for address in endpoint["addresses"]}


def ips(pods: Objects) -> set[str]:
    """Return the Pods' IPs."""
    return {pod.at("status.podIP") for pod in pods}


def has_no_endpoints(slices: Objects) -> bool:
    """Tell whether the controller has written a slice, and no address in it."""
    return len(slices) > 0 and not any(s.get("endpoints") for s in slices)


def lists_exactly(wanted: set[str]) -> Condition:
    """Return a condition: the addresses that are ready are these and no others."""

    def condition(slices: Objects) -> bool:
        return addresses(slices) == wanted

    return Condition(f"ready addresses are {sorted(wanted)}", condition)


@claim("NW-1")
def test_service_without_matching_pods_has_no_endpoints_and_answers_nobody(lab: Lab) -> None:
    documents = lab.example("network/service/clusterip.yaml")
    (service,) = lab.apply([d for d in documents if d["kind"] == "Service"])
    url = f"http://{service.at('spec.clusterIP')}/hostname"
    lab.becomes(SLICES, has_no_endpoints)
    lab.http(url, status=0)
    lab.apply("network/service/wrong-selector.yaml")

    lab.apply([d for d in documents if d["kind"] == "Deployment"])

    pods = lab.becomes("pods app=web", ready(3))
    assert lab.http(url).body in pods.names
    assert lab.http("http://web/hostname").body in pods.names
    # the same Pods are no help to the Service whose selector has a typo
    typo = "endpointslices kubernetes.io/service-name=web-typo"
    lab.becomes(typo, has_no_endpoints)
    lab.http("http://web-typo/hostname", status=0, within=10)


@claim("NW-2")
def test_pods_come_and_go_and_the_address_stays(lab: Lab) -> None:
    lab.apply("network/service/clusterip.yaml")
    before = lab.becomes("pods app=web", ready(3))
    address = lab.get("service/web").at("spec.clusterIP")
    url = f"http://{address}/hostname"
    assert lab.http(url).body in before.names

    done = lab.run("kubectl delete pods -l app=web", timeout=120)

    assert done.code == 0, done.err
    after = lab.becomes("pods app=web", ready(3), without=before)
    assert not ips(after) & ips(before), "a new Pod has the IP of an old one"
    lab.becomes(SLICES, lists_exactly(ips(after)))
    assert lab.get("service/web").at("spec.clusterIP") == address
    assert lab.http(url).body in after.names


@claim("NW-4")
def test_ready_endpoints_are_exactly_the_ready_pods_with_the_label(lab: Lab) -> None:
    documents = lab.apply("network/service/clusterip.yaml")
    pods = lab.becomes("pods app=web", ready(3))
    lab.becomes(SLICES, lists_exactly(ips(pods)))

    # a Pod that has the label and never gets Ready is listed, but not as ready
    deployment = next(d for d in documents if d["kind"] == "Deployment")
    spec = copy.deepcopy(deployment.at("spec.template.spec"))
    if probe := spec["containers"][0].get("readinessProbe"):  # without one it's ready at once
        probe["httpGet"]["port"] = 1
    metadata = {"name": "unready", "labels": {"app": "web"}}
    lab.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    unready = lab.becomes("pod/unready", {"status": {"phase": "Running"}}).at("status.podIP")
    slices = lab.becomes(SLICES, lambda seen: unready in addresses(seen, are_ready=False))
    assert addresses(slices) == ips(pods)

    # a Ready Pod that loses the label goes from the list, and stays Ready
    released = lab.label(pods[0], {"app": "other"})

    def are_the_ready_pods(seen: Objects) -> bool:
        """Three ready addresses, those of the Ready Pods with the label."""
        wanted = ips(lab.get("pods app=web").ready)
        return len(wanted) == 3 and addresses(seen) == wanted

    slices = lab.becomes(SLICES, are_the_ready_pods)
    assert released.at("status.podIP") not in addresses(slices)
    assert lab.get(f"pod/{released.name}").is_ready


@claim("NW-5")
def test_new_connections_are_spread_over_all_ready_pods(lab: Lab) -> None:
    lab.apply("network/service/clusterip.yaml")
    pods = lab.becomes("pods app=web", ready(3))
    lab.becomes(SLICES, lists_exactly(ips(pods)))
    assert len(pods.names) == 3

    # 60 random picks miss one of three Pods once in 10^10 runs; kube-proxy may know fewer at first
    lab.eventually(
        "all three Pods answer, and they alone",
        lambda: {(a.status, a.body) for a in lab.http_many("http://web/hostname", 60)},
        lambda answers: answers == {(200, name) for name in pods.names},
    )


# What a Service of each type has: a cluster IP, a node port.
ADDRESSES = {
    "ClusterIP": (True, False),
    "NodePort": (True, True),
    "LoadBalancer": (True, True),
    "ExternalName": (False, False),
}


@claim("NW-23")
def test_types_of_a_service_are_those_of_the_table_and_each_has_its_addresses(lab: Lab) -> None:
    documents = lab.example("network/service/clusterip.yaml")
    (service,) = (d for d in documents if d["kind"] == "Service")

    def of_type(kind: str, **fields: Any) -> dict[str, Any]:
        """Return the Service with this type, under a name of its own."""
        spec = service["spec"] | {"type": kind, **fields}
        return service | {"metadata": {"name": f"web-{kind.lower()}"}, "spec": spec}

    lab.refuses(lab.apply, of_type("Internal"), code=422, reason="Invalid", field="spec.type")
    made = lab.apply(
        [
            of_type("ClusterIP"),
            of_type("NodePort"),
            # of a class that nobody serves, so that no cloud makes one
            of_type("LoadBalancer", loadBalancerClass="example.com/none"),
            of_type("ExternalName", externalName="web.example.com"),
        ]
    )
    has = {
        s.at("spec.type"): (bool(s.at("spec.clusterIP")), bool(s.at("spec.ports.0.nodePort")))
        for s in made
    }
    assert has == ADDRESSES
    for language, rows in coded_rows("network/service", "types").items():
        assert set(rows) == set(has), language

    (plain,) = lab.apply(service)
    marked = default_rows("network/service", "types")
    assert marked == {language: {plain.at("spec.type")} for language in marked}


@claim("NW-20")
def test_service_variables_are_there_only_for_services_older_than_the_pod(lab: Lab) -> None:
    older = lab.client
    documents = lab.example("network/service/clusterip.yaml")
    (service,) = lab.apply([d for d in documents if d["kind"] == "Service"])
    lab.becomes(SLICES, has_no_endpoints)  # controllers have seen it, before the Pods are made
    lab.apply([d for d in documents if d["kind"] != "Service"])
    younger = lab.becomes("pods app=web", ready(3))[0]

    assert lab.exec(younger, "printenv", "WEB_SERVICE_HOST").strip() == service.at("spec.clusterIP")
    # the older Pod has variables, of the Service that was there before it, and reaches web by name
    assert lab.exec(older, "printenv", "KUBERNETES_SERVICE_HOST").strip()
    missing = lab.run(f"kubectl exec {older.name} -- printenv WEB_SERVICE_HOST")
    assert (missing.code, missing.out) == (1, ""), missing
    assert lab.http("http://web/hostname").status == 200
