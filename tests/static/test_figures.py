"""Figures are drawn from text, one for each language, and labels that don't fit are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.figures import FOLDER, figure_problems, read
from k8s_basic.content.pages import Page, read_pages
from k8s_basic.site.figures import svg

ONE = {"id": "one", "at": [0, 1, 4, 1], "ko": "하나", "en": "one"}
TWO = {"id": "two", "at": [6, 0, 4, 3], "text": "two\nlines", "style": "accent"}
BETWEEN = {"id": "between", "at": [4.25, 1, 1.5, 1], "text": "in"}
UNNAMED = {"from": "one", "to": "two"}
FIGURE = {
    "width": 10,
    "alt": {"ko": "하나에서 둘로", "en": 'from "one" to <two>'},
    "boxes": [ONE, TWO],
    "arrows": [{"from": "one", "to": "two", "ko": "갑니다", "en": "goes"}],
}


def tree(root: Path, changes: dict[str, Any], block: str = "small") -> list[Page]:
    """Write a figure and a page in each language that shows it."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(FIGURE | changes, allow_unicode=True)
    (root / FOLDER / "small.yaml").write_text(text, encoding="utf-8")
    for language in ("ko", "en"):
        page = root / "docs" / language / "page.md"
        page.parent.mkdir(exist_ok=True)
        front = "---\ntitle: a\ndescription: b\nminutes: 1\n---\n# A {#page}\n"
        page.write_text(f"{front}\n```figure\n{block}\n```\n", encoding="utf-8")
    return read_pages(root)


def found(root: Path, pages: list[Page]) -> list[str]:
    problems = [str(problem) for page in pages for problem in page.problems]
    return problems + [str(problem) for problem in figure_problems(root, pages)]


def test_figure_in_order_has_no_problem(tmp_path: Path) -> None:
    assert found(tmp_path, tree(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"boxes": [ONE | {"ko": "아주 길고 긴 이름을 가진 상자 하나"}, TWO]}, "too narrow"),
        ({"boxes": [ONE | {"ko": "두\n줄"}, TWO]}, "too low"),
        ({"width": 9}, "box two lies outside"),
        ({"boxes": [ONE, TWO | {"style": "accents"}]}, "did you mean accent?"),
        ({"boxes": [ONE, TWO | {"at": [6, 2, 4, 3]}]}, "would not be straight"),
        ({"boxes": [ONE, TWO | {"at": [3, 0, 4, 3]}], "arrows": []}, "boxes one and two overlap"),
        ({"arrows": [UNNAMED | {"ko": "갑니다", "en": "goes a long way"}]}, "beside its arrow"),
        ({"boxes": [ONE, TWO, BETWEEN], "arrows": [UNNAMED]}, "runs through 'in' (ko)"),
        ({"arrows": [{"from": "one", "to": "three"}]}, "not as figures are written"),
        ({"boxes": [{k: v for k, v in ONE.items() if k != "en"}, TWO]}, "a label in ko only"),
        ({"alt": {"ko": "하나"}}, "not as figures are written"),
    ],
)
def test_mistake_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    problem, *others = found(tmp_path, tree(tmp_path, changes))
    assert problem.startswith(f"{FOLDER}/small.yaml:1:")
    assert words in problem
    assert all("(en)" in other for other in others)  # the same, of the other language


def test_one_box_may_lie_in_another_and_hold_letters_of_an_arrow(tmp_path: Path) -> None:
    around = {"id": "around", "at": [0, 0, 12, 4], "text": "around", "style": "group"}
    assert found(tmp_path, tree(tmp_path, {"width": 12, "boxes": [around, ONE, TWO]})) == []


def test_missing_and_unused_figures_are_refused(tmp_path: Path) -> None:
    problems = found(tmp_path, tree(tmp_path, {}, block="smal"))
    assert sum("did you mean small?" in problem for problem in problems) == 2
    assert any("no page shows this figure" in problem for problem in problems)


def test_drawing_in_a_page_is_refused(tmp_path: Path) -> None:
    problems = found(tmp_path, tree(tmp_path, {}, block="+---+\n| a |"))
    assert sum("names one file of docs/figures" in problem for problem in problems) == 2


@pytest.mark.parametrize(("language", "label"), [("ko", "하나"), ("en", "one")])
def test_drawing_has_labels_of_its_language_and_a_text(
    tmp_path: Path, language: str, label: str
) -> None:
    tree(tmp_path, {})
    drawing = ET.fromstring(svg(read(tmp_path, "small"), language))
    assert drawing.get("role") == "img"
    assert drawing.get("aria-label") == FIGURE["alt"][language]  # type: ignore[index]
    texts = [text.text for text in drawing.iter("text")]
    assert texts[:3] == [label, "two", "lines"]
    assert [path.get("d", "")[:11] for path in drawing.iter("path")] == ["M200 45L300"]
    # letters get no smaller than four fifths of their size: before that, the figure scrolls
    assert drawing.get("style") == "max-width: 504px; min-width: 403.2px"


def test_bare_label_has_no_rectangle(tmp_path: Path) -> None:
    tree(tmp_path, {"boxes": [ONE | {"style": "bare"}, TWO]})
    drawing = ET.fromstring(svg(read(tmp_path, "small"), "en"))
    assert {text.get("class") for text in drawing.iter("text")} == {"bare", "accent", "note"}
    assert [rectangle.get("class") for rectangle in drawing.iter("rect")] == ["accent"]


def test_drawings_name_no_color() -> None:
    for file in (ROOT / FOLDER).glob("*.yaml"):
        drawn = svg(read(ROOT, file.stem), "ko")
        assert "fill" not in drawn
        assert "stroke" not in drawn
