"""NetworkPolicy: everything is open, then closed, then open for a label."""

from __future__ import annotations

import copy

from k8s_basic.live import Completed, Lab, claim, needs, ready

# curl's exit codes: a network plugin may refuse a connection at once, or drop it until time is up
BLOCKED = (7, 28)
UNRESOLVED = (6, 28)
REACHED = (0,)
UNTRUSTED = (60,)  # reached: curl stops at the certificate, which it doesn't know
SERVER = "http://server/hostname"
API = "https://kubernetes.default.svc/version"


def ask(
    lab: Lab,
    client: str,
    codes: tuple[int, ...],
    within: float = 30,
    url: str = SERVER,
    namespace: str = "",
    text: str = "",
) -> Completed:
    """Ask from a Pod until curl ends with one of `codes` and says `text`, for so many seconds."""
    place = f"-n {namespace} " if namespace else ""
    command = f"kubectl exec {place}{client} -- curl -sS --max-time 3 {url}"
    return lab.eventually(
        f"curl from {client} to {url} ends with {codes} {text}",
        lambda: lab.run(command),
        lambda done: done.code in codes and text in done.err.lower(),
        within,
    )


def start(lab: Lab, namespace: str | None = None) -> None:
    """Start the server and both clients, and see that both reach it."""
    lab.apply("network/network-policy/networkpolicy.yaml", namespace=namespace)
    lab.becomes("pods role", ready(3), namespace=namespace)
    for client in ("storefront", "other"):
        assert ask(lab, client, REACHED, namespace=namespace or "").out == "server"


@claim("NP-1")
def test_without_a_policy_every_pod_reaches_every_pod(lab: Lab) -> None:
    start(lab)

    assert not lab.get("networkpolicies")
    # also from another namespace, and without a Service between
    ip = lab.get("pod/server").at("status.podIP")
    elsewhere = lab.new_namespace("other")
    lab.apply("network/network-policy/networkpolicy.yaml", namespace=elsewhere)
    lab.becomes("pods role", ready(3), namespace=elsewhere)
    stranger = lab.get("pod/other", namespace=elsewhere)
    url = f"http://{ip}:8080/hostname"
    assert lab.exec(stranger, "curl", "-sS", "--max-time", "5", "--retry", "3", url) == "server"


@claim("NP-2")
def test_policy_without_a_rule_blocks_what_comes_in(lab: Lab) -> None:
    start(lab)

    lab.apply("network/network-policy/deny.yaml")
    for client in ("storefront", "other"):
        ask(lab, client, BLOCKED)

    lab.delete("networkpolicy/deny-all", wait=True)
    for client in ("storefront", "other"):
        assert ask(lab, client, REACHED).out == "server"


@claim("NP-3", "NP-6")
def test_allowed_label_gets_through_to_the_port_of_the_pod(lab: Lab) -> None:
    start(lab)
    lab.apply("network/network-policy/deny.yaml")
    ask(lab, "storefront", BLOCKED)

    lab.apply("network/network-policy/allow.yaml")

    with lab.proves("NP-3"):
        assert ask(lab, "storefront", REACHED).out == "server"
        ask(lab, "other", BLOCKED, within=0)

    # the Service's port instead of the Pod's
    (allow,) = lab.example("network/network-policy/allow.yaml")
    (rule,) = allow["spec"]["ingress"]
    assert rule["ports"] == [{"port": 8080}]
    rule["ports"] = [{"port": 80}]
    with lab.proves("NP-6"):
        lab.apply(allow)
        ask(lab, "storefront", BLOCKED)
        lab.apply("network/network-policy/allow.yaml")
        assert ask(lab, "storefront", REACHED).out == "server"


@claim("NP-7", "NP-8")
@needs("node-shell")
def test_closed_pod_gets_answers_and_is_reached_by_its_own_node(lab: Lab) -> None:
    elsewhere = lab.new_namespace("open")
    start(lab, elsewhere)
    start(lab)
    lab.apply("network/network-policy/deny.yaml")
    ask(lab, "other", BLOCKED)

    outward = f"http://server.{elsewhere}/hostname"
    with lab.proves("NP-7"):
        assert ask(lab, "server", REACHED, within=0, url=outward).out == "server"

    server = lab.get("pod/server")
    url = f"http://{server.at('status.podIP')}:8080/hostname"
    curl = ("curl", "-sS", "--max-time", "5", url)
    with lab.proves("NP-8"):
        assert lab.on_node(server.at("spec.nodeName"), *curl).strip() == "server"
        ask(lab, "other", BLOCKED, within=0, url=url)


