"""Ingress: by host and by path to a Service, and what nobody takes up."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from k8s_basic.live import Lab, Object, claim, needs, ready

SITE = "http://localhost:8080"
IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
HOSTS = ("app1.example.com", "app2.example.com", "www.example.com")


def own(lab: Lab, host: str) -> str:
    """Return the host name as this test uses it: tests that run beside it share the controller."""
    return f"{host.partition('.')[0]}.{lab.namespace[-5:]}.example.com"


def documents(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return an example with host names of this test's own in place of the lesson's."""
    text = json.dumps(lab.example(name))
    for host in HOSTS:
        text = text.replace(f'"{host}"', f'"{own(lab, host)}"')
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def has_address(ingress: Object | None) -> bool:
    """A controller has written an address into the status."""
    return ingress is not None and bool(ingress.at("status.loadBalancer.ingress"))


def has_no_address(ingress: Object | None) -> bool:
    """The Ingress is there and no controller has written an address into its status."""
    return ingress is not None and not has_address(ingress)


def backends(lab: Lab) -> None:
    """Start both applications with their Services, and no Ingress."""
    wanted = documents(lab, "network/ingress/host.yaml")
    lab.apply([d for d in wanted if d["kind"] != "Ingress"])
    lab.becomes("pods app in (app1,app2)", ready(2))


@claim("IN-1")
@needs("ingress")
def test_ingress_without_class_or_default_class_is_taken_up_by_nobody(lab: Lab) -> None:
    backends(lab)
    classes = lab.get("ingressclasses")
    assert classes, "no controller is installed"
    assert not [c for c in classes if (c.at("metadata.annotations") or {}).get(IS_DEFAULT)]
    (ignored,) = documents(lab, "network/ingress/no-class.yaml")
    control = copy.deepcopy(ignored)
    control["metadata"]["name"] = "with-class"
    control["spec"]["ingressClassName"] = "traefik"
    control["spec"]["rules"] = [{**ignored["spec"]["rules"][0], "host": own(lab, "control.")}]

    lab.apply(ignored)
    lab.apply(control)

    lab.stays(
        "ingress/example-ingress", has_no_address, 15, control=("ingress/with-class", has_address)
    )
    for path in ("/", "/deeper"):
        answer = lab.outside(f"{SITE}{path}", host=own(lab, "control."))
        assert answer.body.startswith("app1-")
    lab.outside(SITE, host=own(lab, "app1.example.com"), status=404, within=0)


@claim("IN-2")
@pytest.mark.exclusive
@needs("ingress")
def test_default_class_is_filled_in_when_an_ingress_is_created(lab: Lab) -> None:
    backends(lab)
    ingress = documents(lab, "network/ingress/no-class.yaml")
    (before,) = lab.apply(ingress)
    assert before.at("spec.ingressClassName") is None

    lab.annotate("ingressclass/traefik", {IS_DEFAULT: "true"})
    try:
        # an Ingress that is there already stays without a class
        (still,) = lab.apply(ingress)
        assert (still.uid, still.at("spec.ingressClassName")) == (before.uid, None)

        lab.delete("ingress/example-ingress", wait=True)
        # whoever fills it in learns of the annotation by a watch
        dry = (
            f"kubectl create --dry-run=server -o yaml -f - <<'JSON'\n{json.dumps(ingress[0])}\nJSON"
        )
        filled = "ingressClassName: traefik"
        lab.eventually("a class is filled in", lambda: lab.run(dry).out, lambda out: filled in out)
        (created,) = lab.apply(ingress)
        assert created.at("spec.ingressClassName") == "traefik"
        lab.becomes("ingress/example-ingress", has_address)
        for app in ("app1", "app2"):
            answer = lab.outside(f"{SITE}/deeper", host=own(lab, f"{app}.example.com"))
            assert answer.body.startswith(f"{app}-")
        lab.outside(SITE, host=own(lab, "unknown.example.com"), status=404, within=0)
    finally:
        lab.annotate("ingressclass/traefik", {IS_DEFAULT: None})


@claim("IN-3")
@needs("ingress")
def test_host_header_chooses_the_service_and_an_unknown_host_is_404(lab: Lab) -> None:
    lab.apply(documents(lab, "network/ingress/host.yaml"))
    lab.becomes("pods app in (app1,app2)", ready(2))

    for app in ("app1", "app2"):
        for path in ("/", "/deeper"):
            answer = lab.outside(f"{SITE}{path}", host=own(lab, f"{app}.example.com"))
            assert answer.body.startswith(f"{app}-")
    lab.outside(SITE, host=own(lab, "unknown.example.com"), status=404, within=0)


@claim("IN-4")
@needs("ingress")
def test_prefix_compares_path_elements_and_not_characters(lab: Lab) -> None:
    lab.apply(documents(lab, "network/ingress/path.yaml"))
    lab.becomes("pods app in (app1,app2)", ready(2))
    host = own(lab, "www.example.com")

    assert lab.outside(f"{SITE}/app1", host=host).body.startswith("app1-")
    assert lab.outside(f"{SITE}/app1/x", host=host).body.startswith("app1-")
    assert lab.outside(f"{SITE}/app2", host=host).body.startswith("app2-")
    assert lab.outside(f"{SITE}/app2/x", host=host).body.startswith("app2-")
    lab.outside(f"{SITE}/app10", host=host, status=404, within=0)
    lab.outside(f"{SITE}/app1", host=own(lab, "unknown.example.com"), status=404, within=0)


@claim("IN-5")
@needs("ingress")
def test_exact_path_is_exact(lab: Lab) -> None:
    lab.apply(documents(lab, "network/ingress/path.yaml"))
    lab.becomes("pods app in (app1,app2)", ready(2))
    host = own(lab, "www.example.com")

    assert lab.outside(f"{SITE}/exact", host=host).body.startswith("app1-")
    lab.outside(f"{SITE}/exact/", host=host, status=404, within=0)


@claim("IN-6")
@needs("ingress")
def test_missing_backend_breaks_only_the_rules_that_point_at_it(lab: Lab) -> None:
    lab.apply(documents(lab, "network/ingress/path.yaml"))
    lab.becomes("pods app in (app1,app2)", ready(2))
    host = own(lab, "www.example.com")
    assert lab.outside(f"{SITE}/app2", host=host).body.startswith("app2-")

    lab.delete("service/app2-service", wait=True)

    lab.outside(f"{SITE}/app2", host=host, status=404)  # Traefik drops the rule; others say 503
    assert lab.outside(f"{SITE}/app1", host=host, within=0).body.startswith("app1-")


@claim("IN-13")
def test_ingress_of_a_removed_api_group_is_unknown(lab: Lab) -> None:
    wanted = documents(lab, "network/ingress/host.yaml")
    (ingress,) = [d for d in wanted if d["kind"] == "Ingress"]

    lab.refuses(
        lab.apply, {**ingress, "apiVersion": "extensions/v1beta1"},
        text='no matches for kind "Ingress" in version "extensions/v1beta1"',
    )  # fmt: skip

    (accepted,) = lab.apply(ingress)
    assert accepted.at("spec.ingressClassName") == "traefik"
