"""Gateway API: a class, a Gateway and routes, with conditions that say what became of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from k8s_basic.live import Lab, Object, claim, needs, ready
from k8s_basic.live.conditions import has_condition

GATEWAY = "http://gateway:8000"
PAGE = "gateway-api"  # the namespace on the page
SHARED = (
    "gatewayclass/demo-traefik",
    "clusterrolebinding/demo-gateway",
    "clusterrole/demo-gateway",
)


def documents(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return an example that speaks of this test's namespace in place of the page's."""
    loaded: list[dict[str, Any]] = json.loads(
        json.dumps(lab.example(name)).replace(
            f'"namespace": "{PAGE}"', f'"namespace": "{lab.namespace}"'
        )
    )
    return loaded


def conditions(route: Object | None) -> dict[str, str]:
    """Return condition → status of a route's only parent."""
    parents = (route.at("status.parents") if route else None) or []
    return {c["type"]: c["status"] for parent in parents for c in parent["conditions"]}


def is_in_use(route: Object | None) -> bool:
    """The Gateway has accepted the route and found what it refers to."""
    return conditions(route) == {"Accepted": "True", "ResolvedRefs": "True"}


def answers(lab: Lab, host: str, count: int) -> set[str]:
    """Return which backends answer `count` requests in a row; one that a busy node lost is none."""
    ask = f"curl -sS --max-time 3 -H 'Host: {host}' {GATEWAY}/"
    lines = lab.exec(lab.client, "bash", "-c", f"for i in $(seq {count}); do {ask}; done; true")
    return {line.split()[0] for line in lines.splitlines() if line}


@claim("GW-1", "GW-2", "GW-3", "GW-4", "GW-5")
@pytest.mark.exclusive
@needs("gateway-api")
def test_gateway_takes_routes_by_host_path_weight_and_filter_and_says_so(lab: Lab) -> None:
    try:
        lab.apply(documents(lab, "network/gateway-api/gateway-class.yaml"))
        lab.apply("network/gateway-api/gateway.yaml")
        lab.apply("network/gateway-api/httproute.yaml")
        lab.becomes("pods app in (gateway,app1,app2)", ready(3), within=90)
        with lab.proves("GW-1"):
            lab.becomes("gatewayclass/demo-traefik", has_condition("Accepted"))
            lab.becomes("gateway/web", has_condition("Programmed"))
            lab.becomes("gateway/web", {"status": {"addresses": [{"value": "gateway"}]}})
            lab.becomes("httproute/by-host-and-path", is_in_use)

        host = "www.example.com"
        with lab.proves("GW-2"):
            assert lab.http(f"{GATEWAY}/x", host=host).body == "app1 saw /x\n"
            assert lab.http(f"{GATEWAY}/app2/x", host=host).body == "app2 saw /app2/x\n"
            assert lab.http(f"{GATEWAY}/app20", host=host).body == "app1 saw /app20\n"
            lab.http(f"{GATEWAY}/x", host="other.example.com", status=404, within=0)

        (weights,) = lab.apply("network/gateway-api/httproute-weights.yaml")
        with lab.proves("GW-3"):
            lab.http(f"{GATEWAY}/", host="canary.example.com")
            assert answers(lab, "canary.example.com", 20) == {"app1"}
            rules = weights.at("spec.rules")
            for backend in rules[0]["backendRefs"]:
                backend["weight"] = 1
            lab.patch("httproute/weights", {"spec": {"rules": rules}})
            # the controller takes up the change
            lab.eventually(
                "both backends answer",
                lambda: answers(lab, "canary.example.com", 20),
                lambda seen: seen == {"app1", "app2"},
            )

        lab.apply("network/gateway-api/httproute-filters.yaml")
        host = "filters.example.com"
        with lab.proves("GW-4"):
            assert lab.http(f"{GATEWAY}/app/hello", host=host).body == "app1 saw /hello\n"
            moved = lab.http(f"{GATEWAY}/old/x", host=host, status=301)
            assert moved.headers["location"].startswith("https://filters.example.com")
            assert moved.headers["location"].endswith("/old/x")

        lab.apply("network/gateway-api/httproute-no-backend.yaml")
        with lab.proves("GW-5"):
            broken = lab.becomes("httproute/no-backend", has_unresolved_references)
            assert conditions(broken)["Accepted"] == "True"
            reasons = {c["type"]: c["reason"] for c in broken.at("status.parents.0.conditions")}
            assert reasons["ResolvedRefs"] == "BackendNotFound"
            lab.http(f"{GATEWAY}/", host="no-backend.example.com", status=500)
        with lab.proves("GW-2"):
            # no route takes a host that it doesn't name
            lab.http(f"{GATEWAY}/app/hello", host="other.example.com", status=404, within=0)
    finally:
        for shared in SHARED:
            if lab.get(shared):
                lab.delete(shared)


def has_unresolved_references(route: Object | None) -> bool:
    """The controller has not found what the route refers to."""
    return conditions(route).get("ResolvedRefs") == "False"