@claim("NP-9", "NP-10", "NP-11")
def test_selectors_of_namespaces_and_pods_add_up_in_one_item_and_not_in_two(lab: Lab) -> None:
    partner = lab.new_namespace("partner")
    lab.label(f"namespace/{partner}", {"team": "partner"})
    start(lab, partner)
    start(lab)
    server = f"http://server.{lab.namespace}/hostname"
    for client in ("storefront", "other"):
        ask(lab, client, REACHED, url=server, namespace=partner)
    lab.apply("network/network-policy/allow.yaml")

    with lab.proves("NP-9"):
        # allowed by label, here only
        ask(lab, "storefront", BLOCKED, url=server, namespace=partner)
        assert ask(lab, "storefront", REACHED).out == "server"

    # those Pods of those namespaces
    lab.apply("network/network-policy/namespace.yaml")
    with lab.proves("NP-10"):
        assert ask(lab, "storefront", REACHED, url=server, namespace=partner).out == "server"
        ask(lab, "other", BLOCKED, within=0, url=server, namespace=partner)

    # a dash more: every Pod of those namespaces, or those Pods of this one
    (policy,) = lab.example("network/network-policy/namespace.yaml")
    (rule,) = policy["spec"]["ingress"]
    (peer,) = rule["from"]
    rule["from"] = [{key: value} for key, value in peer.items()]
    lab.apply(policy)
    with lab.proves("NP-11"):
        assert ask(lab, "other", REACHED, url=server, namespace=partner).out == "server"
        ask(lab, "other", BLOCKED, within=0)


@claim("NP-12", "NP-13", "NP-14")
def test_pod_that_may_send_nothing_out_resolves_no_name_until_dns_is_open(lab: Lab) -> None:
    start(lab)

    lab.apply("network/network-policy/egress-deny.yaml")
    with lab.proves("NP-12"):
        ask(lab, "storefront", UNRESOLVED, text="resolv")
        ask(lab, "other", REACHED, within=0)

    lab.apply("network/network-policy/egress-dns.yaml")
    with lab.proves("NP-13"):
        assert ask(lab, "storefront", REACHED).out == "server"
        ask(lab, "storefront", BLOCKED, within=0, url=API)
        ask(lab, "other", UNTRUSTED, within=0, url=API)

    # the server may send nothing either, and is reached as before
    (policy,) = lab.example("network/network-policy/egress-deny.yaml")
    policy["metadata"]["name"] = "nothing-out-of-the-server"
    policy["spec"]["podSelector"] = {"matchLabels": {"app": "server"}}
    with lab.proves("NP-14"):
        ask(lab, "server", UNTRUSTED, url=API)
        lab.apply(policy)
        ask(lab, "server", UNRESOLVED, url=API, text="resolv")
        assert ask(lab, "other", REACHED, within=0).out == "server"


@claim("NP-4")
def test_policy_types_left_out_are_ingress_and_egress_only_with_such_a_section(lab: Lab) -> None:
    (allow,) = lab.example("network/network-policy/allow.yaml")
    assert "policyTypes" not in allow["spec"]
    with_egress = copy.deepcopy(allow)
    with_egress["metadata"]["name"] = "with-egress"
    with_egress["spec"]["egress"] = [{}]

    stored = lab.apply([allow, with_egress])

    types = {policy.name: policy.at("spec.policyTypes") for policy in stored}
    assert types == {"allow-frontend": ["Ingress"], "with-egress": ["Ingress", "Egress"]}


@claim("NP-5")
def test_ip_block_beside_a_selector_in_one_item_is_refused(lab: Lab) -> None:
    mixed = "network/network-policy/mixed-peer.yaml"
    field = "spec.ingress[0].from[0]"
    lab.refuses(lab.apply, mixed, code=422, reason="Invalid", field=field, text="ipBlock")

    (apart,) = lab.example(mixed)
    (peer,) = apart["spec"]["ingress"][0]["from"]
    apart["spec"]["ingress"][0]["from"] = [{key: value} for key, value in peer.items()]
    (stored,) = lab.apply(apart)
    assert len(stored.at("spec.ingress.0.from")) == 2
