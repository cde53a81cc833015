"""All text can be read: its contrast is worked out from the style sheets, without a browser.

That contrast.yaml names every pair that a page shows is what tests/site/test_contrast.py holds.
"""

from __future__ import annotations

import pytest
from coloraide import Color
from k8s_basic import ROOT
from k8s_basic.site import cards, contrast

OURS = (ROOT / "docs" / "assets" / "extra.css").read_text(encoding="utf-8")
THEME = contrast.theme()


def test_all_text_of_the_site_can_be_read() -> None:
    findings = contrast.findings(OURS, THEME)
    assert not findings, "\n".join(findings)
    assert len(list(contrast.Sheets(OURS, THEME).pairs())) > 200, "hardly any text was judged"


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        # what happened: names of keys on a highlighted line, whose ground is a mixture
        ("keyword-color: #3159a5", "keyword-color: #3f6ec6", "3.82 : 1, #3f6ec6 on #dfe3e6"),
        ("--amber: #f0b95a", "--amber: #8a5a00", "button, td:is(.stale, .old)) on chosen row"),
        ("--mark: #17405c", "--mark: #777", ".md-typeset .callout::after on number"),
        ("direction { opacity: .8", "direction { opacity: .4", "var(--md-footer-fg-color) on foo"),
        (".lead { color: var", ".lede { color: var", "name '.md-typeset .lede' in contrast.yaml"),
        (".lead { color: var", ".lede { color: var", "no style sheet has '.md-typeset .lead'"),
        ("/* Where", "i:hover { background: red }/*", "name 'i:hover' in contrast.yaml"),
        ("/* Where", "i { color: red }/*", "name 'i' in contrast.yaml"),
        ("in srgb, var(--mark) 16%", "in oklch, var(--mark) 16%", "'color-mix(in oklch, "),
        ("var(--mark) 16%", "var(--none) 16%", "undefined"),
        ("/* Where", "i { --mark: red }/*", "i { --mark }: only a palette may set what colors are"),
        ("/* Where", "@layer x { i { color: red } }/*", "a rule that can't be judged: @layer x"),
        ("--mark: #17405c", "--mark: new-color(1)", "new-color(1)"),
    ],
)
def test_fault_in_our_style_sheet_is_told(old: str, new: str, finding: str) -> None:
    assert old in OURS
    told = contrast.findings(OURS.replace(old, new), THEME)
    assert any(finding in one for one in told), told


def test_new_color_of_the_theme_is_told() -> None:
    new = contrast.declarations(".md-new { color: #abc }")
    told = contrast.findings(OURS, [*THEME, *new])
    assert told == [".md-new { color: #abc }: name '#abc' in contrast.yaml"]


@pytest.mark.parametrize("ink", [cards.INK, cards.FAINT, cards.ACCENT])
def test_text_of_a_card_can_be_read(ink: str) -> None:
    assert Color(ink).contrast(Color(cards.PAPER)) >= contrast.LEAST
