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


FAULTS = [
    # what happened: names of keys on a highlighted line, whose ground is a mixture
    ("keyword-color: #3159a5", "keyword-color: #3f6ec6", " : 1, #3f6ec6 on #"),
    ("--amber: #f0b95a", "--amber: #8a5a00", "button, td:is(.stale, .old)) on chosen row"),
    ("--mark: #17405c", "--mark: #777", ".md-typeset .callout::after on number"),
    ("direction { opacity: .8", "direction { opacity: .4", "var(--md-footer-fg-color) on foo"),
    ("/* Where", "i:hover { background: red }/* Where", "name 'i:hover' in contrast.yaml"),
    ("/* Where", "i { color: red }/* Where", "name 'i' in contrast.yaml"),
    ("/* Where", "i { --mark: red }/* Where", "i { --mark }: only a palette may set"),
]


def test_faults_in_our_style_sheet_are_told() -> None:
    broken = OURS
    for old, new, _ in FAULTS:
        assert old in broken
        broken = broken.replace(old, new)
    new_of_theme = contrast.declarations(".md-new { color: #abc }")
    told = contrast.findings(broken, [*THEME, *new_of_theme])
    assert ".md-new { color: #abc }: name '#abc' in contrast.yaml" in told
    for _, _, finding in FAULTS:
        assert any(finding in one for one in told), finding


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (".lead { color: var", ".lede { color: var", "name '.md-typeset .lede' in contrast.yaml"),
        (".lead { color: var", ".lede { color: var", "no style sheet has '.md-typeset .lead'"),
        ("in srgb, var(--mark) 16%", "in oklch, var(--mark) 16%", "'color-mix(in oklch, "),
        ("var(--mark) 16%", "var(--none) 16%", "undefined"),
        ("/* Where", "@layer x { i { color: red } }/*", "a rule that can't be judged: @layer x"),
        ("--mark: #17405c", "--mark: new-color(1)", "new-color(1)"),
    ],
)
def test_color_that_cannot_be_worked_out_is_told(old: str, new: str, finding: str) -> None:
    told = contrast.findings(OURS.replace(old, new), THEME)
    assert any(finding in one for one in told), told


@pytest.mark.parametrize("ink", [cards.INK, cards.FAINT, cards.ACCENT])
def test_text_of_a_card_can_be_read(ink: str) -> None:
    assert Color(ink).contrast(Color(cards.PAPER)) >= contrast.LEAST
