"""Requests that don't arrive: how it looks to the client, and that the mended file answers."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

from k8s_basic.live import Condition, Lab, Object, Objects, claim, is_ready, needs, ready, reports
from k8s_basic.live.conditions import endpoints_of, has_address

SITE = "http://localhost:8080"
SHOP = "troubleshooting/network/shop.yaml"


def endpoints(wanted: list[bool]) -> Condition:
    """Return a condition: these endpoints, each ready or not, are all there are."""

    def condition(slices: Objects) -> bool:
        are_ready = [bool(e["conditions"].get("ready")) for e in endpoints_of(slices)]
        return are_ready == wanted and bool(slices)

    return Condition(f"the EndpointSlices hold endpoints whose readiness is {wanted}", condition)


def is_refused(lab: Lab, url: str) -> None:
    """Ask until the connection is refused: the name and the rules are there a little later."""
    lab.eventually(
        f"{url} is refused",
        lambda: lab.http(url, status=0).body,
        lambda answer: "curl: (7)" in answer,
    )


def is_well(lab: Lab, pod: Object) -> None:
    """Demand that the program itself answers, past the Service."""
    assert lab.http(f"http://{pod.at('status.podIP')}:8080/hostname").body == pod.name


def slices(service: str) -> str:
    """Return how to find the EndpointSlices of a Service."""
    return f"endpointslices kubernetes.io/service-name={service}"


@claim("TS-17", "TS-18", "TS-19")
def test_service_answers_once_label_port_and_readiness_are_right(lab: Lab) -> None:
    lab.apply("troubleshooting/network/service-label-broken.yaml")
    lab.apply("troubleshooting/network/service-port-broken.yaml")
    lab.apply("troubleshooting/network/service-readiness-broken.yaml")
    (unlike,) = lab.becomes("pods app=front-end", ready(1))
    behind = lab.becomes("pod/service-port", is_ready)
    failing = lab.becomes("pod/service-readiness", {"status": {"phase": "Running"}})

    # each is refused, and not only because its name is new
    with lab.proves("TS-17"):
        lab.becomes(slices("service-label"), endpoints([]))
        is_refused(lab, "http://service-label/hostname")
        is_well(lab, unlike)
        lab.apply("troubleshooting/network/service-label.yaml")
        answer = lab.http("http://service-label/hostname", within=60)
        assert answer.body == "service-label"

    with lab.proves("TS-18"):
        lab.becomes(slices("service-port"), endpoints([True]))
        is_refused(lab, "http://service-port/hostname")
        is_well(lab, behind)
        lab.apply("troubleshooting/network/service-port.yaml")
        answer = lab.http("http://service-port/hostname", within=60)
        assert answer.body == "service-port"

    with lab.proves("TS-19"):
        lab.becomes(slices("service-readiness"), endpoints([False]))
        is_refused(lab, "http://service-readiness/hostname")
        is_well(lab, failing)
        lab.becomes("events", reports(failing, "Unhealthy"))
        lab.delete(failing, wait=True)
        lab.delete("service/service-readiness")
        lab.apply("troubleshooting/network/service-readiness.yaml")
        lab.becomes("pod/service-readiness", is_ready, without=failing)
        answer = lab.http("http://service-readiness/hostname", within=60)
        assert answer.body == "service-readiness"


@claim("TS-20")
def test_name_in_a_namespace_that_is_not_there_does_not_resolve(lab: Lab) -> None:
    lab.apply(SHOP)
    lab.apply("troubleshooting/network/dns-name-broken.yaml")
    lab.becomes("pod/shop", is_ready)
    lost = lab.becomes("pod/dns-name", is_ready)
    lab.logged(lost, "Could not resolve host", within=90)

    lab.delete(lost, wait=True)
    lab.apply("troubleshooting/network/dns-name.yaml")
    found = lab.becomes("pod/dns-name", is_ready, without=lost)
    lab.logged(found, "\nshop\n", within=60)


def own(lab: Lab, name: str) -> str:
    """Return the host name as this test uses it: tests that run beside it share the controller."""
    return f"{name}.{lab.namespace[-5:]}.example.com"


def documents(lab: Lab, example: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an example with the host name of this test in place of the lesson's."""
    text = json.dumps(example)
    for name in ("ingress-404", "ingress-503", "ingress-class", "ingress-tls"):
        text = text.replace(f'"{name}.example.com"', f'"{own(lab, name)}"')
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def again(lab: Lab, name: str) -> dict[str, Any]:
    """Return the broken Ingress once more, under a name and a host of its own."""
    broken = documents(lab, lab.example(f"troubleshooting/network/{name}-broken.yaml"))[0]
    text = json.dumps(broken).replace(own(lab, name), own(lab, f"{name}-again"))
    ingress: dict[str, Any] = json.loads(text)
    ingress["metadata"]["name"] = f"{name}-again"
    return ingress


