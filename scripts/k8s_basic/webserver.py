"""A folder served on loopback as GitHub Pages serves a site."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class _Pages(SimpleHTTPRequestHandler):
    """Answers are kept for ten minutes; an address that is missing gets the site's 404.html."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(*args, **options)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def translate_path(self, path: str) -> str:
        """Return the file of an address below the site's path; elsewhere there is none."""
        inside = path.startswith(f"{self.prefix}/")
        return super().translate_path(path.removeprefix(self.prefix)) if inside else ""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with the site's own page."""
        page = Path(self.directory) / "404.html"
        body = page.read_bytes() if page.is_file() else b""
        self.send_response(HTTPStatus(code))
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    """One to which a reader who leaves before a page has come is no error."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(folder: Path, path: str = "/") -> Iterator[str]:
    """Serve a folder below `path`, such as `/k8s-basic/`, and give its full address."""
    handler = partial(_Pages, directory=str(folder), prefix=path.rstrip("/"))
    with _Server(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{path}"
        finally:
            server.shutdown()
