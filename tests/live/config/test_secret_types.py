"""The sentences of the lesson on types of Secrets."""

import base64
import json
import re
import uuid

import pytest
from k8s_basic.content.tables import coded_rows, default_rows
from k8s_basic.live import Condition, claim, is_ready, needs

TYPES = "config/secret-types/secret-types.yaml"
TLS = "config/secret-types/secret-tls-no-key.yaml"
REGISTRY = "config/secret-types/secret-dockerconfigjson.yaml"
LEGACY = "config/secret-types/secret-dockercfg.yaml"
IMAGE = "config/secret-types/private-image.yaml"
INVALID = {"code": 422, "reason": "Invalid"}
# The types of the page's table that are refused when they're empty.
CHECKED = [
    f"kubernetes.io/{kind}"
    for kind in (
        "basic-auth", "ssh-auth", "tls", "dockerconfigjson", "dockercfg", "service-account-token",
    )
]  # fmt: skip


def named(documents, name):
    """Return the document of this name."""
    found = [d for d in documents if d["metadata"]["name"] == name]
    assert found, f"no document is named {name}"
    return found[0]


def filled(document, text):
    """Return the Secret with these texts in place of its own."""
    return {k: v for k, v in document.items() if k != "data"} | {"stringData": text}


def of_type(**kind):
    """Return a Secret with nothing in it."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "empty"}, **kind}


def lacking(lab, kind):
    """Return the keys and annotations that the API server misses in an empty Secret."""
    refused = lab.refuses(lab.apply, of_type(type=kind), **INVALID)
    return set(re.findall(r"(?:data|annotations)\[([^]]+)\]", refused.message))


@claim("CF-24")
def test_built_in_types_demand_their_keys(lab):
    good = lab.example(TYPES)
    login, ssh = named(good, "web-login"), named(good, "git-key")
    token, tls = named(good, "build-robot-token"), lab.example(TLS)[0]
    registry, legacy = lab.example(REGISTRY)[0], lab.example(LEGACY)[0]
    lab.refuses(lab.apply, TLS, **INVALID, field="data[tls.key]")
    for document, text, key in (
        (login, {"other": "x"}, "username"),
        (login, {"other": "x"}, "password"),
        (ssh, {"other": "x"}, "ssh-privatekey"),
        (registry, {"other": "x"}, ".dockerconfigjson"),
        (registry, {".dockerconfigjson": "not JSON"}, ".dockerconfigjson"),
        (legacy, {"other": "x"}, ".dockercfg"),
        (legacy, {".dockercfg": "not JSON"}, ".dockercfg"),
    ):
        lab.refuses(lab.apply, filled(document, text), **INVALID, field=f"data[{key}]")
    unnamed = token | {"metadata": {"name": token["metadata"]["name"]}}
    account = "metadata.annotations[kubernetes.io/service-account.name]"
    lab.refuses(lab.apply, unnamed, **INVALID, field=account)

    # the same Secrets with what was missing; the values are not looked into, beyond JSON
    tls["stringData"]["tls.key"] = "not a key"
    lab.apply([*good, registry, legacy, tls])
    kinds = {s.name: s["type"] for s in lab.get("secrets")}
    wanted = {
        "web-login": "kubernetes.io/basic-auth",
        "git-key": "kubernetes.io/ssh-auth",
        "license": "example.com/my-type",
        "build-robot-token": "kubernetes.io/service-account-token",
        "regcred": "kubernetes.io/dockerconfigjson",
        "secret-dockercfg": "kubernetes.io/dockercfg",
        "shop-tls": "kubernetes.io/tls",
    }
    assert wanted.items() <= kinds.items()

    # and the table lists what is missed, and marks the type that is filled in
    missed = {kind: lacking(lab, kind) for kind in CHECKED}
    for language, rows in coded_rows("config/secret-types", "why").items():
        listed = {kind: set(re.findall(r"`([^`]+)`", cells[1])) for kind, cells in rows.items()}
        assert {kind: names for kind, names in listed.items() if names} == missed, language
    (empty,) = lab.apply(of_type())
    marked = default_rows("config/secret-types", "why")
    assert marked == {language: {empty["type"]} for language in marked}


@claim("CF-25")
def test_key_of_another_certificate_is_warned_about_only(lab, tmp_path):
    for name in ("one", "two"):
        made = lab.run(
            f"cd {tmp_path} && openssl req -x509 -newkey rsa:2048 -nodes -days 1"
            f" -subj /CN={name} -keyout {name}.key -out {name}.crt"
        )
        assert made.code == 0, made.err
    pem = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    secret = lab.example(TLS)[0]

    def pair(certificate, key):
        """Return the Secret with these two files."""
        return filled(secret, {"tls.crt": pem[certificate], "tls.key": pem[key]})

    assert any("does not match" in w for w in lab.warns(pair("one.crt", "two.key")))
    assert lab.get("secret/shop-tls")["type"] == "kubernetes.io/tls"
    assert lab.warns(pair("one.crt", "one.key")) == []
    # kubectl's own command looks before it asks
    command = f"cd {tmp_path} && kubectl create secret tls {{}} --cert=one.crt --key={{}}.key"
    assert "does not match" in lab.run(command.format("mixed", "two")).err
    assert lab.get("secret/mixed") is None
    assert lab.run(command.format("matched", "one")).code == 0


def has_a_token(secret):
    """The controller has filled in the token."""
    return secret is not None and secret.at("data.token")


def whoami(lab, token):
    """Return the user and the groups that the API server takes this token for."""
    lab.run(f"kubectl config set-credentials stranger --token={token}")
    ask = "kubectl auth whoami --user=stranger -o json"
    known = "the API server knows the token"
    asked = lab.eventually(known, lambda: lab.run(ask), lambda done: not done.code)
    user = json.loads(asked.out)["status"]["userInfo"]
    return user["username"], set(user["groups"])


@claim("CF-26")
def test_token_of_a_service_account_is_filled_in_and_logs_in(lab):
    lab.apply(TYPES)

    secret = lab.becomes("secret/build-robot-token", has_a_token)

    token = base64.b64decode(secret.at("data.token")).decode()
    user, groups = whoami(lab, token)
    assert user == f"system:serviceaccount:{lab.namespace}:build-robot"
    assert f"system:serviceaccounts:{lab.namespace}" in groups
    assert {"ca.crt", "namespace"} < set(secret["data"])


@claim("CF-27")
@pytest.mark.touches_cluster
def test_bootstrap_token_logs_in_as_a_user_of_its_own(lab):
    # others may follow the page at the same time, so the token has another ID
    token = uuid.uuid4().hex[:6]
    text = json.dumps(lab.example("config/secret-types/secret-bootstrap.yaml")[0])
    secret = json.loads(text.replace("demo42", token))

    applied = lab.apply(secret, namespace="kube-system")
    try:
        user, groups = whoami(lab, f"{token}.0123456789abcdef")
    finally:
        for made in applied:
            lab.delete(made)

    assert user == f"system:bootstrap:{token}"
    assert "system:bootstrappers" in groups


@claim("CF-28")
def test_type_is_free_at_first_and_fixed_from_then_on(lab):
    lab.apply(TYPES)

    assert lab.get("secret/license")["type"] == "example.com/my-type"
    lab.refuses(lab.patch, "secret/license", {"type": "Opaque"}, **INVALID, field="type")
    lab.refuses(lab.patch, "secret/web-login", {"type": "Opaque"}, **INVALID, field="type")
    changed = {"stringData": {"anything": "changed"}}
    assert lab.patch("secret/license", changed).at("data.anything") == "Y2hhbmdlZA=="


@claim("CF-29")
def test_kubectl_writes_the_credentials_of_a_registry_as_docker_keeps_them(lab):
    lab.apply(REGISTRY)
    by_hand = lab.get("secret/regcred")
    made = lab.run(
        "kubectl create secret docker-registry made --docker-server=localhost:5050"
        " --docker-username=user --docker-password=password"
    )
    assert made.code == 0, made.err
    by_kubectl = lab.get("secret/made")

    assert by_kubectl["type"] == by_hand["type"] == "kubernetes.io/dockerconfigjson"
    login = base64.b64encode(b"user:password").decode()
    for secret in (by_kubectl, by_hand):
        config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
        assert {host: entry["auth"] for host, entry in config["auths"].items()} == {
            "localhost:5050": login
        }


def was_not_let_in(pod):
    """Return a condition: the pull of the Pod's image has failed for want of a login."""

    def condition(events):
        return any(
            e["reason"] == "Failed"
            and e.at("involvedObject.uid") == pod.uid
            and "authoriz" in e["message"].lower()
            for e in events
        )

    return Condition(f"the registry does not let {pod.reference} in", condition)


