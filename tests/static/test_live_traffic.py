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
from k8s_basic.live.traffic import Response, curl_command, outside, parse, until

# --- curl

PLAIN = ["curl", "-sS", "-i", "-k", "--max-time", "3.0", "-X", "GET"]


def test_request_is_made_once_within_its_time_and_with_the_status_line_shown() -> None:
    assert curl_command("http://web/", None, "GET", None, {}) == [*PLAIN, "http://web/"]


def test_host_and_further_headers_are_both_sent() -> None:
    command = curl_command("http://web/", "a.example", "GET", None, {"X-One": "1"})
    assert command == [*PLAIN, "-H", "Host: a.example", "-H", "X-One: 1", "http://web/"]


def test_headers_are_sent_without_a_host_of_their_own() -> None:
    command = curl_command("http://web/", None, "GET", None, {"X-One": "1"})
    assert command == [*PLAIN, "-H", "X-One: 1", "http://web/"]


def test_method_and_data_are_sent_even_when_the_data_is_empty() -> None:
    command = curl_command("http://web/", None, "POST", "", {})
    assert command[-4:] == ["POST", "--data-binary", "", "http://web/"]


# --- reading what curl printed


def test_answer_has_status_headers_in_lower_case_and_the_whole_body() -> None:
    text = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-A: b: c\r\n\r\none\r\n\r\ntwo"
    assert parse(text) == Response(404, "one\n\ntwo", {"content-type": "text/plain", "x-a": "b: c"})


def test_answer_of_http_2_has_its_status() -> None:
    assert parse("HTTP/2 503\r\n\r\n").status == 503


def test_interim_answer_is_not_taken_for_the_answer() -> None:
    assert parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nA: b\r\n\r\nx") == Response(
        201, "x", {"a": "b"}
    )


@pytest.mark.parametrize(
    "text", ["curl: (7) Failed to connect to web port 80", "error: unable to upgrade", "", "<html>"]
)
def test_text_that_is_no_answer_has_status_0_and_says_why(text: str) -> None:
    assert parse(text + "\n") == Response(0, text)


def test_body_can_be_read_as_json() -> None:
    assert parse('HTTP/1.1 200 OK\n\n{"a": [1]}').json() == {"a": [1]}


# --- waiting


class Answers:
    """Answers with one status after the other, the last of them for ever."""

    def __init__(self, *statuses: int):
        self.left, self.asked = list(statuses), 0

    def __call__(self) -> Response:
        self.asked += 1
        return Response(self.left.pop(0) if len(self.left) > 1 else self.left[0])


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; time passes only in them."""
    pauses: list[float] = []
    monkeypatch.setattr(traffic.time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(traffic.time, "sleep", pauses.append)
    return pauses


def test_asking_ends_with_the_wanted_status(slept: list[float]) -> None:
    answers = Answers(0, 404, 200, 503)
    answer, took = until(answers, 200, 30)
    assert (answer.status, answers.asked) == (200, 3)
    assert took == 2 * traffic.PAUSE


@pytest.mark.parametrize(("status", "asked"), [(None, 2), (0, 1), (503, 3)])
def test_any_answer_and_no_answer_can_be_waited_for(
    slept: list[float], status: int | None, asked: int
) -> None:
    answers = Answers(0, 500, 503)
    until(answers, status, 30)
    assert answers.asked == asked


def test_asking_ends_with_the_time_and_the_last_answer(slept: list[float]) -> None:
    answers = Answers(404)
    answer, took = until(answers, 200, 3)
    assert answer.status == 404
    assert 3 <= took < 3 + 2 * traffic.PAUSE
    assert len(slept) == answers.asked - 1


def test_without_time_there_is_one_try(slept: list[float]) -> None:
    answers = Answers(404, 200)
    assert until(answers, 200, 0)[0].status == 404
    assert answers.asked == 1


def test_request_that_timed_out_is_made_again_and_not_for_ever(slept: list[float]) -> None:
    answers = Answers(0, 404, 200)
    assert until(answers, 200, 0)[0].status == 404
    assert answers.asked == 2
    assert until(Answers(0), 200, 0)[0].status == 0
    assert sum(slept) < 2 * traffic.PATIENCE


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


@pytest.mark.parametrize(
    ("path", "line"),
    [("/a/b?c=d&e", "GET /a/b?c=d&e"), ("", "GET /"), ("?c=d", "GET /?c=d")],
)
def test_path_and_query_are_asked_for_as_given(server: Server, path: str, line: str) -> None:
    outside(address(server, path))
    assert [seen["line"] for seen in server.seen] == [line]


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


def test_connection_that_is_cut_is_status_0() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: listening.accept()[0].close())
        thread.start()
        assert outside(f"http://127.0.0.1:{listening.getsockname()[1]}/").status == 0
        thread.join()


def test_https_to_a_server_without_tls_is_status_0(server: Server) -> None:
    assert outside(address(server).replace("http:", "https:")).status == 0
    assert server.seen == []
