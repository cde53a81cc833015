"""Korean is drawn with letters and not with the boxes that stand for letters no font has.

Pages use the reader's own fonts, so the first tests look at the machine that tests: where it has
no Korean font, every other test of the site would measure boxes. Cards bring a font of their own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.content.pages import LANGUAGES
from k8s_basic.site import cards, plain
from playwright.sync_api import Playwright

FIRST, LAST, UNASSIGNED = "가", "힣", "\u0378"  # the last is in no version of Unicode
PAGE = "workloads/replicaset"
# fontconfig's own configuration without all fonts that have Korean
NO_KOREAN = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include><selectfont><rejectfont><pattern>
<patelt name="lang"><string>ko</string></patelt></pattern></rejectfont></selectfont></fontconfig>
"""
# Draws each letter in each font that the page's text is written in: font → picture of each.
DRAW = """letters => {
    const context = new OffscreenCanvas(48, 48).getContext('2d', {willReadFrequently: true})
    const draw = letter => {
        context.clearRect(0, 0, 48, 48)
        context.fillText(letter, 4, 40)
        return context.getImageData(0, 0, 48, 48).data.join()
    }
    const fonts = new Set()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const {fontWeight, fontFamily} = getComputedStyle(texts.currentNode.parentElement)
        fonts.add(`${fontWeight} 32px ${fontFamily}`)
    }
    return Object.fromEntries([...fonts].map(font => {
        context.font = font
        return [font, letters.map(draw)]
    }))
}"""


def boxes(shown: Any) -> dict[str, bool]:
    """Return each font of a page, and whether it lacks the first or the last syllable."""
    drawn = shown.evaluate(DRAW, [FIRST, LAST, UNASSIGNED])
    return {font: len(set(pictures)) < len(pictures) for font, pictures in drawn.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_syllables_of_a_page_are_drawn_by_fonts_that_have_them(open_page, language: str) -> None:
    found = boxes(open_page(plain.address("", language, PAGE)))
    assert len(found) > 2, "text, bold text and code have fonts of their own"
    lacking = [font for font, lacks in found.items() if lacks]
    assert not lacking, f"no Korean font (apt-get install fonts-noto-cjk): {lacking}"


def test_machine_without_a_korean_font_is_noticed(
    site, chromium: str, playwright: Playwright, tmp_path: Path
) -> None:
    if not Path("/etc/fonts/fonts.conf").exists():
        pytest.skip("this machine's browser does not ask fontconfig, so it can't be told of none")
    config = tmp_path / "fonts.conf"
    config.write_text(NO_KOREAN)
    env = {**os.environ, "FONTCONFIG_FILE": str(config)}
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], env=env)
    shown = browser.new_page()
    shown.goto(site.url + plain.address("", "ko", PAGE))
    assert all(boxes(shown).values())
    browser.close()


def test_syllables_of_a_card_are_drawn_by_a_font_that_has_them(tmp_path: Path) -> None:
    drawn = set()
    for letter in (FIRST, LAST, UNASSIGNED):
        cards.write(tmp_path / "card.png", "K8s Basic", letter, letter)
        drawn.add((tmp_path / "card.png").read_bytes())
    assert len(drawn) == 3
    assert cards.missing_letters("".join(map(chr, range(ord(FIRST), ord(LAST) + 1)))) == set()
