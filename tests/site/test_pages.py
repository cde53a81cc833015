"""Every page in both languages, as built and as a browser shows it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import figures
from k8s_basic.content.pages import Page, is_results, read_pages
from k8s_basic.content.recordings import read

PAGES = read_pages(ROOT)
TAG = re.compile(r"<[^>]+>")
COMMAND = re.compile(
    r'<div class="language-bash(?: (?P<mark>[a-z-]+))? highlight"'
    r'(?: data-reason="(?P<reason>[^"]*)")?>'
    r"<pre>.*?<code>(?P<text>.*?)</code></pre></div>",
    re.DOTALL,
)
OUTPUT = re.compile(
    r"(?P<before></pre></div>\s*)?"
    r'<div class="language-text output no-copy highlight" role="group" '
    r'data-recording="(?P<name>[^"]+)" aria-label="(?P<label>[^"]+)">'
    r"<pre><code>(?P<text>.*?)</code></pre></div>",
    re.DOTALL,
)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)


def address(page: Page) -> str:
    name = re.sub(r"(^|/)index$", "", page.name)
    prefix = "" if page.language == "ko" else "en/"
    return prefix + (f"{name}/" if name else "")


def built(site, page: Page) -> str:
    file = Path(site.folder) / address(page) / "index.html"
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("front", [p for p in PAGES if p.name == "index"], ids=lambda p: p.path)
def test_front_page_lists_every_lesson_with_what_it_is_about(site, front: Page) -> None:
    shown = TAG.sub("", built(site, front))
    others = [p for p in PAGES if p.language == front.language and p.name != "index"]
    listed = [p for p in others if not is_results(p.name)]
    assert len(listed) > 10
    for page in listed:
        assert f'href="{page.name}/"' in built(site, front)
        assert html.escape(f"{page.meta['title']}: {page.meta['description']} (", False) in shown


def neighbour(html: str, step: str) -> str:
    """Return the address, relative to the page, that its footer leads on or back to."""
    found = re.search(rf'<a href="([^"]*)" class="md-footer__link md-footer__link--{step}"', html)
    return found[1] if found else ""


@every_page
def test_page_can_be_edited_and_its_neighbours_lead_back_to_it(site, page: Page) -> None:
    html = built(site, page)
    assert f"/edit/main/{page.path}" in html
    here = site.url + address(page)
    back = {"next": "prev", "prev": "next"}
    steps = [step for step in back if neighbour(html, step)]
    assert steps == ["next"] if page.name == "index" else "prev" in steps
    for step in steps:
        there = urljoin(here, neighbour(html, step))
        file = site.folder / there.removeprefix(site.url) / "index.html"
        assert urljoin(there, neighbour(file.read_text("utf-8"), back[step])) == here


@every_page
def test_commands_are_in_the_built_page_letter_by_letter(site, page: Page) -> None:
    source = site.url + "examples"
    wanted = [
        (c.mark, c.reason, c.text.replace("{{ examples }}", source)) for c in page.items("commands")
    ]
    found = [
        (m["mark"] or "", html.unescape(m["reason"] or ""), html.unescape(TAG.sub("", m["text"])))
        for m in COMMAND.finditer(built(site, page))
    ]
    assert [(mark, reason, text.strip("\n")) for mark, reason, text in found] == wanted
    shown = [
        html.unescape(text)
        for text in re.findall(
            r'<p class="command-mark [^>]*>.*?</strong> (.*?)</p>', built(site, page)
        )
    ]
    assert shown == [reason for mark, reason, _ in wanted if mark]


@every_page
def test_each_output_is_its_recording_letter_by_letter(site, page: Page) -> None:
    found = list(OUTPUT.finditer(built(site, page)))
    assert [m["name"] for m in found] == [output.text for output in page.items("outputs")]
    recorded = [read(ROOT, m["name"]) for m in found]
    source = site.url + "examples"
    assert [html.unescape(m["text"]) for m in found] == [
        recording.output.replace("{{ examples }}", source) for recording in recorded
    ]
    assert all(m["before"] for m in found), "an output is not directly below its command"
    assert {m["label"] for m in found} <= {{"ko": "출력", "en": "Output"}[page.language]}


@every_page
def test_each_claim_has_a_mark_that_leads_to_its_test(site, page: Page) -> None:
    marks = re.findall(r'<sup class="claim [a-z-]+" id="([a-z]+-\d+)".*?</sup>', built(site, page))
    assert sorted(name.upper() for name in marks) == sorted(c.text for c in page.items("claims"))
    for name in marks:
        mark = re.search(rf'<sup class="[^"]+" id="{name}".*?</sup>', built(site, page))[0]
        source = r'href="https://github\.com/[^"]+/blob/main/([^"]+)#L(\d+)"'
        path, line = re.search(source, mark).groups()
        test = (ROOT / path).read_text(encoding="utf-8").split("\n")
        assert re.match(r"def test_\w+\(", test[int(line) - 1])
        assert any(name.upper() in above for above in test[max(0, int(line) - 5) : int(line)])
        results = re.search(r'href="([^"]+)#' + name, mark)[1]
        table = (site.folder / address(page) / results / "index.html").read_text(encoding="utf-8")
        assert f'<tr id="{name}">' in table


@every_page
def test_each_manifest_has_its_name_and_a_raw_link(site, page: Page) -> None:
    shown = re.findall(
        r'<span class="filename">(\S+) <a class="raw" href="([^"]+)">', built(site, page)
    )
    assert [name for name, _ in shown] == [Path(i.text).name for i in page.items("includes")]
    for (_, target), include in zip(shown, page.items("includes")):
        file = (site.folder / address(page) / target).resolve()
        assert file.read_bytes() == (EXAMPLES / include.text).read_bytes()


@every_page
def test_each_figure_is_drawn_with_its_text(site, page: Page) -> None:
    found = re.findall(
        r'<svg class="figure"[^>]* role="img" aria-label="([^"]+)"', built(site, page)
    )
    wanted = [figures.read(ROOT, item.text).alt[page.language] for item in page.items("figures")]
    assert [html.unescape(text) for text in found] == wanted


@pytest.mark.parametrize("language", ["ko", "en"])
def test_figures_take_their_colors_from_the_palette(visit, language: str) -> None:
    prefix = "en/" if language == "en" else ""
    page = visit(f"{prefix}overview/cluster-architecture/")
    colors = []
    for scheme in ("default", "slate"):
        page.evaluate("s => document.body.setAttribute('data-md-color-scheme', s)", scheme)
        letters, box = (
            page.locator(f".figure {what}").first.evaluate("e => getComputedStyle(e).fill")
            for what in ("text", "rect")
        )
        assert letters != box
        colors.append((letters, box))
    assert colors[0] != colors[1]
    assert page.locator(".drawing script").count() == 0


@every_page
def test_page_says_what_it_is_for_and_how_long_it_takes(site, page: Page) -> None:
    lead = re.search(r'<p class="lead">(.*?)</p>', built(site, page))[1]
    assert page.meta["description"] in html.unescape(lead)
    unit = {"ko": f"{page.meta['minutes']}분", "en": f"{page.meta['minutes']} min"}
    assert unit[page.language] in lead


@every_page
def test_other_language_is_the_same_page(site, page: Page) -> None:
    twin = next(p for p in PAGES if p.name == page.name and p.language != page.language)
    pattern = rf'<a href="([^"]+)" hreflang="{twin.language}" class="md-select__link">'
    target = re.search(pattern, built(site, page))[1]
    folder = site.folder / address(page)
    resolved = (folder / target).resolve() if not target.startswith("/") else None
    wanted = (site.folder / address(twin)).resolve()
    path = "/" + site.url.split("/", 3)[3]
    assert resolved == wanted or target == path + address(twin)