@claim("TS-21", "TS-22", "TS-23")
@needs("ingress")
def test_ingress_answers_once_path_backend_and_class_are_right(lab: Lab) -> None:
    lab.apply(SHOP)
    lab.becomes("pod/shop", is_ready)
    lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-404-broken.yaml")))
    lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-503-broken.yaml")))
    lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-class-broken.yaml")))

    def ask(name: str, path: str, status: int, within: float = 60) -> str:
        url = f"{SITE}{path}"
        return lab.outside(url, host=own(lab, name), status=status, within=within).body

    with lab.proves("TS-21"):
        lab.becomes("ingress/ingress-404", has_address)
        ask("ingress-404", "/hostname/", 200)  # the rule is there, and wants the last slash
        ask("ingress-404", "/hostname", 404, within=0)
        lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-404.yaml")))
        assert ask("ingress-404", "/hostname", 200) == "shop"
        ask("ingress-404", "/hostname/", 404)

    # in the next two nothing else was wrong: one broken Ingress does with a sound Service, the
    # other with a class that is known
    with lab.proves("TS-22"):
        ask("ingress-503", "/hostname", 503)
        lab.becomes(slices("ingress-503"), endpoints([]))
        lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-503.yaml")))
        assert ask("ingress-503", "/hostname", 200) == "shop"
        lab.apply(again(lab, "ingress-503"))
        assert ask("ingress-503-again", "/hostname", 200) == "shop"

    with lab.proves("TS-23"):
        assert not has_address(lab.get("ingress/ingress-class"))
        ask("ingress-class", "/hostname", 404, within=0)
        lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-class.yaml")))
        assert ask("ingress-class", "/hostname", 200) == "shop"
        lab.becomes("ingress/ingress-class", has_address)
        other_class = again(lab, "ingress-class")
        other_class["spec"]["ingressClassName"] = "traefik"
        lab.apply(other_class)
        assert ask("ingress-class-again", "/hostname", 200) == "shop"


@claim("TS-24")
@needs("ingress")
def test_wrong_secret_name_serves_a_certificate_that_is_not_ours(lab: Lab, tmp_path: Path) -> None:
    host = own(lab, "ingress-tls")
    done = lab.run(
        f"cd {tmp_path} && openssl req -x509 -newkey rsa:2048 -nodes -days 30"
        f' -subj "/CN={host}" -addext "subjectAltName=DNS:{host}"'
        ' -addext "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"'
        " -keyout tls.key -out tls.crt"
        " && kubectl create secret tls shop-tls --cert=tls.crt --key=tls.key"
    )
    assert done.code == 0, done.err
    ours = ssl.PEM_cert_to_DER_cert((tmp_path / "tls.crt").read_text(encoding="utf-8"))
    lab.apply(SHOP)
    lab.becomes("pod/shop", is_ready)

    def served() -> bytes:
        answer = lab.outside("https://localhost:8443/hostname", sni=host, within=60)
        assert answer.body == "shop"
        return ssl.PEM_cert_to_DER_cert(answer.certificate)

    lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-tls-broken.yaml")))
    assert served() != ours

    lab.apply(documents(lab, lab.example("troubleshooting/network/ingress-tls.yaml")))
    url, crt = "https://localhost:8443/hostname", tmp_path / "tls.crt"
    lab.outside(url, sni=host, cafile=crt, within=60)  # the controller takes up the change
    assert served() == ours
