"""Rights and settings: who may not do what, and what a container misses to be created."""

from __future__ import annotations

from k8s_basic.live import Completed, Condition, Lab, claim, is_ready
from k8s_basic.live.conditions import CONTAINER, waits


def cannot_be_created(text: str) -> Condition:
    """Return a condition: the container waits for its settings, and says this."""
    return waits("CreateContainerConfigError", text=text)


def asked(lab: Lab, command: str, code: int, within: float = 30) -> Completed:
    """Run a command line until it ends with `code`; the API server learns of rights in a moment."""
    return lab.eventually(
        f"{command} ends with {code}",
        lambda: lab.run(command),
        lambda done: done.code == code,
        within,
    )


@claim("TS-25")
def test_role_without_the_verb_is_forbidden_until_it_names_it(lab: Lab) -> None:
    lab.apply("troubleshooting/rights-and-config/forbidden-broken.yaml")

    asked(lab, "kubectl auth can-i get pods --as=jane", code=0)
    refused = asked(lab, "kubectl get pods --as=jane", code=1)
    assert "Error from server (Forbidden)" in refused.err
    assert 'User "jane" cannot list resource "pods"' in refused.err

    lab.apply("troubleshooting/rights-and-config/forbidden.yaml")
    asked(lab, "kubectl get pods --as=jane", code=0)
    asked(lab, "kubectl auth can-i get pods --as=jane", code=0)
    asked(lab, "kubectl auth can-i delete pods --as=jane", code=1)


@claim("TS-26")
def test_pod_of_a_service_account_that_is_not_there_is_refused(lab: Lab) -> None:
    broken = "troubleshooting/rights-and-config/service-account-broken.yaml"
    lab.refuses(lab.apply, broken, code=403, reason="Forbidden", text='serviceaccount "robot" not')
    assert lab.get("pod/service-account") is None

    lab.apply("troubleshooting/rights-and-config/service-account.yaml")
    lab.becomes("pod/service-account", is_ready)
    # the API server binds a token to a Pod only if the Pod has this ServiceAccount
    token = "kubectl create token {} --bound-object-kind=Pod --bound-object-name=service-account"
    bound = lab.run(token.format("robot"))
    assert bound.code == 0, bound.err
    assert lab.run(token.format("default")).code != 0
    assert lab.get("pod/service-account").at("status.containerStatuses.0.restartCount") == 0


@claim("TS-27", "TS-28", "TS-29")
def test_container_is_created_once_map_key_and_user_are_right(lab: Lab) -> None:
    lab.apply("troubleshooting/rights-and-config/config-map-broken.yaml")
    lab.apply("troubleshooting/rights-and-config/secret-key-broken.yaml")
    lab.apply("troubleshooting/rights-and-config/non-root-broken.yaml")
    without_user = lab.example("troubleshooting/rights-and-config/non-root.yaml")[0]
    without_user["metadata"]["name"] = "without-user"
    without_user["spec"]["containers"][0].get("securityContext", {}).pop("runAsUser", None)
    lab.apply(without_user)

    with lab.proves("TS-27"):
        missing = cannot_be_created('configmap "app-config" not found')
        no_map = lab.becomes("pod/config-map", missing)
        lab.apply("troubleshooting/rights-and-config/config-map.yaml")
        mended = lab.becomes("pod/config-map", is_ready, within=120)
        assert mended.uid == no_map.uid
        assert mended.at(f"{CONTAINER}.restartCount") == 0

    with lab.proves("TS-28"):
        missing = cannot_be_created("couldn't find key password")
        no_key = lab.becomes("pod/secret-key", missing)
        lab.apply("troubleshooting/rights-and-config/secret-key.yaml")
        mended = lab.becomes("pod/secret-key", is_ready, within=120)
        assert mended.uid == no_key.uid
        assert mended.at(f"{CONTAINER}.restartCount") == 0

    with lab.proves("TS-29"):
        as_root = cannot_be_created("image will run as root")
        root = lab.becomes("pod/non-root", as_root)
        lab.becomes("pod/without-user", as_root)
        lab.delete(root, wait=True)
        lab.apply("troubleshooting/rights-and-config/non-root.yaml")
        lab.becomes("pod/non-root", is_ready, within=120, without=root)
        assert lab.exec("non-root", "id", "-u").strip() == "1000"
