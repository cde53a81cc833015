"""ServiceAccounts: who a Pod is to the API server, and how long its token lives."""

from __future__ import annotations

import base64
import json
from typing import Any

from k8s_basic.live import Lab, Object, Objects, claim, is_ready

ACCOUNT = "security/serviceaccount/serviceaccount.yaml"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
HOUR, DAY = 3600, 86400


def account(lab: Lab) -> list[dict[str, Any]]:
    """Return the example with this test's namespace in place of the lesson's."""
    documents = lab.example(ACCOUNT)
    for subject in documents[2]["subjects"]:
        if subject.get("namespace") == "serviceaccount":
            subject["namespace"] = lab.namespace
    return documents


def is_told(lab: Lab, pod: str, status: str) -> None:
    """Ask the API server for Pods from inside one, with its token, until this is the status."""
    ask = (
        f'cd {MOUNT} && curl -s -o /dev/null -w "%{{http_code}}" --cacert ca.crt'
        ' -H "Authorization: Bearer $(cat token)"'
        " https://kubernetes.default.svc/api/v1/namespaces/$(cat namespace)/pods"
    )
    what = f"{pod} is told {status}"
    lab.eventually(what, lambda: lab.exec(pod, "sh", "-c", ask), lambda seen: seen == status)


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    return decoded


def is_authenticated(lab: Lab, token: str) -> bool:
    """Ask the API server whether it takes this token."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    body = json.dumps({**review, "spec": {"token": token}})
    done = lab.run(f"kubectl create -o json -f - <<'JSON'\n{body}\nJSON")
    assert done.code == 0, done.err
    return bool(json.loads(done.out)["status"].get("authenticated"))


@claim("SE-1", "SE-5")
def test_every_pod_gets_a_token_unless_it_opts_out(lab: Lab) -> None:
    lab.apply("security/serviceaccount/pod-default-sa.yaml")
    lab.apply("security/serviceaccount/pod-no-token.yaml")
    plain = lab.becomes("pod/default-sa", is_ready)
    without = lab.becomes("pod/no-token", is_ready)

    with lab.proves("SE-1"):
        assert set(lab.exec(plain, "ls", MOUNT).split()) == {"ca.crt", "namespace", "token"}
        assert lab.exec(plain, "cat", f"{MOUNT}/namespace") == lab.namespace
        assert plain.at("spec.serviceAccountName") == "default"

    with lab.proves("SE-5"):
        listed = lab.run(f"kubectl exec {without.name} -- ls {MOUNT}")
        assert listed.code != 0, listed.out
        assert "No such file" in listed.err


@claim("SE-6", "SE-8", "SE-10", "SE-23")
def test_token_is_the_accounts_and_dies_with_its_pod(lab: Lab) -> None:
    lab.apply(account(lab))
    lab.apply("security/serviceaccount/pod-serviceaccount.yaml")
    lab.apply("security/serviceaccount/pod-default-sa.yaml")
    pod = lab.becomes("pod/my-pod", is_ready)
    lab.becomes("pod/default-sa", is_ready)

    with lab.proves("SE-10"):
        is_told(lab, "my-pod", "200")  # a new grant is seen a moment later
        is_told(lab, "default-sa", "403")

    token = lab.exec(pod, "cat", f"{MOUNT}/token")
    claims = claims_of(token)
    with lab.proves("SE-6"):
        assert claims["sub"] == f"system:serviceaccount:{lab.namespace}:my-serviceaccount"
        assert claims["kubernetes.io"]["pod"] == {"name": "my-pod", "uid": pod.uid}
        assert any(source.at("expirationSeconds") == 3607 for source in token_sources(pod))
    with lab.proves("SE-23"):
        assert claims["exp"] - claims["iat"] > 360 * DAY
        assert claims["kubernetes.io"]["warnafter"] - claims["iat"] == 3607

    with lab.proves("SE-8"):
        assert is_authenticated(lab, token)
        lab.delete(pod, wait=True)
        # the API server remembers its last answer for ten seconds
        lab.eventually(
            "a dead token", lambda: is_authenticated(lab, token), lambda alive: not alive, 90
        )


def token_sources(pod: Object) -> list[Object]:
    """Return the projected tokens among a Pod's volumes."""
    sources = [s for v in pod.at("spec.volumes") for s in Object(v).at("projected.sources") or []]
    return [Object(s["serviceAccountToken"]) for s in sources if "serviceAccountToken" in s]


