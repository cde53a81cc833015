"""DNS: the names that Services and Pods have, and those they do not have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8s_basic.live import Lab, Object, Objects, claim, ready


@dataclass(frozen=True)
class Answer:
    """What the DNS server said of a name: NOERROR or NXDOMAIN, and the data of its records."""

    status: str
    data: frozenset[str]


NOTHING = Answer("NXDOMAIN", frozenset())


def found(*data: str) -> Answer:
    """Return the answer that holds exactly these."""
    return Answer("NOERROR", frozenset(data))


def ask(lab: Lab, name: str, kind: str = "A", client: Object | None = None) -> Answer:
    """Look a name up in a Pod; one without a dot at its end is tried with the Pod's suffixes."""
    options = ("+search", "+time=3", "+tries=3", "+noall", "+comments", "+answer")
    text = lab.exec(client or lab.client, "dig", *options, name, kind)
    status = re.findall(r"status: (\w+)", text)
    lines = [line for line in text.splitlines() if line and not line.startswith(";")]
    records = [line.split(None, 4) for line in lines]
    return Answer(status[-1], frozenset(r[4] for r in records if r[3] == kind))


def answers(
    lab: Lab, name: str, wanted: Answer, kind: str = "A", client: Object | None = None
) -> None:
    """Demand this answer: CoreDNS reads what is new a moment after the API server."""
    what = f"{name} {kind} is {wanted}"
    lab.eventually(what, lambda: ask(lab, name, kind, client), lambda seen: seen == wanted)


@claim("DN-1", "DN-2", "DN-3")
def test_service_is_found_by_short_name_at_home_and_with_namespace_elsewhere(lab: Lab) -> None:
    home, elsewhere = lab.namespace, lab.new_namespace("other")
    here = lab.apply("network/dns/dns.yaml")[0].at("spec.clusterIP")
    with lab.proves("DN-1"):
        answers(lab, f"web.{home}.svc.cluster.local.", found(here))

    with lab.proves("DN-3"):
        # the suffixes are those that the kubelet wrote
        lines = lab.exec(lab.client, "cat", "/etc/resolv.conf").splitlines()
        resolv = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
        suffixes = [f"{home}.svc.cluster.local", "svc.cluster.local", "cluster.local"]
        assert resolv["search"][:3] == suffixes
        assert "ndots:5" in resolv["options"]
        server = lab.get("service/kube-dns", namespace="kube-system").at("spec.clusterIP")
        assert resolv["nameserver"] == [server]

    container = {**lab.client.at("spec.containers.0")}
    container.pop("volumeMounts", None)
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "stranger"},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        },
        namespace=elsewhere,
    )
    (stranger,) = lab.becomes("pods", ready(1), namespace=elsewhere)
    with lab.proves("DN-2"):
        answers(lab, "web", found(here))
        answers(lab, f"web.{home}", found(here))
        answers(lab, f"web.{home}", found(here), client=stranger)
        lab.eventually(
            "no web elsewhere", lambda: ask(lab, "web", client=stranger), lambda a: not a.data
        )
        # and with a Service of that name there, the short name means that one
        there = lab.apply("network/dns/dns.yaml", namespace=elsewhere)[0].at("spec.clusterIP")
        answers(lab, "web", found(there), client=stranger)
        answers(lab, f"web.{home}", found(here), client=stranger)


@claim("DN-4")
def test_only_named_ports_have_srv_records(lab: Lab) -> None:
    lab.apply("network/dns/dns.yaml")
    zone = f"{lab.namespace}.svc.cluster.local."

    answers(lab, f"_http._tcp.web.{zone}", found(f"0 100 80 web.{zone}"), kind="SRV")
    answers(lab, f"_http._tcp.web-unnamed.{zone}", NOTHING, kind="SRV")
    # both Services answer on that port
    lab.becomes("pods app=web", ready(1))
    assert lab.http("http://web/hostname").body == "server"
    assert lab.http("http://web-unnamed/hostname").body == "server"


@claim("DN-5", "DN-6", "DN-7")
def test_pod_is_found_by_its_dashed_ip_real_or_not_and_not_by_its_name(lab: Lab) -> None:
    lab.apply("network/dns/dns.yaml")
    (pod,) = lab.becomes("pods app=web", ready(1))
    ip = pod.at("status.podIP")
    zone = f"{lab.namespace}.pod.cluster.local."

    with lab.proves("DN-5"):
        answers(lab, f"{ip.replace('.', '-')}.{zone}", found(ip))

    with lab.proves("DN-6"):
        assert "10.1.2.3" not in {p.at("status.podIP") for p in lab.get("pods")}
        answers(lab, f"10-1-2-3.{zone}", found("10.1.2.3"))

    with lab.proves("DN-7"):
        for name in (pod.name, lab.client.name):
            answers(lab, f"{name}.{zone}", NOTHING)
            answers(lab, f"{name}.{lab.namespace}.svc.cluster.local.", NOTHING)


def has_an_unready_address(slices: Objects) -> bool:
    """The endpoint controller has seen the Pod that is not ready."""
    return any(e["conditions"]["ready"] is False for s in slices for e in s.get("endpoints") or [])


@claim("DN-8", "DN-9")
def test_ready_pod_with_hostname_and_subdomain_has_a_record(lab: Lab) -> None:
    lab.apply("network/dns/pod-record.yaml")
    # a hostname is all that the second one lacks
    named = lab.example("network/dns/pod-record.yaml")[2]
    named["metadata"]["name"], named["spec"]["hostname"] = "named", "host-b"
    lab.apply(named)
    pods = lab.becomes("pods app=named", ready(3))
    ips = {pod.name: pod.at("status.podIP") for pod in pods}
    zone = f"sub.{lab.namespace}.svc.cluster.local."
    with lab.proves("DN-8"):
        answers(lab, zone, found(*ips.values()))

        answers(lab, f"host-a.{zone}", found(ips["first"]))
        answers(lab, f"host-b.{zone}", found(ips["named"]))
        answers(lab, f"second.{zone}", NOTHING)
        answers(lab, f"first.{zone}", NOTHING)

    lab.apply("network/dns/not-ready.yaml")
    lab.becomes("endpointslices kubernetes.io/service-name=sub", has_an_unready_address)
    third = lab.get("pod/third").at("status.podIP")
    with lab.proves("DN-9"):
        answers(lab, f"host-c.{zone}", NOTHING)
        answers(lab, zone, found(*ips.values()))
        lab.patch("service/sub", {"spec": {"publishNotReadyAddresses": True}})
        answers(lab, f"host-c.{zone}", found(third))
        answers(lab, zone, found(third, *ips.values()))
        lab.patch("service/sub", {"spec": {"publishNotReadyAddresses": False}})
        answers(lab, f"host-c.{zone}", NOTHING)
