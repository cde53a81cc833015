"""Callouts as a reader sees them: on their line, with their remark, and not in what is copied."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import callouts
from k8s_basic.content.pages import LANGUAGES, Page, read_pages
from k8s_basic.site import plain
from k8s_basic.site.templating import inline

TAG = re.compile(r"<[^>]+>")
# of each number of a block: whether it's seen, inside of the block, on its line, and its remark,
# which leads back, is seen
SEEN = """marks => marks.map(mark => {
    const [line, code, number] = [mark.closest('.hll'), mark.closest('code'), mark]
        .map(element => element.getBoundingClientRect())
    const remark = document.getElementById(mark.hash.slice(1))
    return {
        seen: number.width > 0 && mark.checkVisibility(),
        inside: number.right <= code.right,
        on_its_line: number.left > line.left && number.right <= line.right
            && number.top >= line.top - 4 && number.bottom <= line.bottom + 4,
        remark: remark.getBoundingClientRect().height > 0 && remark.checkVisibility(),
        back: remark.querySelector('.back').hash === `#${mark.id}`,
    }
})"""
WITH = [
    (page, item.text)
    for page in read_pages(ROOT)
    for item in page.items("includes")
    if callouts.read(ROOT, item.text)
]
SAID = [(page, example) for page, example in WITH if callouts.said(ROOT, example)]


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
        if 'class="hll"' in code
    )
    manifest = (EXAMPLES / example).read_text(encoding="utf-8")
    assert html.unescape(TAG.sub("", block)).strip("\n") == manifest.strip("\n")
    numbered = callouts.said(ROOT, example)
    lines = block.split("\n")
    marked = {n for c in callouts.read(ROOT, example) for n in range(c.first, c.last + 1)}
    assert {n for n, line in enumerate(lines) if line.startswith('<span class="hll">')} == marked
    for number, callout in enumerate(numbered, 1):
        assert f'data-number="{number}"' in lines[callout.first]
        assert inline(callout.text[page.language]) in text
    assert block.count('class="callout"') == len(numbered)


@pytest.mark.parametrize(("page", "example"), SAID, ids=lambda x: getattr(x, "path", x))
def test_numbers_are_seen_links_lead_there_and_back_and_the_copy_is_the_file(
    visit, page: Page, example: str
) -> None:
    shown = visit(plain.address("", page.language, page.name), "phone")
    name = example.rpartition("/")[2]
    block = shown.locator(".language-yaml.highlight", has_text=name).filter(
        has=shown.locator(".callout")
    )
    marks = block.locator(".callout").evaluate_all(SEEN)
    assert len(marks) == len(callouts.said(ROOT, example))
    for mark in marks:
        assert all(mark.values()), mark  # the theme hides anchors in code
    assert shown.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    block.locator("[data-clipboard-target]").click()
    copied = shown.evaluate("navigator.clipboard.readText()")
    assert copied.encode() == (EXAMPLES / example).read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_leads_to_its_remark_without_javascript(open_page, language: str) -> None:
    page, _ = next(pair for pair in SAID if pair[0].language == language)
    shown = open_page(plain.address("", language, page.name), java_script_enabled=False)
    shown.locator(".callout").first.click()
    assert shown.locator("ol.callouts li:target").is_visible()
    shown.locator("ol.callouts li:target .back").click()
    assert shown.locator(".callout:target").is_visible()


@pytest.mark.parametrize(("page", "example"), WITH, ids=lambda x: getattr(x, "path", x))
def test_markdown_of_a_page_lists_the_remarks(site, page: Page, example: str) -> None:
    file = site.folder / plain.address("", page.language, page.name) / plain.MARKDOWN
    lines = [line.strip() for line in file.read_text(encoding="utf-8").split("\n")]
    for callout in callouts.said(ROOT, example):
        field = " ".join(f"`{part}`" for part in (callout.document, callout.path) if part)
        assert f"- {field}: {callout.text[page.language]}" in lines


def test_unknown_field_fails_the_strict_build_in_one_sentence(build, tree: Path) -> None:
    file = tree / "docs/callouts/workloads/pod/pod.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("- path: spec.container\n  ko: 말.\n  en: Word.\n", encoding="utf-8")
    wrong = r"pod\.yaml:1: Pod/web has no spec\.container; did you mean spec\.containers\?"
    with pytest.raises(pytest.fail.Exception, match=wrong) as said:
        build()
    assert "Traceback" not in str(said.value)
