"""NetworkPolicy: everything is open, then closed, then open for a label."""

from __future__ import annotations

import copy
import time

from k8s_basic.live import Lab, claim, ready
from k8s_basic.live.lab import Completed

TIMED_OUT = 28  # curl's exit code; a port that nobody opened is refused at once and gives 7


def ask(lab: Lab, client: str, code: int, within: float = 30) -> Completed:
    """Ask the server from a Pod until curl ends with `code`, within so many seconds."""
    command = f"kubectl exec {client} -- curl -sS --max-time 3 http://server/hostname"
    deadline = time.monotonic() + within
    done = lab.run(command)
    while done.code != code and time.monotonic() < deadline:  # the plugin takes up the change
        done = lab.run(command)
    assert done.code == code, f"from {client}: wanted curl to end with {code}, last {done}"
    return done


def start(lab: Lab) -> None:
    """Start the server and both clients, and see that both reach it."""
    lab.apply("network/networkpolicy.yaml")
    lab.becomes("pods role", ready(3))
    for client in ("storefront", "other"):
        assert ask(lab, client, code=0).out == "server"


@claim("NP-1")
def test_without_a_policy_every_pod_reaches_every_pod(lab: Lab) -> None:
    start(lab)

    assert not lab.get("networkpolicies")
    # also from another namespace, and without a Service between
    ip = lab.get("pod/server").at("status.podIP")
    elsewhere = lab.new_namespace("other")
    lab.apply("network/networkpolicy.yaml", namespace=elsewhere)
    lab.becomes("pods role", ready(3), namespace=elsewhere)
    stranger = lab.get("pod/other", namespace=elsewhere)
    url = f"http://{ip}:8080/hostname"
    assert lab.exec(stranger, "curl", "-sS", "--max-time", "5", "--retry", "3", url) == "server"


@claim("NP-2")
def test_policy_without_a_rule_blocks_what_comes_in(lab: Lab) -> None:
    start(lab)

    lab.apply("network/networkpolicy-deny.yaml")
    for client in ("storefront", "other"):
        ask(lab, client, code=TIMED_OUT)

    lab.delete("networkpolicy/deny-all", wait=True)
    for client in ("storefront", "other"):
        assert ask(lab, client, code=0).out == "server"


@claim("NP-3")
def test_allowed_label_gets_through_beside_a_policy_that_blocks_all(lab: Lab) -> None:
    start(lab)
    lab.apply("network/networkpolicy-deny.yaml")
    ask(lab, "storefront", code=TIMED_OUT)

    lab.apply("network/networkpolicy-allow.yaml")

    assert ask(lab, "storefront", code=0).out == "server"
    ask(lab, "other", code=TIMED_OUT, within=0)


@claim("NP-4")
def test_policy_types_left_out_are_ingress_and_egress_only_with_such_a_section(lab: Lab) -> None:
    (allow,) = lab.example("network/networkpolicy-allow.yaml")
    assert "policyTypes" not in allow["spec"]
    with_egress = copy.deepcopy(allow)
    with_egress["metadata"]["name"] = "with-egress"
    with_egress["spec"]["egress"] = [{}]

    stored = lab.apply([allow, with_egress])

    types = {policy.name: policy.at("spec.policyTypes") for policy in stored}
    assert types == {"allow-frontend": ["Ingress"], "with-egress": ["Ingress", "Egress"]}


@claim("NP-5")
def test_ip_block_beside_a_selector_in_one_item_is_refused(lab: Lab) -> None:
    mixed = "network/networkpolicy-mixed-peer.yaml"
    field = "spec.ingress[0].from[0]"
    lab.refuses(lab.apply, mixed, code=422, reason="Invalid", field=field, text="ipBlock")

    (apart,) = lab.example(mixed)
    (peer,) = apart["spec"]["ingress"][0]["from"]
    apart["spec"]["ingress"][0]["from"] = [{key: value} for key, value in peer.items()]
    (stored,) = lab.apply(apart)
    assert len(stored.at("spec.ingress.0.from")) == 2
