"""Each page in a browser: quiet, fitting, readable by everybody, in both widths and palettes."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.pages import LANGUAGES, Page, read_pages
from k8s_basic.site import measure, plain

PAGES = read_pages(ROOT)
HERE = Path(__file__).parent
# https://www.deque.com/axe, as its package for Playwright brings it, and what asks it
AXE = "\n".join(
    file.read_text(encoding="utf-8")
    for file in (files("axe_playwright_python").joinpath("axe.min.js"), HERE / "axe.js")
)
REVIEWED = yaml.safe_load((HERE / "axe-incomplete.yaml").read_text(encoding="utf-8"))
PALETTES = ["default", "slate"]
SIZES = {"wide": (1280, 900), "phone": (360, 740)}  # pixels
LESSON = "workloads/replicaset"

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
both_languages = pytest.mark.parametrize("language", LANGUAGES)


def address(page: Page) -> str:
    return plain.address("", page.language, page.name)


def lesson(language: str) -> str:
    return plain.address("", language, LESSON)


def resize(shown: Any, size: str) -> None:
    width, height = SIZES[size]
    shown.set_viewport_size({"width": width, "height": height})


def objections(shown: Any) -> tuple[list[str], set[int]]:
    """Return what axe objects to, or can't tell, in each palette, and which reviewed entries fit.

    What it can't tell is left out where an entry fits.
    """
    shown.evaluate(AXE)
    found = shown.evaluate(
        "([palettes, reviewed]) => judge(palettes, reviewed)", [PALETTES, REVIEWED]
    )
    told = [
        f"{palette}: {rule}: {said}: {place}"
        for palette, rule, said, place, fit in found
        if not fit
    ]
    return told, {entry for *_, fit in found for entry in fit}


def fits(shown: Any) -> bool:
    """Tell whether the page is no wider than its window."""
    width, window = shown.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
    return width <= window


def outputs_hang_on_their_commands(shown: Any) -> bool:
    """Tell whether each output stands directly below its command and inside of the window."""
    boxes = shown.locator(".highlight.output").evaluate_all(
        """all => all.map(output => {
            const box = output.querySelector('code').getBoundingClientRect()
            const above = output.previousElementSibling.querySelector('code')
            return [box.top - above.getBoundingClientRect().bottom, box.right <= innerWidth]
        })"""
    )
    return all(abs(gap) < 1 and inside for gap, inside in boxes)


@every_page
def test_page_is_quiet_fits_both_widths_and_bars_nobody(visit, page: Page) -> None:
    shown = visit(address(page), "phone")
    if page.items("commands"):
        buttons = ".language-bash .md-code__button, .language-bash .md-clipboard"
        shown.locator(buttons).first.wait_for(state="attached")
    outputs = shown.locator(".highlight.output")
    assert shown.locator("html").get_attribute("lang") == page.language
    assert shown.locator("h1").first.is_visible()
    assert outputs.count() == len(page.items("outputs"))
    assert outputs.locator("button").count() == 0, "an output is not there to be copied"
    for size in ("phone", "wide"):
        resize(shown, size)
        assert fits(shown), f"the page scrolls sideways ({size})"
        assert outputs_hang_on_their_commands(shown), size
    told, fitting = objections(shown)
    assert not told, "\n".join(told)
    idle = [e for at, e in enumerate(REVIEWED) if e["seen_on"] == page.name and at not in fitting]
    assert idle == [], "axe-incomplete.yaml: not seen here any more; remove it or name another page"


def test_what_axe_cannot_tell_was_looked_at_on_pages_that_exist() -> None:
    for entry in REVIEWED:
        assert set(entry) == {"rule", "because", "selector", "seen_on", "reason"}, entry
        assert entry["seen_on"] in {page.name for page in PAGES}, entry
        assert len(entry["reason"]) > 20, entry


@both_languages
def test_lesson_on_a_phone_bars_nobody(visit, language: str) -> None:
    told, _ = objections(visit(lesson(language), "phone"))
    assert not told, "\n".join(told)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("<p style='background: #777; color: #888'>letters</p>", "color-contrast: violations"),
        ("<p style='background: #777; color: #888'>→</p>", "color-contrast: violations"),
        ("<p style='background: linear-gradient(#777, #888)'>letters</p>", "color-contrast: incom"),
        (
            "<pre><code><span class='hll' style='line-height: 1; background: #777'>"
            "<span style='color: #888'>higher than the line</span></span></code></pre>",
            "color-contrast: violations",
        ),
        ("<img src='assets/favicon.svg'>", "image-alt: violations"),
        ("<style>[data-md-color-scheme=slate] h1 { visibility: hidden }</style>", "palettes: one"),
    ],
)
def test_axe_tells_what_is_wrong_and_what_it_cannot_tell(visit, wrong: str, told: str) -> None:
    shown = visit("")
    shown.locator("h1").evaluate("(h1, html) => h1.insertAdjacentHTML('afterend', html)", wrong)
    found, _ = objections(shown)
    palettes = {line.partition(": ")[0] for line in found}
    assert palettes == set(PALETTES) if "color" in told else len(palettes) == 1
    assert all(line.partition(": ")[2].startswith(told) for line in found), found


@both_languages
def test_keyboard_alone_reaches_content_search_and_marks(open_page, language: str) -> None:
    shown = open_page(lesson(language))
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.matches('.md-skip')")
    shown.keyboard.press("Enter")
    assert shown.evaluate("location.hash") == "#" + LESSON.rpartition("/")[2]
    seen = set()
    for _ in range(200):
        shown.keyboard.press("Tab")
        focused, visible = shown.evaluate(
            """() => {
                const at = document.activeElement, style = getComputedStyle(at)
                const box = at.getBoundingClientRect()
                const ringed = style.outlineStyle !== 'none' || style.boxShadow !== 'none'
                return [at.matches('.claim button') ? 'mark' : at.tagName, ringed && box.width > 0]
            }"""
        )
        assert visible, f"nobody sees that {focused} has the focus"
        seen.add(focused)
        if "mark" in seen and "A" in seen:
            break
    assert "mark" in seen
    assert shown.locator(".claim .detail:visible").count() == 1


# What has the focus, and whether it shows; the label of a palette's button shows it instead of it.
FOCUSED = """() => {
    const at = document.activeElement
    const style = getComputedStyle(at.matches('.md-option') ? at.nextElementSibling : at)
    return style.outlineStyle !== 'none' || style.boxShadow !== 'none' || at.name === 'query'
}"""


def tab_to(shown: Any, selector: str) -> None:
    """Press Tab until what has the focus matches, and demand that each stop on the way shows."""
    for _ in range(60):
        shown.keyboard.press("Tab")
        assert shown.evaluate(FOCUSED), shown.evaluate("document.activeElement.outerHTML")
        if shown.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no Tab leads to {selector}")


@both_languages
def test_keyboard_alone_changes_palette_and_language_and_follows_tabs(
    open_page, site, language: str
) -> None:
    other = next(code for code in LANGUAGES if code != language)
    shown = open_page(lesson(language))
    tab_to(shown, ".md-option")
    before = shown.evaluate("document.body.dataset.mdColorMedia")
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.body.dataset.mdColorMedia") != before
    tab_to(shown, ".md-tabs__link")
    shown.locator(".md-select button").focus()
    tab_to(shown, f".md-select__link[hreflang={other}]")
    shown.keyboard.press("Enter")
    shown.wait_for_url(site.url + lesson(other) + "*")


@both_languages
def test_content_tabs_show_what_they_name(open_page, language: str) -> None:
    shown = open_page(plain.address("", language, "start/install"))
    labels, blocks = (shown.locator(f".tabbed-{part}").first for part in ("labels", "content"))
    assert labels.locator("label").count() > 1
    for number, label in enumerate(labels.locator("label").all()):
        label.click()
        visible = [block.is_visible() for block in blocks.locator("> .tabbed-block").all()]
        assert [at for at, is_shown in enumerate(visible) if is_shown] == [number]


@both_languages
def test_switching_the_language_keeps_the_section(open_page, site, language: str) -> None:
    other = next(code for code in LANGUAGES if code != language)
    shown = open_page(lesson(language) + "#why")
    shown.wait_for_function(
        "document.getElementById('why').getBoundingClientRect().top < innerHeight / 3"
    )
    # a click of Playwright's scrolls the page until the opening menu stands still
    shown.locator(f".md-select__link[hreflang={other}]").evaluate("link => link.click()")
    shown.wait_for_url(f"{site.url}{lesson(other)}**")
    assert shown.url == f"{site.url}{lesson(other)}#why"


def test_nothing_moves_for_those_who_asked_for_that(visit) -> None:
    shown = visit(lesson("ko"))
    moving = """() => [...document.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e)
        return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none'
            || style.scrollBehavior === 'smooth'
    }).length"""
    assert shown.evaluate(moving) == 0
    shown.emulate_media(reduced_motion="no-preference")
    assert shown.evaluate(moving) > 0, "for others, something does: the question is understood"
    shown.emulate_media(reduced_motion="reduce")


@both_languages
def test_page_on_paper_has_all_text_and_no_controls(open_page, language: str) -> None:
    shown = open_page(lesson(language))
    controls = (".md-header", ".md-sidebar", ".md-footer__inner", ".md-code__nav", ".headerlink")
    for there in controls:
        shown.locator(f"{there}:visible").first.wait_for()
    shown.set_viewport_size({"width": 718, "height": 1000})  # A4 without margins of 10 mm
    shown.emulate_media(media="print")
    assert fits(shown)
    for gone in controls:
        assert shown.locator(f"{gone}:visible").count() == 0, gone
    blocks, cut = shown.locator("pre > code").evaluate_all(
        "all => [all.length, all.filter(code => code.scrollWidth > code.clientWidth + 1).length]"
    )
    assert blocks > 0
    assert cut == 0, "code is cut off at the edge of the paper"


def test_no_page_weighs_more_than_its_budget(site) -> None:
    limit = measure.budget()["further_page"]
    weights = measure.page_weights(site.folder)
    assert [(path, kilobytes) for kilobytes, path in weights if kilobytes > limit] == []
    assert len(weights) == len(PAGES)


@both_languages
@pytest.mark.parametrize("name", ["index", LESSON])
def test_first_load_stays_within_its_budget(site, new_page, language: str, name: str) -> None:
    page = new_page(site.url)
    address = plain.address(site.url, language, name)
    kilobytes, fonts = measure.first_load(measure.loaded_files(page, site.folder.parent, address))
    limits = measure.budget()
    print(f"{kilobytes:.1f} KB and {fonts:.1f} KB of fonts")
    assert 0 < kilobytes <= limits["first_load"]
    assert fonts <= limits["fonts"]
