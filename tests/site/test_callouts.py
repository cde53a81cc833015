"""Callouts as a reader sees them: on their line, with their remark, and not in what is copied."""

from __future__ import annotations

import html
import re

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import callouts
from k8s_basic.content.pages import LANGUAGES, Page, read_pages
from k8s_basic.site import plain, remarks

TAG = re.compile(r"<[^>]+>")
WITH = [
    (page, item.text)
    for page in read_pages(ROOT)
    for item in page.items("includes")
    if callouts.read(ROOT, item.text)
]


@pytest.mark.parametrize(("page", "example"), WITH, ids=lambda x: getattr(x, "path", x))
def test_numbers_stand_on_the_lines_of_their_fields(site, page: Page, example: str) -> None:
    file = site.folder / plain.address("", page.language, page.name) / "index.html"
    text = file.read_text(encoding="utf-8")
    name = example.rpartition("/")[2]
    block = next(
        code
        for code in re.findall(
            rf'<span class="filename">{re.escape(name)} .*?<code>(.*?)</code>', text, re.DOTALL
        )
        if 'class="callout"' in code
    )
    manifest = (EXAMPLES / example).read_text(encoding="utf-8")
    assert html.unescape(TAG.sub("", block)).strip("\n") == manifest.strip("\n")
    numbered = callouts.said(ROOT, example)
    lines = block.split("\n")
    for number, callout in enumerate(numbered, 1):
        assert f'data-number="{number}"' in lines[callout.first]
        assert remarks.inline(callout.text[page.language]) in text
    assert block.count('class="callout"') == len(numbered)


@pytest.mark.parametrize("language", LANGUAGES)
def test_copying_takes_the_manifest_and_links_lead_to_remark_and_back(
    open_page, language: str
) -> None:
    page, example = next(pair for pair in WITH if pair[0].language == language)
    shown = open_page(
        plain.address("", language, page.name), permissions=["clipboard-read", "clipboard-write"]
    )
    block = shown.locator(".language-yaml.highlight:has(.callout)").first
    block.hover()
    block.locator("[data-clipboard-target], [data-md-type=copy]").first.click()
    copied = shown.evaluate("navigator.clipboard.readText()")
    assert copied.strip("\n") == (EXAMPLES / example).read_text(encoding="utf-8").strip("\n")
    number = block.locator(".callout").first
    assert number.is_visible(), "the theme hides anchors in code"
    remark = number.evaluate("a => a.hash.slice(1)")
    assert shown.locator(f"#{remark}").is_visible()
    back = shown.locator(f"#{remark} .back").evaluate("a => a.hash.slice(1)")
    assert number.get_attribute("id") == back
