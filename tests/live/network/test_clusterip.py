"""ClusterIP: a virtual IP with several ports, sticky clients, and a Service without an IP."""

from __future__ import annotations

from typing import Any

from k8s_basic.live import Lab, Objects, claim, needs, ready
from k8s_basic.live.traffic import Response


def has_ready_endpoints(slices: Objects) -> int:
    """Return how many endpoints are ready."""
    endpoints = [e for s in slices for e in s.get("endpoints") or []]
    return sum(1 for e in endpoints if e["conditions"].get("ready"))


def two_ready_endpoints(slices: Objects) -> bool:
    """Two endpoints are ready."""
    return has_ready_endpoints(slices) == 2


def sticky_service(lab: Lab) -> Objects:
    """Apply the sticky Service, wait until two Pods stand behind it, and return them."""
    lab.apply("network/clusterip/service-session-affinity.yaml")
    pods: Objects = lab.becomes("pods app=sticky", ready(2))
    lab.becomes("endpointslices kubernetes.io/service-name=sticky", two_ready_endpoints)
    return pods


def all_answered(answers: list[Response]) -> bool:
    """Tell whether every request got its answer: a busy node lets one time out now and then."""
    return {a.status for a in answers} == {200}


@claim("NW-8")
def test_each_port_leads_to_its_target_port_by_number_or_by_name(lab: Lab) -> None:
    lab.apply("network/clusterip/service-multiport.yaml")
    lab.becomes("pods app.kubernetes.io/name=MyApp", ready(1))

    assert lab.http("http://my-service:80/serverport").body == "9376"
    assert lab.http("http://my-service:443/serverport").body == "9377"

    # a name that no container port has: that port goes dead, the other lives on
    lab.apply("network/clusterip/service-wrong-port-name.yaml")
    lab.http("http://my-service:80/serverport", status=0)
    assert lab.http("http://my-service:443/serverport").body == "9377"

    lab.apply("network/clusterip/service-multiport.yaml")
    assert lab.http("http://my-service:80/serverport").body == "9376"


@claim("NW-3")
@needs("node-shell")
def test_cluster_ip_works_from_every_node(lab: Lab) -> None:
    service = lab.apply("network/clusterip/service-multiport.yaml")[0]
    lab.becomes("pods app.kubernetes.io/name=MyApp", ready(1))
    url = f"http://{service.at('spec.clusterIP')}/serverport"
    assert lab.http(url).body == "9376"

    nodes = lab.get("nodes")
    retry = ("--max-time", "3", "--retry", "5", "--retry-connrefused")
    answers = {n.name: lab.on_node(n.name, "curl", "-sS", *retry, url).strip() for n in nodes}

    assert len(nodes) > 1, "no node without a Pod of this Service"
    assert set(answers.values()) == {"9376"}, answers

    # and as the page does it: from a Pod that has the node's network and none of its own
    lab.apply("network/clusterip/node-client.yaml")
    lab.becomes("pod/node-client", {"status": {"phase": "Running"}})
    assert lab.exec("pod/node-client", "curl", "-sS", *retry, url).strip() == "9376"


@claim("NW-6")
def test_client_ip_affinity_makes_a_cluster_ip_sticky_for_three_hours(lab: Lab) -> None:
    pods = sticky_service(lab)

    url = "http://sticky/hostname"
    answers = lab.eventually(
        "every request is answered", lambda: lab.http_many(url, 20), all_answered
    )

    # without affinity, 20 picks of two Pods are all alike once in half a million runs
    assert len({a.body for a in answers}) == 1, answers
    assert answers[0].body in pods.names
    timeout = lab.get("service/sticky").at("spec.sessionAffinityConfig.clientIP.timeoutSeconds")
    assert timeout == 10800


@claim("NW-7")
def test_without_affinity_one_client_reaches_several_pods(lab: Lab) -> None:
    pods = sticky_service(lab)

    lab.patch("service/sticky", {"spec": {"sessionAffinity": "None"}})

    def answering() -> set[str]:
        return {a.body for a in lab.http_many("http://sticky/hostname", 60) if a.status == 200}

    # kube-proxy takes up the change
    lab.eventually("both Pods answer", answering, lambda seen: seen == pods.names)


@claim("NW-19")
def test_headless_service_resolves_to_the_ips_of_the_ready_pods(lab: Lab) -> None:
    lab.apply("network/clusterip/service-headless.yaml")
    pods = lab.becomes("pods app=headless", ready(2))
    name = f"headless.{lab.namespace}.svc.cluster.local"

    def records() -> set[str]:
        return set(lab.exec(lab.client, "dig", "+short", name).split())

    def resolves_to(wanted: set[str]) -> None:
        lab.eventually(f"{name} resolves to {wanted}", records, lambda seen: seen == wanted)

    resolves_to({pod.at("status.podIP") for pod in pods})

    lab.apply(never_ready(lab))
    lab.becomes("endpointslices kubernetes.io/service-name=headless", has_an_unready_address)
    resolves_to({pod.at("status.podIP") for pod in pods})
    lab.delete("pod/never-ready")

    lab.scale("deployment/headless", 1)
    (left,) = lab.becomes("pods app=headless", lambda seen: len(seen) == 1)
    resolves_to({left.at("status.podIP")})
    # no rule stands between: the name leads straight to the Pod, on the Pod's own port
    assert lab.http(f"http://{name}:8080/hostname").body == left.name


def never_ready(lab: Lab) -> dict[str, Any]:
    """Return a Pod of the Service whose readiness probe always fails."""
    template = lab.example("network/clusterip/service-headless.yaml")[1]["spec"]["template"]
    spec = {**template["spec"]}
    spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}}
    metadata = {"name": "never-ready", **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def has_an_unready_address(slices: Objects) -> bool:
    """The endpoint controller has seen the Pod that is not ready."""
    return any(e["conditions"]["ready"] is False for s in slices for e in s.get("endpoints") or [])
