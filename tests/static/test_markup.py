"""What our pages have beyond Markdown, shown without any builder of sites."""

from __future__ import annotations

import html
import re

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import callouts
from k8s_basic.site.marks import Evidence, Sheet
from k8s_basic.site.markup import Lessons
from markdown import Markdown
from pymdownx.superfences import SuperFencesException

MANIFEST = next(
    path
    for file in sorted((ROOT / callouts.FOLDER).rglob("*.yaml"))
    if callouts.said(ROOT, path := file.relative_to(ROOT / callouts.FOLDER).as_posix())
)


def shown(text: str) -> str:
    """Return the HTML of an English page."""
    lessons = Lessons()
    lessons.page = Sheet(Evidence(ROOT, [], {}, {}, [], {}), "en", "a/page", "en/a/page/", "")
    lessons.meta, lessons.site = {"description": "A & b.", "minutes": 3}, "https://h/"
    return Markdown(extensions=["toc", "pymdownx.superfences", lessons]).convert(text)


def test_numbers_on_lines_leave_the_text_of_a_manifest_as_it_is() -> None:
    page = shown(f'```yaml\n--8<-- "{MANIFEST}"\n```\n\n' * 2)
    for code in re.findall("<span></span><code>(.*?)</code></pre>", page, re.DOTALL):
        text = html.unescape(re.sub(r"<[^>]+>", "", code))
        assert text == (EXAMPLES / MANIFEST).read_text(encoding="utf-8")
    assert page.count('<ol class="callouts">') == 1, "on the first block of an example only"
    assert page.count('class="callout"') == len(callouts.said(ROOT, MANIFEST))
    assert f'href="../../../examples/{MANIFEST}"' in page


def test_claim_becomes_a_mark_and_code_stays_code() -> None:
    page = shown("# Title {#t}\n\nIt holds. [WL-3] So does `x [WL-4]` and [WL-5](#t).\n")
    assert re.search(r'It holds\.<sup class="claim unverified" id="wl-3">', page)
    assert page.count("<sup") == 1
    assert 'A &amp; b. <span class="minutes">3 min read</span></p>' in page.split("</h1>")[1]


@pytest.mark.parametrize("block", ['yaml\n--8<-- "a/missing.yaml"', "figure\nmissing"])
def test_block_that_cannot_be_shown_fails_the_build(block: str) -> None:
    with pytest.raises(SuperFencesException, match=r"a block can't be shown: .*missing\.yaml"):
        shown(f"```{block}\n```\n")
