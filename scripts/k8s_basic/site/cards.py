"""A picture of each page for where its link is shown: title, description and the site's name.

The size is the one that https://ogp.me readers (1.91:1) show whole. The font is a subset of Noto
Sans CJK KR Bold, made with pyftsubset of fonttools: ASCII, common punctuation and all 11172
syllables from 가 to 힣.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (1200, 630)  # pixels
FOLDER = "assets/cards"
FONT = Path(__file__).parent / "fonts" / "NotoSansKR-Bold.otf"

INK, FAINT, PAPER, ACCENT = "#16213a", "#4c5a78", "#ffffff", "#2457c5"
_MARGIN = 80  # pixels
_COLORS = 16  # a palette keeps a card below 20 KB


def address(site_url: str, language: str, name: str) -> str:
    """Return the address of the card of page `topic/page`; `site_url` ends in a slash."""
    return f"{site_url}{FOLDER}/{language}/{name}.png"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)


def missing_letters(text: str) -> set[str]:
    """Return the letters of a text that the font can't draw."""
    nothing = _font(40).getmask("\ufffe").getbbox(), _font(40).getlength("\ufffe")
    return {
        letter
        for letter in text
        if not letter.isspace()
        and (_font(40).getmask(letter).getbbox(), _font(40).getlength(letter)) == nothing
    }


def write(file: Path, site: str, title: str, description: str) -> None:
    """Draw a card into `file`, a PNG; the same texts give the same bytes."""
    image = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 24, SIZE[1]), fill=ACCENT)
    draw.text((_MARGIN, 70), site, font=_font(34), fill=ACCENT)
    y = _paragraph(draw, title, 150, 72, INK, 2)
    _paragraph(draw, description, y + 30, 36, FAINT, 5)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(_COLORS, dither=Image.Dither.NONE).save(file, optimize=True)


def _paragraph(
    draw: ImageDraw.ImageDraw, text: str, y: int, size: int, color: str, most: int
) -> int:
    """Write up to `most` lines from height `y` (pixels) and return where they end."""
    lines = list(_lines(text, _font(size), SIZE[0] - 2 * _MARGIN))
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" .,") + "…"]
    for line in lines:
        draw.text((_MARGIN, y), line, font=_font(size), fill=color)
        y += round(size * 1.4)
    return y


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> Iterator[str]:
    """Yield the text in lines of at most `width` pixels, broken between words."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            yield line
            longer = word
        line = longer
    yield line
