"""The site as a reader gets it: built strictly, served below a path, seen in Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.content.pages import LANGUAGES
from k8s_basic.site import browser as system_browser
from k8s_basic.webserver import served
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    sync_playwright,
)
from xdist.scheduler import LoadScopeScheduling

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
# Modules whose tests share what takes long to make, so that one worker runs all of each.
TOGETHER = ("test_offline.py", "test_search.py")


@dataclass(frozen=True)
class Site:
    """Where the built site lies and the address it is served at, which ends in a slash."""

    folder: Path
    url: str


@contextmanager
def built(root: Path, parent: Path) -> Iterator[Site]:
    """Build the site of the repository at `root` into `parent`, for the address it is served at."""
    folder = parent / PREFIX
    with served(folder, f"/{PREFIX}/") as url:
        command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
        environment = {**os.environ, "SITE_URL": url, "NO_MKDOCS_2_WARNING": "1"}
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = "\n".join(x for x in done.stderr.split("\n") if not x.startswith("INFO"))
            pytest.fail(f"the strict build failed:\n{said}", pytrace=False)
        yield Site(folder, url)


def program() -> str:
    """Return the path of the system's Chromium, or fail."""
    found = system_browser.find()
    if not found:
        pytest.fail("no Chromium found: apt-get install chromium fonts-noto-cjk", pytrace=False)
    return found


def pytest_report_header() -> str:
    """Name what judges the pages: what they find may differ from version to version."""
    done = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    return f"browser: {done.stdout.strip()}; {axe.partition(chr(10))[0].strip('/*! ')}"


_shared: list[Site] = []  # one, in the parent of the workers


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Build and serve the site once for all workers: pytest-xdist calls this in their parent."""
    if not _shared:
        stack = ExitStack()
        node.config.add_cleanup(stack.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        try:
            _shared.append(stack.enter_context(built(ROOT, Path(folder))))
        except pytest.fail.Exception as wrong:
            pytest.exit(str(wrong), returncode=1)
    node.workerinput["site"] = (str(_shared[0].folder), _shared[0].url)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, and the modules of TOGETHER whole."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module.endswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Choose who runs what, where the command line leaves it to us."""
    return Together(config, log) if config.getvalue("dist") == "load" else None


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Site]:
    """The site of this repository."""
    shared = getattr(request.config, "workerinput", {}).get("site")
    with ExitStack() as stack:
        if shared:
            yield Site(Path(shared[0]), shared[1])
        else:
            yield stack.enter_context(built(ROOT, tmp_path_factory.mktemp("site")))


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
        yield lambda: stack.enter_context(built(tree, tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return program()


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


@contextmanager
def watched(browser: Browser, home: str, **options: Any) -> Iterator[BrowserContext]:
    """Open a browser context, and fail in the end if anything in it was wrong.

    Wrong is what the browser complains about, and each request that doesn't begin with `home`.
    `complaints` of the context holds it, for who expects some.
    """
    found: list[str] = []
    with browser.new_context(**options) as context:
        context.complaints = found  # type: ignore[attr-defined]
        context.on(
            "console",
            lambda m: (
                m.type in ("error", "warning")
                and found.append(f"{m.page.url if m.page else '?'}: {m.text}")
            ),
        )
        context.on("weberror", lambda e: found.append(str(e.error)))
        context.on("request", lambda r: r.url.startswith(home) or found.append(r.url))
        yield context
    assert found == []


Open = Callable[..., Page]


@pytest.fixture(scope="session")
def watch(browser: Browser) -> Callable[..., Any]:
    """`watched` with our browser, for what lives longer than a test."""
    return partial(watched, browser)


@pytest.fixture
def new_page(watch: Callable[..., Any]) -> Iterator[Open]:
    """Return a function that makes an empty page in a watched context of its own.

    Everything the browser complains about, and each request that leaves `home`, fails the test.
    """
    with ExitStack() as stack:
        yield lambda home, **options: stack.enter_context(watch(home, **options)).new_page()


@pytest.fixture
def open_page(site: Site, new_page: Open) -> Open:
    """Return a function that opens an address of the site as a new reader does."""

    def opened(address: str, size: str = "wide", **options: Any) -> Page:
        page = new_page(site.url, viewport=SIZES[size], **options)
        page.goto(site.url + address)
        return page

    return opened


@pytest.fixture(scope="session")
def roaming(site: Site, watch: Callable[..., Any]) -> Iterator[Page]:
    """One page for all who only look; it keeps scripts and styles, which a new reader loads anew.

    Colors change at once, as axe asks for them right away.
    """
    allowed = ["clipboard-read", "clipboard-write"]
    with watch(site.url, reduced_motion="reduce", permissions=allowed) as context:
        yield context.new_page()


@pytest.fixture
def visit(site: Site, roaming: Page) -> Iterator[Open]:
    """Return a function that goes to an address of the site, as one who goes from page to page.

    What is wrong on the way fails the test, as with `open_page`. Change nothing that stays, such as
    the palette chosen with its button.
    """

    def went(address: str, size: str = "wide") -> Page:
        roaming.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        roaming.goto(site.url + address)
        return roaming

    complaints = roaming.context.complaints  # type: ignore[attr-defined]
    yield went
    found, complaints[:] = complaints[:], []
    assert found == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep pictures of the pages that a failed test had open."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser:
        _keep_screenshots(item.name, browser.contexts)
    return report


def _keep_screenshots(name: str, contexts: list[BrowserContext]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    for number, page in enumerate(page for context in contexts for page in context.pages):
        try:
            page.screenshot(path=SCREENSHOTS / f"{safe}-{number}.png")
        except Error as error:
            print(f"no screenshot: {error}")
