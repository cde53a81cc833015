"""The digest of an image is what its registry says, with the anonymous token that it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from k8s_basic import digests, versions

FOUND = "sha256:" + "a" * 64
REFERENCE = "nginx:1.22.1"


class Registry(BaseHTTPRequestHandler):
    """Wants a token, and knows one image."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/token?service=here&scope=pull" else 500)
        self.end_headers()
        self.wfile.write(b'{"token": "let-me"}')

    def do_HEAD(self) -> None:
        if self.headers["Authorization"] != "Bearer let-me":
            realm = f"http://{self.headers['Host']}/token"
            self.send_response(401)
            challenge = f'Bearer realm="{realm}",service="here",scope="pull"'
            self.send_header("WWW-Authenticate", challenge)
        elif self.path == "/v2/library/nginx/manifests/1.22.1":
            self.send_response(200)
            self.send_header("Docker-Content-Digest", FOUND)
        else:
            self.send_response(404)
        self.end_headers()


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_digest_is_the_one_that_the_registry_names_and_an_unknown_tag_is_an_error(
    registry: str,
) -> None:
    assert digests.digest(REFERENCE, registry) == FOUND
    for unknown in ("nginx:2", "quay.io/metallb/speaker:v1"):
        with pytest.raises(OSError, match="404"):
            digests.digest(unknown, registry)


def test_only_the_line_of_the_image_changes() -> None:
    text = versions.FILE.read_text(encoding="utf-8")
    before, after = text.splitlines(), digests.pinned(text, REFERENCE, FOUND).splitlines()
    assert [b for a, b in zip(before, after, strict=True) if a != b] == [f"  {REFERENCE}: {FOUND}"]