@claim("CF-30", "CF-36")
@needs("lesson-nodes")  # where containerd takes localhost for a registry without TLS
def test_pull_secret_opens_a_private_registry_and_the_wrong_shape_does_not(lab):
    lab.apply("config/secret-types/private-registry.yaml")
    lab.becomes("pod/registry", is_ready, within=120)
    # the right user, password and host, one level too deep for this type
    legacy = lab.example(LEGACY)[0]
    text = base64.b64decode(legacy["data"][".dockercfg"]).decode()
    deep = json.loads(text)
    assert deep == {"auths": {"https://example/v1/": {"auth": "opensesame"}}}
    deep["auths"] = {"localhost:5050": {"auth": base64.b64encode(b"user:password").decode()}}
    legacy = filled(legacy, {".dockercfg": json.dumps(deep)})
    legacy_pod = lab.example(IMAGE)[0]
    legacy_pod["metadata"]["name"] = "legacy"
    legacy_pod["spec"]["imagePullSecrets"] = [{"name": "secret-dockercfg"}]

    lab.apply([legacy, legacy_pod])
    lab.apply("config/secret-types/private-image-no-secret.yaml")
    with lab.proves("CF-30"):
        lab.becomes("events", was_not_let_in(lab.get("pod/no-pull-secret")))
        lab.apply(REGISTRY)
        image = lab.example(IMAGE)
        # the node may have the image from an earlier run, and this is about the registry
        image[0]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
        lab.apply(image)
        lab.becomes("pod/private-image", is_ready)
        # the only program of the image that was pulled
        lab.exec("private-image", "/bin/sleep", "0")
        assert not lab.get("pod/no-pull-secret").is_ready
    with lab.proves("CF-36"):
        lab.becomes("events", was_not_let_in(lab.get("pod/legacy")))
        assert not lab.get("pod/legacy").is_ready
