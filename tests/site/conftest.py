"""The site as a reader gets it: built strictly, served below a path, seen in Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.content.pages import LANGUAGES
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    sync_playwright,
)

PREFIX = "k8s-basic"
SCREENSHOTS = ROOT / "build" / "screenshots"
# Without these Chromium looks up hosts of its own maker at each start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


@dataclass(frozen=True)
class Site:
    """Where the built site lies and the address it is served at, which ends in a slash."""

    folder: Path
    url: str


class Pages(SimpleHTTPRequestHandler):
    """Serves as GitHub Pages does: a missing address gets /404.html, with status 404."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (Path(self.directory) / PREFIX / "404.html").read_bytes()
        self.send_response(HTTPStatus(code))
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(root: Path, parent: Path) -> Iterator[Site]:
    """Build the site of the repository at `root` into `parent`, for the address it is served at."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(parent)))
    made = Site(parent / PREFIX, f"http://127.0.0.1:{server.server_port}/{PREFIX}/")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(made.folder)]
    environment = {**os.environ, "SITE_URL": made.url, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join(x for x in done.stderr.split("\n") if not x.startswith("INFO"))
        pytest.fail(f"the strict build failed:\n{said}", pytrace=False)
    Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of this repository."""
    with served(ROOT, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def build(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    """Return a function that builds the small repository `tree` as it is then."""
    names = ("reference/verified-claims.md", "verified/workloads.md")
    for page in (f"docs/{language}/{name}" for language in LANGUAGES for name in names):
        (tree / page).parent.mkdir()
        shutil.copy(ROOT / page, tree / page)
    config = tree / "mkdocs.yml"
    nav = "  - 레퍼런스:\n" + "".join(f"      - {name}\n" for name in names)
    config.write_text(config.read_text().replace("workloads/pod.md\n", f"workloads/pod.md\n{nav}"))
    with ExitStack() as stack:
        yield lambda: stack.enter_context(served(tree, tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium as the system has it; Playwright's own download is not used."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    if not program:
        pytest.fail("no Chromium found: apt-get install chromium fonts-noto-cjk", pytrace=False)
    return program


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What starts browsers."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """The browser that the tests share."""
    started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield started
    started.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(request: pytest.FixtureRequest, site: Site, browser: Browser) -> Iterator[Open]:
    """Return a function that opens an address of the site.

    Everything the browser complains about, and each request to another host, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(address: str, size: str = "wide", **options: Any) -> Page:
        context = browser.new_context(viewport=SIZES[size], **options)
        contexts.append(context)
        context.on(
            "console", lambda m: m.type in ("error", "warning") and complaints.append(m.text)
        )
        context.on("weberror", lambda e: complaints.append(str(e.error)))
        context.on("request", lambda r: r.url.startswith(site.url) or complaints.append(r.url))
        page = context.new_page()
        page.goto(site.url + address)
        return page

    opened.complaints = complaints  # type: ignore[attr-defined]
    yield opened
    if getattr(request.node, "failed", False):
        _keep_screenshots(request.node.name, contexts)
    for context in contexts:
        context.close()
    if not getattr(request.node, "failed", False):
        assert complaints == []


def _keep_screenshots(name: str, contexts: list[BrowserContext]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    for number, page in enumerate(page for context in contexts for page in context.pages):
        try:
            page.screenshot(path=SCREENSHOTS / f"{safe}-{number}.png")
        except Error as error:
            print(f"no screenshot: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Let fixtures see that their test failed."""
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed  # type: ignore[attr-defined]
    return report