@claim("SE-2")
def test_new_account_gets_no_token_secret(lab: Lab) -> None:
    lab.apply(account(lab))
    by_hand = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "by-hand",
            "annotations": {"kubernetes.io/service-account.name": "my-serviceaccount"},
        },
        "type": "kubernetes.io/service-account-token",
    }
    lab.apply(by_hand)

    def only_by_hand(secrets: Objects) -> bool:
        """There is no Secret but the one that was made by hand."""
        return secrets.names == {"by-hand"}

    def filled_in(secret: Object | None) -> bool:
        """The Secret made by hand has got a token."""
        return secret is not None and bool(secret.at("data.token"))

    lab.becomes("secret/by-hand", filled_in)  # the controller of tokens is at work
    lab.stays("secrets", only_by_hand, seconds=5, control=None)
    assert lab.get("serviceaccount/my-serviceaccount").at("secrets") is None


@claim("SE-3", "SE-4")
def test_mountable_secrets_are_deprecated_and_still_enforced(lab: Lab) -> None:
    plain = account(lab)[0]
    enforce = {"kubernetes.io/enforce-mountable-secrets": "true"}
    strict = {**plain, "metadata": {"name": "strict", "annotations": enforce}}
    listing = {
        **strict,
        "metadata": {"name": "listing", "annotations": enforce},
        "secrets": [{"name": "unlisted"}],
    }

    with lab.proves("SE-3"):
        assert not lab.warns(plain)
        assert any("deprecated in v1.32" in warning for warning in lab.warns(strict))
    lab.apply(listing)

    with lab.proves("SE-4"):
        lab.refuses(
            lab.apply, with_secret(lab, "strict"), code=403, text="does not reference that secret"
        )
        lab.apply(with_secret(lab, "listing"))
        lab.apply(with_secret(lab, "my-serviceaccount"))


def with_secret(lab: Lab, account: str) -> dict[str, Any]:
    """Return the lesson's Pod with another account and the volume of a Secret; it never runs."""
    (pod,) = lab.example("security/serviceaccount/pod-serviceaccount.yaml")
    pod["metadata"]["name"] = f"as-{account}"
    volume = {"name": "secret", "secret": {"secretName": "unlisted"}}
    pod["spec"] |= {"serviceAccountName": account, "schedulerName": "nobody", "volumes": [volume]}
    return pod


@claim("SE-7")
def test_create_token_gives_a_token_for_an_hour(lab: Lab) -> None:
    lab.apply(account(lab))

    asked = lab.run("kubectl create token my-serviceaccount")
    assert asked.code == 0, asked.err

    claims = claims_of(asked.out.strip())
    assert claims["exp"] - claims["iat"] == HOUR
    assert claims["sub"].endswith(f"{lab.namespace}:my-serviceaccount")
    assert "pod" not in claims["kubernetes.io"]


@claim("SE-9")
def test_missing_account_or_namespace_is_refused_at_once(lab: Lab) -> None:
    unknown = "security/serviceaccount/pod-unknown-sa.yaml"
    (account_,) = account(lab)[:1]
    lab.apply(account_)  # a name that is nearly the same does not help
    lab.refuses(lab.apply, unknown, code=403, text="service account .* not found")

    lab.apply({**account_, "metadata": {"name": "my-service-account"}})
    lab.apply(unknown)
    lab.becomes("pod/unknown-sa", is_ready)

    nowhere = f"{lab.namespace}-nowhere"
    lab.refuses(lab.apply, account_, nowhere, code=404, reason="NotFound", text="namespaces")
