"""Every page in both languages, as built and as a browser shows it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content.pages import Page, read_pages

PAGES = read_pages(ROOT)
TAG = re.compile(r"<[^>]+>")
COMMAND = re.compile(
    r'<div class="language-bash(?: (?P<mark>[a-z-]+))? highlight"'
    r'(?: data-reason="(?P<reason>[^"]*)")?>'
    r"<pre>.*?<code>(?P<text>.*?)</code></pre></div>",
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


@pytest.mark.parametrize("size", ["wide", "phone"])
@every_page
def test_page_is_quiet_and_fits(open_page, page: Page, size: str) -> None:
    shown = open_page(address(page), size)
    assert shown.locator("html").get_attribute("lang") == page.language
    assert shown.locator("h1").first.is_visible()
    width, window = shown.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
    assert width <= window, "the page scrolls sideways"


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
def test_each_claim_has_a_mark_that_leads_to_its_test(site, page: Page) -> None:
    marks = re.findall(
        r'<sup class="claim" id="([a-z]+-\d+)"[^>]*>'
        r'<a href="([^"]+)" title="([^"]+)" aria-label="([^"]+)">',
        built(site, page),
    )
    assert sorted(m[0].upper() for m in marks) == sorted(c.text for c in page.items("claims"))
    for claim, target, title, label in marks:
        path, line = re.fullmatch(r"https://github\.com/.+/blob/main/(.+)#L(\d+)", target).groups()
        test = (ROOT / path).read_text(encoding="utf-8").split("\n")[int(line) - 1]
        assert re.fullmatch(r"def (test_\w+)\(.*", test)[1] in label
        assert claim.upper() in label and title == label


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
def test_page_says_what_it_is_for_and_how_long_it_takes(site, page: Page) -> None:
    lead = re.search(r'<p class="lead">(.*?)</p>', built(site, page))[1]
    assert html.escape(page.meta["description"]) in lead
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
