"""All text can be read: its contrast is worked out from pages and style sheets, without a browser.

The pages are those of a real build, so whatever a page has is judged; what is special to a state
of the reader's (pointer, focus, paper, palette, width, an open menu) is tried on each element.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.site import build, cards, contrast
from k8s_basic.site.cascade import Color, Sheets, UnjudgedError
from k8s_basic.site.contrast import Judge, Site
from PIL import Image, ImageColor, ImageDraw


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The judge of the whole site, which has not begun."""
    folder = tmp_path_factory.mktemp("site")
    assert build.pages(folder) == 0
    return Judge(contrast.read_site(folder))


def test_all_text_of_the_site_can_be_read(judge: Judge) -> None:
    findings = judge.run()
    assert not findings, "\n".join(findings)
    assert len(judge.pairs) > 80, "hardly any text was judged"


def judged(css: str, body: str) -> tuple[list[str], list[str]]:
    """Return the findings of one small page, and its pairs of colors."""
    page = contrast.read(f'<html><body data-md-color-scheme="default">{body}</body></html>')
    judge = Judge(Site(Sheets([], [css]), {"page": page}))
    return judge.run(), [" on ".join(pair) for pair in judge.pairs]


@pytest.mark.parametrize(
    ("css", "body", "pair"),
    [
        ("p { color: #333 }", "<p>a</p>", "#333333 on #ffffff"),
        ("p { color: #333 } p { color: #111 }", "<p>a</p>", "#111111 on #ffffff"),
        ("body p { color: #333 } p { color: #111 }", "<p>a</p>", "#333333 on #ffffff"),
        ("p { color: #333 !important } body p { color: #111 }", "<p>a</p>", "#333333 on #ffffff"),
        ("body { color: #333 }", "<p><i>a</i></p>", "#333333 on #ffffff"),
        ("p { color: rgba(0, 0, 0, .8) }", "<p>a</p>", "#333333 on #ffffff"),
        ("p { color: hsla(var(--h), 0%, 20%, 1) } :root { --h: 208 }", "<p>a</p>", "#333333 on #"),
        ("p { color: var(--none, var(--x)) } body { --x: #333 }", "<p>a</p>", "#333333 on #"),
        ("p { color: var(--none) } body { color: #333 }", "<p>a</p>", "#333333 on #ffffff"),
        ("body { --a: var(--b); --b: #333 } p { color: var(--a) }", "<p>a</p>", "#333333 on #"),
        ("p { background: #eee } i { background: #0001 }", "<p><i>a</i></p>", "#000000 on #dedede"),
        (
            "div { background: #f5f5f5 } i { color: #3159a5 }"
            "p { background: color-mix(in srgb, #17405c 10%, transparent) }",
            "<div><p><i>a</i></p></div>",
            "#3159a5 on #dfe3e6",
        ),
        ("p { opacity: .8 }", "<p>a</p>", "#333333 on #ffffff"),
        ("p:hover { background: #eee }", "<p><i>a</i></p>", "#000000 on #eeeeee"),
        ("p:focus-within { background: #eee }", "<p><i>a</i></p>", "#000000 on #eeeeee"),
        ("p:not(:focus) { color: #333 }", "<p>a</p>", "#000000 on #ffffff"),
        ("input:focus + p { color: #333 }", "<input><p>a</p>", "#333333 on #ffffff"),
        ("p:target { color: #333 }", "<p>a</p>", "#333333 on #ffffff"),
        ("@media print { p { color: #333 } }", "<p>a</p>", "#333333 on #ffffff"),
        ("@media screen and (max-width: 40em) { p { color: #333 } }", "<p>a</p>", "#333333 on #"),
        ("p::after { color: #333; content: '·' }", "<p>a</p>", "#333333 on #ffffff"),
        ("[data-md-color-scheme=slate] p { color: #333 }", "<p>a</p>", "#333333 on #ffffff"),
        (
            ":checked ~ p { color: #333 }",
            "<input type=checkbox class=md-toggle><p>a</p>",
            "#333333 on #ffffff",
        ),
        (
            "rect { fill: #eee } rect.far { fill: #123456 } text { fill: #333 }",
            "<svg><rect width=9 height=9 /><rect class=far x=20 width=9 height=9 />"
            "<text x=5 y=5>a</text><text class=b x=25 y=5 fill=x>a</text></svg>",
            "#333333 on #eeeeee",
        ),
    ],
)
def test_color_is_the_one_that_a_browser_shows(css: str, body: str, pair: str) -> None:
    _, seen = judged(css, body)
    assert any(one.startswith(pair) for one in seen), seen


