"""`./scripts/measure`: weight and speed of the built site beside its budget (budget.yaml).

Times belong to the machine they were measured on, so no test asserts them; weights don't, and the
site tier demands those.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page, sync_playwright

from .. import ROOT, processes
from ..content.pages import LANGUAGES, read_pages
from ..webserver import served
from . import browser, build, plain

BUDGET = Path(__file__).with_name("budget.yaml")
SLOW_DOWN = 4  # times
SAMPLES = 5
PHONE = {"width": 360, "height": 740}  # pixels
DESK = {"width": 1280, "height": 740}
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
    """Return the budget: sizes in KB, times in seconds."""
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


def _slowly_opened(browser: Browser, address: str, viewport: Any) -> Iterator[Page]:
    """Yield a page again and again as a new reader opens it, with the processor slowed down."""
    for _ in range(SAMPLES):
        with browser.new_context(viewport=viewport) as context:
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_DOWN})
            page.goto(address)
            yield page


def _first_result(page: Page) -> float:
    """Return the seconds from the focus in the field, which loads the index, to a result."""
    started = time.monotonic()
    field = page.locator("input[name=query]")
    field.focus()
    field.fill(QUERY)
    page.locator(".md-search-result__link").first.wait_for()
    return time.monotonic() - started


def _measured(site: Path) -> Iterator[tuple[str, float, str, str]]:
    """Yield what is measured of the built pages: its name, value, key of the budget, and unit."""
    started = time.monotonic()
    build.later_steps(site)
    yield "later steps", time.monotonic() - started, "later_steps", "s"
    kilobytes, path = page_weights(site)[0]
    yield f"heaviest page, {path}", kilobytes, "further_page", "KB"
    with sync_playwright() as playwright, served(site) as url:
        window = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox"])
        for language in LANGUAGES:
            for name in ("index", "workloads/deployment"):
                address, what = plain.address(url, language, name), f"{language} {name}"
                most, fonts = first_load(loaded_files(window.new_page(), site, address))
                yield f"first load, {what}", most, "first_load", "KB"
                yield f"fonts, {what}", fonts, "fonts", "KB"
                paints = [p.evaluate(PAINT) for p in _slowly_opened(window, address, PHONE)]
                paint = statistics.median(paints) / 1000
                yield f"largest paint, {what}", paint, "largest_paint", "s"
                found = [_first_result(p) for p in _slowly_opened(window, address, DESK)]
                yield f"first result, {what}", statistics.median(found), "first_result", "s"
        window.close()


def main(arguments: list[str]) -> int:
    """Print each number beside its budget; return 1 if one is over it."""
    argparse.ArgumentParser("./scripts/measure", description=__doc__).parse_args(arguments)
    limits, over = budget(), False
    with tempfile.TemporaryDirectory() as made:
        if code := build.pages(Path(made)):
            return code
        for what, value, key, unit in _measured(Path(made)):
            verdict = "over" if value > limits[key] else "ok"
            over = over or value > limits[key]
            print(f"{verdict:<5}{what:<58}{value:>8.2f} {unit} (≤ {limits[key]:g})")
    return int(over)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
