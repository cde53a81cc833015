"""Requests to what a lesson deployed, from inside the cluster and from the tester's machine."""

from __future__ import annotations

import http.client
import io
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3

# whoever names no CA wants to see the certificate, not to be told that it is not verified
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

CONNECT = 3.0  # seconds in which a request must be answered
PATIENCE = 10.0  # seconds, the least in which something must answer
NO_ANSWER = 0  # the status of a request that was refused or timed out


@dataclass(frozen=True)
class Response:
    """An answer; `status` 0 means that there was none, and `body` then says why."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    certificate: str = ""  # PEM, of an HTTPS server

    def __str__(self) -> str:
        """Return status and beginning of the body, for a reader of a failure."""
        return f"status {self.status}: {self.body[:300]}"


def curl_command(
    url: str,
    host: str | None,
    method: str,
    data: str | None,
    headers: dict[str, str],
    within: float = CONNECT,
) -> list[str]:
    """Return the curl command line of one request on a new connection, answered in `within` s."""
    command = ["curl", "-sS", "-i", "-k", "--max-time", str(within), "-X", method]
    for name, value in (({"Host": host} if host else {}) | headers).items():
        command += ["-H", f"{name}: {value}"]
    if data is not None:
        command += ["--data-binary", data]
    return [*command, url]


def parse(text: str) -> Response:
    """Read what `curl -i` printed; text that is no HTTP answer has status 0."""
    text = text.replace("\r\n", "\n")
    if not text.startswith("HTTP/"):
        return Response(NO_ANSWER, text.strip())
    head, _, body = text.partition("\n\n")
    first, _, head = head.partition("\n")
    status = int(first.split()[1])
    if status == 100:  # an interim answer stands before the real one
        return parse(body)
    parsed = http.client.parse_headers(io.BytesIO(f"{head}\n\n".encode()))
    return Response(status, body, {k.lower(): v for k, v in parsed.items()})


def outside(
    url: str,
    host: str | None = None,
    sni: str | None = None,
    cafile: str | None = None,
    method: str = "GET",
    data: str | None = None,
) -> Response:
    """Ask from the tester's machine, on a new connection, without following redirects.

    `sni` is the name asked for in TLS and checked in the certificate when `cafile` names the CA;
    without `cafile` any certificate is taken, and returned.
    """
    parts = urlsplit(url)
    headers = {"Host": host or sni or parts.netloc}
    try:
        with _pool(parts.scheme, sni or parts.hostname or "localhost", cafile) as pool:
            answer = pool.request(
                method, url, body=data, headers=headers, redirect=False, retries=False,
                preload_content=False,
            )  # fmt: skip
            certificate = _certificate(answer)
            body = answer.read().decode(errors="replace")
    except urllib3.exceptions.HTTPError as problem:
        return Response(NO_ANSWER, str(problem))
    names = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status, body, names, certificate)


def _pool(scheme: str, name: str, cafile: str | None) -> urllib3.PoolManager:
    """Return what connects; over TLS it asks for `name`, and checks it where a CA is named."""
    if scheme == "http":
        return urllib3.PoolManager(timeout=CONNECT)
    tls: dict[str, Any] = {"cert_reqs": "CERT_NONE", "assert_hostname": False}
    if cafile:
        tls = {"cert_reqs": "CERT_REQUIRED", "assert_hostname": name, "ca_certs": cafile}
    return urllib3.PoolManager(timeout=CONNECT, server_hostname=name, **tls)


def _certificate(answer: urllib3.BaseHTTPResponse) -> str:
    connection = getattr(answer, "connection", None)
    sock = getattr(connection, "sock", None)
    binary = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    return ssl.DER_cert_to_PEM_cert(binary) if binary else ""
