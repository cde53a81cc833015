"""An answer is read as it came, no answer is status 0, and a wait for one has an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from k8s_basic.live import traffic
from k8s_basic.live.traffic import Response, curl_command, outside, parse

# --- curl

PLAIN = ["curl", "-sS", "-i", "-k", "--max-time", "3.0", "-X", "GET"]


def test_request_is_made_once_within_its_time_and_with_the_status_line_shown() -> None:
    assert curl_command("http://web/", None, "GET", None, {}) == [*PLAIN, "http://web/"]


def test_method_and_data_are_sent_even_when_the_data_is_empty() -> None:
    command = curl_command("http://web/", None, "POST", "", {})
    assert command[-4:] == ["POST", "--data-binary", "", "http://web/"]


# --- reading what curl printed


def test_answer_has_status_headers_in_lower_case_and_the_whole_body() -> None:
    text = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-A: b: c\r\n\r\none\r\n\r\ntwo"
    assert parse(text) == Response(404, "one\n\ntwo", {"content-type": "text/plain", "x-a": "b: c"})


def test_interim_answer_is_not_taken_for_the_answer() -> None:
    assert parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nA: b\r\n\r\nx") == Response(
        201, "x", {"a": "b"}
    )


@pytest.mark.parametrize(
    "text", ["curl: (7) Failed to connect to web port 80", "error: unable to upgrade", "", "<html>"]
)
def test_text_that_is_no_answer_has_status_0_and_says_why(text: str) -> None:
    assert parse(text + "\n") == Response(0, text)


# --- from this machine


class Server(ThreadingHTTPServer):
    """A server on this machine that remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """Answers with what was asked; /moved elsewhere, /slow too late."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        seen = {"line": f"{self.command} {self.path}", "host": self.headers["Host"], "body": body}
        self.server.seen.append({**seen, "from": self.client_address})  # type: ignore[attr-defined]
        if self.path == "/slow":
            time.sleep(0.3)
        self.send_response({"/moved": 308, "/missing": 404}.get(self.path, 200))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"caf\xc3\xa9 \xff")

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server on this machine."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def address(server: Server, path: str = "/") -> str:
    """The address of a page of the server."""
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_answer_of_a_server_is_returned_whole(server: Server) -> None:
    answer = outside(address(server, "/missing"))
    assert (answer.status, answer.body, answer.certificate) == (404, "café �", "")
    assert answer.headers["location"] == "/elsewhere"


def test_host_that_was_asked_for_is_sent_in_place_of_the_address(server: Server) -> None:
    outside(address(server), host="shop.example")
    outside(address(server))
    hosts = [seen["host"] for seen in server.seen]
    assert hosts == ["shop.example", f"127.0.0.1:{server.server_port}"]


def test_method_and_data_reach_the_server(server: Server) -> None:
    outside(address(server), method="POST", data="x=1")
    assert (server.seen[0]["line"], server.seen[0]["body"]) == ("POST /", "x=1")


def test_redirect_is_returned_and_not_followed(server: Server) -> None:
    assert outside(address(server, "/moved")).status == 308
    assert len(server.seen) == 1


def test_each_request_is_a_new_connection(server: Server) -> None:
    outside(address(server))
    outside(address(server))
    assert len({seen["from"] for seen in server.seen}) == 2


def test_refused_connection_is_status_0_and_says_why() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        answer = outside(f"http://127.0.0.1:{held.getsockname()[1]}/")
    assert answer.status == 0
    assert "refused" in answer.body


def test_answer_that_does_not_come_in_time_is_status_0(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "CONNECT", 0.05)
    answer = outside(address(server, "/slow"))
    assert answer.status == 0
    assert "timed out" in answer.body.lower()


def test_https_to_a_server_without_tls_is_status_0(server: Server) -> None:
    assert outside(address(server).replace("http:", "https:")).status == 0
    assert server.seen == []
