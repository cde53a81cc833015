"""User certificates: a name in a request, an approval, a login, and no rights yet."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.live import Lab, Object, claim

EXAMPLE = "security/user-certificates/csr.yaml"
PLACEHOLDER = "PUT-YOUR-REQUEST-HERE"
DAY = 86400
ISSUED = 120  # seconds for the signer to answer

pytestmark = pytest.mark.touches_cluster


class Requests:
    """Requests for certificates, under names of this test's own."""

    def __init__(self, lab: Lab, folder: Path):
        """`folder` takes keys, requests and certificates."""
        self.lab, self.folder = lab, folder

    def run(self, command: str) -> str:
        """Run a command in the folder; raises AssertionError when it fails."""
        done = self.lab.run(f"cd {self.folder} && {command}")
        assert done.code == 0, done.err
        return done.out

    def key_and_request(self, user: str, subject: str) -> None:
        """Make USER.key and USER.csr as the page does."""
        self.run(f"openssl genrsa -out {user}.key 2048")
        self.run(f"openssl req -new -key {user}.key -out {user}.csr -subj '{subject}'")

    def document(self, user: str, suffix: str = "", **spec: Any) -> dict[str, Any]:
        """Return the example with USER.csr in it; `spec` changes fields."""
        request = base64.b64encode((self.folder / f"{user}.csr").read_bytes()).decode()
        text = json.dumps(self.lab.example(EXAMPLE)[0]).replace(PLACEHOLDER, request)
        document: dict[str, Any] = json.loads(text)
        document["spec"] |= spec
        return self.named(document, suffix)

    def named(self, document: dict[str, Any], suffix: str = "") -> dict[str, Any]:
        """Give a document a name of this test's own, and a label to delete it by."""
        name = f"demo-{self.lab.namespace}{suffix}"
        document["metadata"] = {"name": name, "labels": {"lesson": self.lab.namespace}}
        return document

    def approve(self, csr: Object) -> None:
        """Approve a request as an administrator."""
        self.run(f"kubectl certificate approve {csr.name}")

    def certificate(self, csr: Object, file: str) -> dict[str, str]:
        """Write the certificate of an approved request to a file and return what it says."""
        issued = self.lab.becomes(csr, has_certificate, within=ISSUED)
        pem = base64.b64decode(issued.at("status.certificate"))
        (self.folder / file).write_bytes(pem)
        said = self.run(f"openssl x509 -noout -subject -dates -nameopt RFC2253 -in {file}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def login(self, user: str, certificate: str, key: str) -> None:
        """Write the user and a context into the kubeconfig as the page does."""
        self.run(
            f"kubectl config set-credentials {user} --client-key={key}"
            f" --client-certificate={certificate} --embed-certs=true"
        )
        cluster = "$(kubectl config view --minify -o jsonpath='{.clusters[0].name}')"
        place = f'--cluster="{cluster}" --user={user} --namespace={self.lab.namespace}'
        self.run(f"kubectl config set-context {user} {place}")


@pytest.fixture
def requests(lab: Lab, tmp_path: Path) -> Iterator[Requests]:
    """What the tests ask with; the requests go with the test."""
    try:
        yield Requests(lab, tmp_path)
    finally:
        lab.run(f"kubectl delete csr -l lesson={lab.namespace}")


def has_certificate(csr: Object | None) -> bool:
    """The signer has put a certificate into the request's status."""
    return csr is not None and bool(csr.at("status.certificate"))


@claim("UC-1", "UC-2", "UC-4")
def test_approved_request_becomes_a_certificate_for_its_common_name(
    lab: Lab, requests: Requests
) -> None:
    requests.key_and_request("myuser", "/CN=myuser/O=devs")
    (csr,) = lab.apply(requests.document("myuser"))
    (beside,) = lab.apply(requests.document("myuser", "-beside"))

    with lab.proves("UC-2"):
        requests.approve(beside)
        lab.becomes(beside, has_certificate, within=ISSUED)
        waiting = lab.get(csr.reference)
        assert not waiting.at("status.conditions")
        assert not waiting.at("status.certificate")

        requests.approve(csr)
        certificate = requests.certificate(csr, "myuser.crt")
        assert lab.get(csr.reference).condition("Approved")
    with lab.proves("UC-1"):
        assert certificate["subject"] == "CN=myuser,O=devs"
    with lab.proves("UC-4"):
        begin, end = (ssl.cert_time_to_seconds(certificate[k]) for k in ("notBefore", "notAfter"))
        assert end - begin == DAY

        lab.refuses(
            lab.apply, requests.document("myuser", "-short", expirationSeconds=599),
            code=422, field="spec.expirationSeconds", text="less than 600",
        )  # fmt: skip
        lab.apply(requests.document("myuser", "-short", expirationSeconds=600))


@claim("UC-3", "UC-5")
def test_denied_and_unfit_requests_get_no_certificate(lab: Lab, requests: Requests) -> None:
    requests.key_and_request("root", "/CN=root/O=system:masters")
    requests.key_and_request("myuser", "/CN=myuser/O=devs")
    denied, unfit = (
        lab.apply(requests.document("myuser", "-denied"))[0],
        lab.apply(requests.document("myuser", "-unfit", usages=["server auth"]))[0],
    )
    (fit,) = lab.apply(requests.document("myuser", "-fit"))

    requests.run(f"kubectl certificate deny {denied.name}")
    requests.approve(unfit)
    requests.approve(fit)

    with lab.proves("UC-5"):
        lab.refuses(
            lab.apply, requests.document("root", "-root"),
            code=403, reason="Forbidden", text="system:masters group is not allowed",
        )  # fmt: skip
        failed = lab.becomes(unfit, lambda csr: csr.condition("Failed"), within=ISSUED)
        lab.becomes(fit, has_certificate, within=ISSUED)
        assert failed.condition("Failed")["reason"] == "SignerValidationFailure"
        assert not failed.at("status.certificate")
    with lab.proves("UC-3"):
        refused = lab.get(denied.reference)
        assert refused.condition("Denied")
        assert not refused.at("status.certificate")


@claim("UC-6", "UC-7")
def test_certificate_logs_in_and_a_binding_gives_rights(lab: Lab, requests: Requests) -> None:
    requests.key_and_request("myuser", "/CN=myuser/O=devs")
    (csr,) = lab.apply(requests.document("myuser"))
    requests.approve(csr)
    requests.certificate(csr, "myuser.crt")
    requests.login("myuser", "myuser.crt", "myuser.key")

    with lab.proves("UC-6"):
        answer = json.loads(requests.run("kubectl --context=myuser auth whoami -o json"))
        user = answer["status"]["userInfo"]
        assert user["username"] == "myuser"
        assert set(user["groups"]) == {"devs", "system:authenticated"}

    ask = "kubectl --context=myuser get pods"
    with lab.proves("UC-7"):
        before = lab.run(ask)
        assert before.code != 0, "rights without a binding"
        assert 'User "myuser" cannot list resource "pods"' in before.err

        lab.apply("security/user-certificates/rolebinding-myuser.yaml")
        # a new grant is seen a moment later
        lab.eventually("myuser has rights", lambda: lab.run(ask), lambda after: not after.code)


@claim("UC-8")
def test_request_of_somebody_else_gives_no_login(lab: Lab, requests: Requests) -> None:
    requests.key_and_request("myuser", "/CN=myuser")
    (pasted,) = lab.example("security/user-certificates/csr-pasted.yaml")
    (csr,) = lab.apply(requests.named(pasted, "-pasted"))
    (own,) = lab.apply(requests.document("myuser"))
    requests.approve(csr)
    requests.approve(own)
    assert requests.certificate(csr, "pasted.crt")["subject"] == "CN=angela"
    requests.certificate(own, "own.crt")

    whoami = "kubectl --context={} auth whoami"
    requests.login("own", "own.crt", "myuser.key")
    assert "myuser" in requests.run(whoami.format("own"))
    done = lab.run(
        f"cd {requests.folder} && kubectl config set-credentials pasted"
        " --client-key=myuser.key --client-certificate=pasted.crt --embed-certs=true"
        " && kubectl config set-context pasted --cluster="
        "$(kubectl config view --minify -o jsonpath='{.clusters[0].name}') --user=pasted"
        " && kubectl --context=pasted auth whoami"
    )
    assert done.code != 0, done.out
    assert "does not match public key" in done.err
