"""Figures as text (docs/figures/<name>.yaml): boxes on a grid and arrows, labels in both languages.

    width: 12                  # columns; a cell is 50 wide and 30 high
    alt: {ko: …, en: …}        # what the figure says, for whoever doesn't see it
    boxes:
      - {id: node, at: [0, 0, 6, 4], ko: 노드, en: node, style: group}
      - {id: api, at: [1, 1, 4, 2], text: kube-apiserver}
    arrows:
      - {from: api, to: etcd, text: gRPC}

`at` is column, row, width and height. `text` stands for both languages; a label may have several
lines. Styles are plain, group (its label on top), accent and faint. An arrow is straight, so its
boxes must face each other; `both: true` gives it two heads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .pages import LANGUAGES, Page
from .problems import Problem, closest

FOLDER = "docs/figures"
CELL = (50.0, 30.0)
SIZE = 14.0  # of letters
STYLES = ("plain", "group", "accent", "faint")
_PADDING = 8.0  # of a label in its box


@dataclass(frozen=True)
class Box:
    """A rectangle in units of the drawing, with its label in each language."""

    id: str
    x: float
    y: float
    width: float
    height: float
    label: dict[str, str]
    style: str


@dataclass(frozen=True)
class Arrow:
    """A straight line between two boxes; `both` for heads at both ends."""

    start: tuple[float, float]
    end: tuple[float, float]
    label: dict[str, str]
    both: bool


@dataclass(frozen=True)
class Figure:
    """A figure: its size, what it says in words, and what it's made of."""

    width: float
    height: float
    alt: dict[str, str]
    boxes: list[Box]
    arrows: list[Arrow]


def read(root: Path, name: str) -> Figure:
    """Return a figure; raises ValueError with what is wrong with its file."""
    text = (root / FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    try:
        loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
        boxes = [_box(item) for item in loaded["boxes"]]
        by_id = {box.id: box for box in boxes}
        arrows = [_arrow(item, by_id) for item in loaded.get("arrows", [])]
        alt = {language: str(loaded["alt"][language]) for language in LANGUAGES}
        width = float(loaded["width"]) * CELL[0]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"not as figures are written ({' '.join(str(error).split())})") from None
    return Figure(width, max(b.y + b.height for b in boxes), alt, boxes, arrows)


def _box(item: dict[str, Any]) -> Box:
    style = item.get("style", "plain")
    if style not in STYLES:
        raise ValueError(f"box {item['id']} has no style {style}{closest(style, STYLES)}")
    column, row, width, height = (float(number) for number in item["at"])
    x, y = column * CELL[0], row * CELL[1]
    return Box(item["id"], x, y, width * CELL[0], height * CELL[1], _label(item), style)


def _label(item: dict[str, Any]) -> dict[str, str]:
    return {language: str(item.get(language, item.get("text", ""))) for language in LANGUAGES}


def _arrow(item: dict[str, Any], boxes: dict[str, Box]) -> Arrow:
    one, two = boxes[item["from"]], boxes[item["to"]]
    left, right = max(one.x, two.x), min(one.x + one.width, two.x + two.width)
    top, bottom = max(one.y, two.y), min(one.y + one.height, two.y + two.height)
    if left < right:
        x = (left + right) / 2
        down = one.y < two.y
        start = (x, one.y + one.height if down else one.y)
        end = (x, two.y if down else two.y + two.height)
    elif top < bottom:
        y = (top + bottom) / 2
        ahead = one.x < two.x
        start = (one.x + one.width if ahead else one.x, y)
        end = (two.x if ahead else two.x + two.width, y)
    else:
        raise ValueError(f"an arrow from {one.id} to {two.id} would not be straight; move one")
    return Arrow(start, end, _label(item), bool(item.get("both")))


def length(text: str) -> float:
    """Return how wide a line is at most, in units: Korean letters take a whole one."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return SIZE * (wide + 0.6 * (len(text) - wide))


def figure_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield what is wrong with figures, and those that pages lack or don't show."""
    files = {file.stem for file in (root / FOLDER).glob("*.yaml")}
    for page in pages:
        for item in page.items("figures"):
            if item.text not in files:
                text = f"{FOLDER}/{item.text}.yaml does not exist{closest(item.text, files)}"
                yield Problem(page.path, item.line, text)
    shown = {item.text for page in pages for item in page.items("figures")}
    for name in sorted(files):
        path = f"{FOLDER}/{name}.yaml"
        if name not in shown:
            yield Problem(path, 1, "no page shows this figure; remove the file")
        try:
            figure = read(root, name)
        except ValueError as wrong:
            yield Problem(path, 1, f"{wrong}; mend it")
            continue
        for text in _drawing_problems(figure):
            yield Problem(path, 1, text)


def _drawing_problems(figure: Figure) -> Iterator[str]:
    for box in figure.boxes:
        if box.x < 0 or box.y < 0 or box.x + box.width > figure.width:
            yield f"box {box.id} lies outside of the figure; move it or make 'width' larger"
        for language, label in box.label.items():
            lines = label.split("\n")
            if max(map(length, lines)) > box.width - _PADDING:
                yield f"box {box.id} is too narrow for '{label}' ({language}); make it wider"
            if len(lines) * SIZE * 1.3 > box.height:
                yield f"box {box.id} is too low for '{label}' ({language}); make it higher"
