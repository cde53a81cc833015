"""`./scripts/measure`: weight and speed of the built site beside its budget (budget.yaml).

Times belong to the machine they were measured on, so no test asserts them; weights don't, and the
site tier demands those.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page, sync_playwright

from .. import ROOT, processes
from ..content.pages import LANGUAGES, read_pages
from . import browser, build, plain

BUDGET = Path(__file__).with_name("budget.yaml")
SLOW_DOWN = 4  # times
SAMPLES = 5
PHONE, DESK = 360, 1280  # pixels of width
QUERY = "pod"
FONTS = (".woff", ".woff2", ".ttf", ".otf")
# Largest contentful paint as https://web.dev/articles/lcp measures it, in milliseconds.
PAINT = """() => new Promise(resolve => {
    let last = 0
    new PerformanceObserver(list => { for (const e of list.getEntries()) last = e.startTime })
        .observe({type: "largest-contentful-paint", buffered: true})
    setTimeout(() => resolve(last), 500)
})"""


def budget() -> dict[str, Any]:
    """Return the budget: sizes in KB, times in seconds, factors."""
    loaded: dict[str, Any] = yaml.load(BUDGET.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


def weight(file: Path) -> float:
    """Return what a file weighs on its way to a browser: KB of 1000 bytes, as gzip makes them."""
    return len(gzip.compress(file.read_bytes(), 6)) / 1000


def page_weights(site: Path) -> list[tuple[float, str]]:
    """Return what each page of the built site weighs, in KB, and its path; the heaviest first."""
    pages = read_pages(ROOT)
    files = (site / plain.address("", page.language, page.name) / "index.html" for page in pages)
    return sorted(zip(map(weight, files), (page.path for page in pages)), reverse=True)


def too_heavy(site: Path) -> list[str]:
    """Return a sentence for each page of the built site that is heavier than it may be."""
    limit = budget()["further_page"]
    return [
        f"{path} weighs {kilobytes:.1f} KB and may weigh {limit:g}"
        for kilobytes, path in page_weights(site)
        if kilobytes > limit
    ]


def loaded_files(page: Any, site: Path, address: str) -> list[Path]:
    """Return the files that a browser asks for by itself when it opens a page of the site.

    Raises FileNotFoundError for one that isn't there: it would weigh nothing.
    """
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    base = address[: address.index("/", len("http://"))]
    names = {url.removeprefix(base).split("?")[0].split("#")[0].lstrip("/") for url in asked}
    files = [
        site / (name + "index.html" if name.endswith("/") or not name else name) for name in names
    ]
    if missing := [str(file) for file in files if not file.is_file()]:
        raise FileNotFoundError(f"{address} asks for what isn't there: {', '.join(missing)}")
    return files


def first_load(files: list[Path]) -> tuple[float, float]:
    """Return the KB of a first load without fonts, and those of its fonts."""
    fonts = [file for file in files if file.suffix in FONTS]
    return sum(map(weight, set(files) - set(fonts))), sum(map(weight, fonts))


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def _slowed_down(
    browser: Browser, address: str, width: int, seconds: Callable[[Page], float]
) -> float:
    """Return the median of what `seconds` says of some first loads, processor slowed down."""
    seen: list[float] = []
    for _ in range(SAMPLES):
        page = browser.new_context(viewport={"width": width, "height": 740}).new_page()
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_DOWN})
        page.goto(address)
        seen.append(seconds(page))
        page.context.close()
    return statistics.median(seen)


def _paint(page: Page) -> float:
    return float(page.evaluate(PAINT)) / 1000


def _first_result(page: Page) -> float:
    """Return the seconds from the focus in the field, which loads the index, to a result."""
    started = time.monotonic()
    field = page.locator("input[name=query]")
    field.focus()
    field.fill(QUERY)
    page.locator(".md-search-result__link").first.wait_for()
    return time.monotonic() - started


def _processor_seconds(act: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _build(config: Path, target: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(config), "-d", str(target)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    # without our hooks the pages hold what only those understand, so this build may warn
    done = processes.run([*command, "--no-strict"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    done.check_returncode()


def build_factor(samples: int = SAMPLES) -> float:
    """Return the processor time of a build ÷ that of Material alone with the same pages."""
    ours = ROOT / "mkdocs.yml"
    text = "".join(
        line for line in ours.read_text(encoding="utf-8").splitlines(True)
        if not line.startswith(("hooks:", "strict:"))
    )  # fmt: skip
    bare = ROOT / "mkdocs-bare.yml"  # beside ours, as its paths are relative
    try:
        bare.write_text(text, encoding="utf-8")
        with tempfile.TemporaryDirectory() as made:
            times: dict[Path, list[float]] = {ours: [], bare: []}
            for _ in range(samples):
                for config, seen in times.items():
                    seen.append(_processor_seconds(partial(_build, config, Path(made))))
    finally:
        bare.unlink()
    return float(statistics.median(times[ours]) / statistics.median(times[bare]))


def main(arguments: list[str]) -> int:
    """Print each number beside its budget; return 1 if one is over it."""
    parser = argparse.ArgumentParser("./scripts/measure", description=__doc__)
    parser.parse_args(arguments)
    limits, over = budget(), 0

    def tell(what: str, value: float, limit: float, unit: str) -> None:
        nonlocal over
        over += value > limit
        print(f"{'over' if value > limit else 'ok':<5}{what:<58}{value:>8.2f} {unit} (≤ {limit:g})")

    with tempfile.TemporaryDirectory() as made:
        site = Path(made) / "site"
        if build.pages(site):
            return 1
        tell("build beside Material alone", build_factor(), limits["build"], "×")
        started = time.monotonic()
        if build.later_steps(site):
            return 1
        tell("later steps", time.monotonic() - started, limits["later_steps"], "s")
        kilobytes, path = page_weights(site)[0]
        tell(f"heaviest page, {path}", kilobytes, limits["further_page"], "KB")
        with sync_playwright() as playwright, _served(site) as url:
            chromium = playwright.chromium
            window = chromium.launch(executable_path=browser.find(), args=["--no-sandbox"])
            for language in LANGUAGES:
                for name in ("index", "workloads/deployment"):
                    address = plain.address(url, language, name)
                    files = loaded_files(window.new_page(), site, address)
                    most, fonts = first_load(files)
                    what = f"{language} {name}"
                    tell(
                        f"first load, {what}, {len(files)} files", most, limits["first_load"], "KB"
                    )
                    tell(f"fonts, {what}", fonts, limits["fonts"], "KB")
                    paint = _slowed_down(window, address, PHONE, _paint)
                    tell(f"largest paint, {what}", paint, limits["largest_paint"], "s")
                    result = _slowed_down(window, address, DESK, _first_result)
                    tell(f"first result of a search, {what}", result, limits["first_result"], "s")
            window.close()
    return 1 if over else 0


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
