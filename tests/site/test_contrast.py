"""What a browser paints is what the static test judges: no text and no ground is left out of it.

That test knows pairs of colors from contrast.yaml. Here each text of some pages, with what they
show when they are used, is looked up among them.
"""

from __future__ import annotations

from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.site import contrast

PALETTES = list(contrast.PALETTES)
PAGES = [
    "", "en/workloads/replicaset/", "overview/cluster-architecture/", "security/pod-security/",
    "network/ingress/", "reference/verified-claims/", "verified/workloads/", "404.html",
]  # fmt: skip
# Paints, for each visible text, the grounds of its ancestors one over the other and the letters on
# top, and returns what each looks like: [letters, ground, where]. A figure's texts are left out:
# they stand on what is drawn before them.
PAINTED = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true})
    const paint = color => { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1) }
    const seen = () => [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    const found = new Map()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement
        if (!texts.currentNode.data.trim() || element.closest('svg, script, style')) continue
        if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue
        const chain = []
        for (let at = element; at; at = at.parentElement) chain.unshift(getComputedStyle(at))
        paint('#fff')
        for (const style of chain) paint(style.backgroundColor)
        const ground = seen()
        canvas.globalAlpha = chain.reduce((alpha, style) => alpha * style.opacity, 1)
        paint(chain.at(-1).color)
        canvas.globalAlpha = 1
        found.set([seen(), ground].join(), [seen(), ground, element.outerHTML.slice(0, 120)])
    }
    return [...found.values()]
}"""


@pytest.fixture(scope="module")
def known() -> list[Any]:
    """What the static test judges: colors of letters and of their ground, from 0 to 255."""
    css = (ROOT / "docs" / "assets" / "extra.css").read_text(encoding="utf-8")
    pairs = contrast.Sheets(css, contrast.theme()).pairs()
    return [tuple([part * 255 for part in c[:3]] for c in pair[3:]) for pair in pairs]


def near(one: list[float], other: list[float]) -> bool:
    """Tell whether two colors are one but for rounding."""
    return all(abs(a - b) <= 2 for a, b in zip(one, other))


def unknown(page: Any, known: list[Any]) -> list[str]:
    """Return the texts of a page, in both palettes, whose colors no known pair has."""
    found = []
    for palette in PALETTES:
        page.evaluate("p => document.body.setAttribute('data-md-color-scheme', p)", palette)
        painted = page.evaluate(PAINTED)
        assert painted
        found += [
            f"{palette}: {ink} on {ground}: {place}"
            for ink, ground, place in painted
            if not any(near(ink, seen) and near(ground, below) for seen, below in known)
        ]
    return found


@pytest.mark.parametrize("address", PAGES)
def test_text_of_a_page_has_colors_that_are_judged(visit, known, address: str) -> None:
    missing = unknown(visit(address), known)
    assert not missing, "name them in scripts/k8s_basic/site/contrast.yaml:\n" + "\n".join(missing)


def test_text_that_scripts_and_the_pointer_add_has_colors_that_are_judged(open_page, known) -> None:
    granted = ["clipboard-read", "clipboard-write"]
    page: Any = open_page("workloads/replicaset/", permissions=granted, reduced_motion="reduce")
    for act in (
        lambda: page.locator(".language-bash .md-code__button").first.click(),
        lambda: page.locator(".claim button").first.focus(),
        lambda: page.goto(page.url + "#" + page.locator(".claim").first.get_attribute("id")),
        lambda: page.locator(".md-content a code, .md-content p > a").first.hover(),
        lambda: page.locator(".md-search__input").fill("replicaset"),
        lambda: page.locator(".md-search-result__item mark").first.hover(),
    ):
        act()
        missing = unknown(page, known)
        assert not missing, "\n".join(missing)


def test_color_that_nobody_judges_is_noticed(visit, known) -> None:
    page = visit("workloads/replicaset/")
    page.evaluate("document.querySelector('h1').style.color = '#c2c2c2'")
    assert any("c2c2c2" in text or "194, 194" in text for text in unknown(page, known))