@pytest.mark.parametrize(
    ("css", "body", "finding"),
    [
        (
            "p { color: #3f6ec6; background: #dfe3e6 }",
            "<p>a</p>",
            "3.82 : 1, #3f6ec6 on #dfe3e6 (default, 360 px): html > body > p (page), "
            "p { color: #3f6ec6 }",
        ),
        ("a:hover { color: #aaa }", "<a>a</a>", "2.32 : 1, #aaaaaa on #ffffff (default, 360 px, h"),
        ("p { color: #777 }", "<p>a</p>", "4.48 : 1"),
        (".lost { color: #000 }", "<p>a</p>", "a color that no text has: .lost { color: #000 }"),
        ("p { --x: #000 }", "<p>a</p>", "a color that no text has: p { --x: #000 }"),
        ("p { background: url(x.png) }", "<p>a</p>", "could not judge html > body > p (p"),
        ("p { background: linear-gradient(red, blue) }", "<p>a</p>", "could not judge html > bo"),
        ("p { color: new-color(1) }", "<p>a</p>", "could not judge html > body > p (page)"),
        ("p { color: color-mix(in oklch, red, blue) }", "<p>a</p>", "could not judge html > body"),
        (
            "p { color: red; filter: invert() }",
            "<p>a</p>",
            "could not judge html > body > p (page)",
        ),
        ("p { & i { color: red } }", "<p>a</p>", "what we cannot read below p"),
        ("p:unheard-of { color: red }", "<p>a</p>", "a selector we cannot read: p:unheard-of"),
        ("@layer x { p { color: red } }", "<p>a</p>", "a rule we cannot read: @layer x"),
        ("p { color: #000 }", "<p style='color: red'>a</p>", "a style outside of the style sheets"),
    ],
)
def test_fault_is_told_and_what_cannot_be_judged_is_one(css: str, body: str, finding: str) -> None:
    told, _ = judged(css, body)
    assert any(one.startswith(finding) for one in told), told


def test_condition_that_cannot_be_worked_out_is_no_pass() -> None:
    with pytest.raises(UnjudgedError, match="prefers-contrast"):
        judged("@media (prefers-contrast: more) { p { color: red } }", "<p>a</p>")


def test_colors_of_a_card_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inks: set[str] = set()
    draw = ImageDraw.ImageDraw.text

    def text(self: Any, *arguments: Any, fill: str, **more: Any) -> None:
        inks.add(fill)
        draw(self, *arguments, fill=fill, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    cards.write(tmp_path / "card.png", "K8s Basic", "파드", "파드 하나를 띄웁니다.")
    with Image.open(tmp_path / "card.png") as card:
        colors = Counter(card.convert("RGB").get_flattened_data())
    ground = colors.most_common(1)[0][0]
    assert len(inks) == 3
    for ink in map(ImageColor.getrgb, inks):
        shown = min(colors, key=lambda color: sum(abs(a - b) for a, b in zip(color, ink)))
        assert contrast.contrast(_color(shown), _color(ground)) >= contrast.TEXT, (ink, shown)


def _color(rgb: tuple[int, ...]) -> Color:
    red, green, blue = (part / 255 for part in rgb[:3])
    return red, green, blue, 1.0
