"""Figures are drawn from text, one for each language, and labels that don't fit are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.figures import FOLDER, figure_problems, read
from k8s_basic.site.figures import svg

ONE = {"id": "one", "at": [0, 1, 4, 1], "ko": "하나", "en": "one"}
TWO = {"id": "two", "at": [6, 0, 4, 3], "text": "two\nlines", "style": "accent"}
Drawn = Callable[..., Path]
FIGURE = {
    "width": 10,
    "alt": {"ko": "하나에서 둘로", "en": 'from "one" to <two>'},
    "boxes": [ONE, TWO],
    "arrows": [{"from": "one", "to": "two", "ko": "갑니다", "en": "goes"}],
}


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """Return a function that writes the figure "small", with changes, and returns the root."""

    def write(**changes: Any) -> Path:
        (tmp_path / FOLDER).mkdir(parents=True)
        text = yaml.safe_dump(FIGURE | changes, allow_unicode=True)
        (tmp_path / FOLDER / "small.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_one_box_may_lie_in_another_and_hold_letters_of_an_arrow(drawn: Drawn) -> None:
    around = {"id": "around", "at": [0, 0, 12, 4], "text": "around", "style": "group"}
    [problem] = figure_problems(drawn(width=12, boxes=[around, ONE, TWO]), [])
    assert "no page shows" in problem.text


def test_figure_that_is_wrong_can_not_be_read(drawn: Drawn) -> None:
    with pytest.raises(ValueError, match="no box 'tow'; did you mean two"):
        read(drawn(arrows=[{"from": "one", "to": "tow"}]), "small")


@pytest.mark.parametrize(("language", "label"), [("ko", "하나"), ("en", "one")])
def test_drawing_has_labels_of_its_language_and_a_text(
    drawn: Drawn, language: str, label: str
) -> None:
    drawing = ET.fromstring(svg(read(drawn(), "small"), language))
    assert drawing.get("role") == "img"
    assert drawing.get("aria-label") == FIGURE["alt"][language]  # type: ignore[index]
    texts = [text.text for text in drawing.iter("text")]
    assert texts[:3] == [label, "two", "lines"]
    assert [path.get("d", "")[:11] for path in drawing.iter("path")] == ["M200 45L300"]
    # letters get no smaller than four fifths of their size: before that, the figure scrolls
    assert drawing.get("style") == "max-width: 504px; min-width: 403.2px"


def test_bare_label_has_no_rectangle(drawn: Drawn) -> None:
    root = drawn(boxes=[ONE | {"style": "bare"}, TWO])
    drawing = ET.fromstring(svg(read(root, "small"), "en"))
    assert {text.get("class") for text in drawing.iter("text")} == {"bare", "accent", "note"}
    assert [rectangle.get("class") for rectangle in drawing.iter("rect")] == ["accent"]


def test_drawings_name_no_color() -> None:
    for file in (ROOT / FOLDER).glob("*.yaml"):
        drawing = svg(read(ROOT, file.stem), "ko")
        assert "fill" not in drawing and "stroke" not in drawing
