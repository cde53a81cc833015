"""Ingress TLS: the certificate is the Secret's, or it is not ours at all."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

from k8s_basic.live import Lab, claim, needs, ready

SITE = "https://localhost:8443"
HOST, HOST_WITHOUT_SECRET = "https-example.foo.com", "no-secret.foo.com"


def own(lab: Lab, host: str) -> str:
    """Return the host name as this test uses it: tests that run beside it share the controller."""
    return f"{host.partition('.')[0]}.{lab.namespace[-5:]}.foo.com"


def documents(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return an example with host names of this test's own in place of the lesson's."""
    text = json.dumps(lab.example(name))
    for host in (HOST, HOST_WITHOUT_SECRET):
        text = text.replace(f'"{host}"', f'"{own(lab, host)}"')
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def make_certificate(lab: Lab, folder: Path, host: str) -> None:
    """Write tls.key and tls.crt for `host`, as the page does."""
    # keyUsage is not on the page: Python 3.13 verifies more strictly than curl and asks for it
    done = lab.run(
        f"cd {folder} && openssl req -x509 -newkey rsa:2048 -nodes -days 30"
        f' -subj "/CN={host}" -addext "subjectAltName=DNS:{host}"'
        ' -addext "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"'
        " -keyout tls.key -out tls.crt"
    )
    assert done.code == 0, done.err


def store_certificate(lab: Lab, folder: Path, secret: str) -> None:
    """Make the Secret from the two files, as the page does."""
    done = lab.run(
        f"cd {folder} && kubectl create secret tls {secret} --cert=tls.crt --key=tls.key"
    )
    assert done.code == 0, done.err


def is_same(certificate: str, file: Path) -> bool:
    """Tell whether a PEM certificate is the one in the file."""
    ours = file.read_text(encoding="utf-8")
    return ssl.PEM_cert_to_DER_cert(certificate) == ssl.PEM_cert_to_DER_cert(ours)


@claim("IN-7")
@needs("ingress")
def test_https_is_served_with_the_certificate_of_the_secret(lab: Lab, tmp_path: Path) -> None:
    wanted = documents(lab, "network/ingress-tls/ingress-tls.yaml")
    ingress = next(d for d in wanted if d["kind"] == "Ingress")
    # whoever asks for the certificate reads in `tls` which host it is for
    tls = ingress["spec"].get("tls") or [{"hosts": [own(lab, HOST)]}]
    make_certificate(lab, tmp_path, (tls[0].get("hosts") or [own(lab, HOST)])[0])
    store_certificate(lab, tmp_path, "testsecret-tls")

    lab.apply(wanted)
    lab.becomes("pods app=service1", ready(1))

    crt = tmp_path / "tls.crt"
    answer = lab.outside(f"{SITE}/deeper", sni=own(lab, HOST), cafile=crt)
    assert answer.body.startswith("service1-")
    assert is_same(answer.certificate, crt)
    lab.outside(SITE, sni=own(lab, "unknown.foo.com"), status=404, within=0)


@claim("IN-8")
@needs("ingress")
def test_without_the_secret_the_certificate_is_not_ours(lab: Lab, tmp_path: Path) -> None:
    lab.apply(documents(lab, "network/ingress-tls/ingress-tls.yaml"))
    lab.apply(documents(lab, "network/ingress-tls/no-secret.yaml"))
    lab.becomes("pods app=service1", ready(1))
    host, crt = own(lab, HOST_WITHOUT_SECRET), tmp_path / "tls.crt"
    make_certificate(lab, tmp_path, host)

    # HTTPS is there for whoever does not verify
    answer = lab.outside(f"{SITE}/deeper", sni=host)
    assert answer.body.startswith("service1-")
    assert not is_same(answer.certificate, crt)
    lab.outside(SITE, sni=host, cafile=crt, status=0, within=0)
    lab.outside(SITE, sni=own(lab, "unknown.foo.com"), status=404, within=0)

    # control: with the Secret in place the same request is verified, without it no longer
    store_certificate(lab, tmp_path, "no-such-secret")
    assert is_same(lab.outside(SITE, sni=host, cafile=crt).certificate, crt)
    lab.delete("secret/no-such-secret", wait=True)
    # no answer may come from a busy node as well, so it's the certificate that is waited for
    lab.eventually(
        "another certificate",
        lambda: lab.outside(SITE, sni=host).certificate,
        lambda certificate: not is_same(certificate, crt),
    )
    lab.outside(SITE, sni=host, cafile=crt, status=0, within=0)
