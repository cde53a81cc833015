"""ExternalName: a DNS alias and nothing more; and a Service whose addresses are written by hand."""

from __future__ import annotations

import json
from typing import Any

from k8s_basic.live import Lab, claim, ready

OUTSIDE = "externalname-partner"  # the namespace that plays the world outside, on the page


def documents(name: str, lab: Lab, outside: str) -> list[dict[str, Any]]:
    """Return an example that points into this test's own namespace outside."""
    text = json.dumps(lab.example(name)).replace(f".{OUTSIDE}.", f".{outside}.")
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def start_outside(lab: Lab) -> str:
    """Start both backends in a namespace of their own and return its name."""
    outside = lab.new_namespace("outside")
    lab.apply("network/externalname/backends.yaml", namespace=outside)
    lab.becomes("pods", ready(2), namespace=outside)
    return outside


def records(lab: Lab, name: str) -> list[str]:
    """Return the data of the records of this name, as `dig +short` prints them."""
    return lab.exec(lab.client, "dig", "+short", "+time=3", f"{name}.").splitlines()


def lead_to(lab: Lab, name: str, wanted: list[str]) -> None:
    """Demand these records: CoreDNS reads a change a moment after the API server."""
    lab.eventually(
        f"{name} leads to {wanted}", lambda: records(lab, name), lambda seen: seen == wanted
    )


@claim("NW-16", "NW-17", "NW-18")
def test_external_name_is_an_alias_that_maps_no_ports_and_rewrites_no_host(lab: Lab) -> None:
    outside = start_outside(lab)
    ip = lab.get("pod/backend", namespace=outside).at("status.podIP")
    target = f"backend.{outside}.svc.cluster.local"

    (partner,) = lab.apply(
        documents("network/externalname/service-externalname.yaml", lab, outside)
    )

    with lab.proves("NW-16"):
        lead_to(lab, f"partner.{lab.namespace}.svc.cluster.local", [f"{target}.", ip])
        assert partner.at("spec.clusterIP") is None
        assert not lab.get("endpointslices kubernetes.io/service-name=partner")
        # the other Service of this namespace has one, so the controller was here
        lab.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"},
                   "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]}})  # fmt: skip
        lab.becomes("endpointslices kubernetes.io/service-name=other", lambda seen: len(seen) == 1)
        assert not lab.get("endpointslices kubernetes.io/service-name=partner")

    with lab.proves("NW-17"):
        answer = lab.http("http://partner:8080/").body
        assert answer == "backend was called as partner:8080\n"
        lab.http("http://partner:80/", status=0, within=0)

    moved = f"backend-new.{outside}.svc.cluster.local"
    lab.patch("service/partner", {"spec": {"externalName": moved}})
    with lab.proves("NW-18"):
        new_ip = lab.get("pod/backend-new", namespace=outside).at("status.podIP")
        lead_to(lab, f"partner.{lab.namespace}.svc.cluster.local", [f"{moved}.", new_ip])
        # another replica of CoreDNS may still give the old name
        new = "backend-new was called as partner:8080\n"
        url = "http://partner:8080/"
        lab.eventually(
            f"{url} leads to the new one", lambda: lab.http(url).body, lambda body: body == new
        )


@claim("NW-21")
def test_service_without_selector_leads_to_the_addresses_written_by_hand(lab: Lab) -> None:
    outside = start_outside(lab)
    ip = lab.get("pod/backend", namespace=outside).at("status.podIP")
    service, slice_ = lab.example("network/externalname/service-no-selector.yaml")
    lab.apply(service)
    lab.http("http://partner-db/", status=0, within=10)
    assert not lab.get("endpointslices kubernetes.io/service-name=partner-db")

    assert slice_.get("endpoints") == [{"addresses": ["203.0.113.10"]}]  # the page replaces this
    slice_["endpoints"] = [{"addresses": [ip]}]
    lab.apply(slice_)

    assert lab.http("http://partner-db/").body == "backend was called as partner-db\n"


@claim("NW-22")
def test_ip_as_external_name_is_accepted_and_does_not_resolve(lab: Lab) -> None:
    lab.apply("network/externalname/service-externalname-ip.yaml")

    (control,) = lab.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "control"},
         "spec": {"type": "ExternalName", "externalName": "kubernetes.default.svc.cluster.local"}}
    )  # fmt: skip
    api = lab.get("service/kubernetes", namespace="default").at("spec.clusterIP")
    name = f"{control.name}.{lab.namespace}.svc.cluster.local"
    lead_to(lab, name, ["kubernetes.default.svc.cluster.local.", api])
    assert lab.get("service/partner-ip").at("spec.type") == "ExternalName"
    lead_to(lab, f"partner-ip.{lab.namespace}.svc.cluster.local", [])
