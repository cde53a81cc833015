"""Every tool is a client of one HTTP API."""

import json

import pytest
from k8s_basic.live import claim, is_ready

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def client(lab):
    """Applies the example and returns its Pod once it is ready and has its right."""
    lab.apply("overview/talking-to-the-api/api-client.yaml")
    account = f"system:serviceaccount:{lab.namespace}:greeting-reader"
    allowed = f"kubectl auth can-i get configmap/greeting --as={account}"
    seen = "the API server has seen the right"
    lab.eventually(seen, lambda: lab.run(allowed), lambda done: not done.code, within=30)
    return lab.becomes("pod/api-client", is_ready, within=90)


def ask(lab, pod, path, token=f"$(cat {TOKEN}/token)", method="GET"):
    """Sends a request to the API server from the Pod; returns status and body."""
    url = f"https://kubernetes.default.svc/api/v1/namespaces/{lab.namespace}/{path}"
    curl = (
        f"curl -sS --max-time 20 --cacert {TOKEN}/ca.crt -X {method} "
        f'-H "Authorization: Bearer {token}" -w "\\n%{{http_code}}" {url}'
    )
    body, _, status = lab.exec(pod, "sh", "-c", curl).rpartition("\n")
    return int(status), json.loads(body)


@claim("OV-18")
def test_kubectl_and_a_plain_request_see_the_same_object(lab, client):
    by_kubectl = lab.run("kubectl get configmap greeting -o json")
    assert by_kubectl.code == 0, by_kubectl.err
    known = json.loads(by_kubectl.out)

    status, seen = ask(lab, client, "configmaps/greeting")

    assert status == 200
    for field in ("uid", "resourceVersion"):
        assert seen["metadata"][field] == known["metadata"][field]
    assert seen.get("data") == known.get("data") == {"text": "hello from the API"}


@claim("OV-26")
def test_kubectl_shows_the_request_that_it_sends(lab):
    lab.apply("overview/talking-to-the-api/api-client.yaml")

    verbose = lab.run("kubectl get configmap greeting -v=6")
    assert verbose.code == 0
    assert f"/api/v1/namespaces/{lab.namespace}/configmaps/greeting" in verbose.err
    assert "GET" in verbose.err
    assert "200 OK" in verbose.err

    missing = lab.run("kubectl get configmap no-such-thing -v=6")
    assert missing.code != 0
    assert "404 Not Found" in missing.err


@claim("OV-27")
def test_unknown_user_gets_401_and_one_without_the_right_403(lab, client):
    assert ask(lab, client, "configmaps/greeting")[0] == 200

    status, answer = ask(lab, client, "configmaps/greeting", token="no-token-at-all")
    assert (status, answer["reason"]) == (401, "Unauthorized")

    status, answer = ask(lab, client, "configmaps/greeting", method="DELETE")
    assert (status, answer.get("reason")) == (403, "Forbidden")
    assert f"system:serviceaccount:{lab.namespace}:greeting-reader" in answer["message"]
    assert lab.get("configmap/greeting") is not None


@claim("OV-28")
def test_misspelled_field_is_refused_unless_the_check_is_off(lab):
    make = "kubectl create configmap typo --from-literal=text=hi --dry-run=client -o yaml"
    misspelled = f"{make} | sed 's/^data/dta/'"

    refused = lab.run(f"{misspelled} | kubectl apply -f -")
    assert refused.code != 0
    assert 'unknown field "dta"' in refused.err
    assert lab.get("configmap/typo") is None

    dropped = lab.run(f"{misspelled} | kubectl apply --validate=ignore -f -")
    assert dropped.code == 0, dropped.err
    assert "data" not in lab.get("configmap/typo")

    spelled = lab.run(f"{make} | kubectl apply -f -")
    assert spelled.code == 0, spelled.err
    assert lab.get("configmap/typo").at("data.text") == "hi"


@claim("OV-29")
def test_diff_and_dry_run_change_nothing(lab):
    lab.apply("overview/talking-to-the-api/api-client.yaml")
    before = lab.get("configmap/greeting")
    assert before.at("data.text") != "changed"
    make = "kubectl create configmap greeting --from-literal=text=changed --dry-run=client -o yaml"

    diff = lab.run(f"{make} | kubectl diff -f -")
    assert diff.code == 1, diff.err
    assert "changed" in diff.out
    dry = lab.run(f"{make} | kubectl apply --dry-run=server -f -")
    assert dry.code == 0, dry.err
    assert "server dry run" in dry.out
    assert lab.get("configmap/greeting") == before

    assert lab.run(f"{make} | kubectl apply -f -").code == 0
    assert lab.get("configmap/greeting").at("data.text") == "changed"
    assert lab.run(f"{make} | kubectl diff -f -").code == 0
