"""Figures as text (docs/figures/<name>.yaml): boxes on a grid and arrows, labels in both languages.

    width: 12                  # columns; a cell is 50 wide and 30 high
    alt: {ko: …, en: …}        # what the figure says, for whoever doesn't see it
    boxes:
      - {id: node, at: [0, 0, 6, 4], ko: 노드, en: node, style: group}
      - {id: api, at: [1, 1, 4, 2], text: kube-apiserver}
    arrows:
      - {from: api, to: etcd, text: gRPC}

`at` is column, row, width and height. `text` stands for both languages; a label may have several
lines. Styles are plain, group (its label on top), accent, faint and bare (the label alone, such as
the name of a row). Boxes lie beside each other or one in another. An arrow is straight, so its
boxes must face each other; `both: true` gives it two heads. Its label stands above it, or to the
right of one that goes up or down; no arrow may run through letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from . import forms
from .fields import Found, Keys
from .pages import LANGUAGES, Page
from .problems import Problem, closest

FOLDER = "docs/figures"
CELL = (50.0, 30.0)
SIZE = 14.0  # of letters
SMALL = 12.0  # of the letters beside an arrow
LINE = 1.3  # from one line to the next, in sizes of letters
_PADDING = 8.0  # of a label in its box


class Area(NamedTuple):
    """A rectangle by its edges, in units of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        """Return whether the two have some of their inside in common."""
        beside = self.left < other.right and other.left < self.right
        return beside and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Area) -> bool:
        """Return whether the other lies within this one."""
        within = self.left <= other.left and other.right <= self.right
        return within and self.top <= other.top and other.bottom <= self.bottom


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

    @property
    def area(self) -> Area:
        """The place it takes."""
        return Area(self.x, self.y, self.x + self.width, self.y + self.height)

    def letters(self, language: str) -> Area:
        """Return the place of its label: on top of a group, in the middle of the others."""
        lines = self.label[language].split("\n")
        width, height = min(max(map(length, lines)), self.width), len(lines) * SIZE * LINE
        left = self.x + (self.width - width) / 2
        inset = 0.3 * SIZE if self.style == "group" else (self.height - height) / 2
        return Area(left, self.y + inset, left + width, self.y + inset + height)


@dataclass(frozen=True)
class Arrow:
    """A straight line between two boxes; `both` for heads at both ends."""

    start: tuple[float, float]
    end: tuple[float, float]
    label: dict[str, str]
    both: bool

    @property
    def upright(self) -> bool:
        """Whether it goes up or down, and not to a side."""
        return self.start[0] == self.end[0]

    @property
    def beside(self) -> tuple[float, float]:
        """The middle of its label's height; the label begins here, or is centered if above."""
        x, y = ((one + two) / 2 for one, two in zip(self.start, self.end, strict=True))
        return (x + 8, y) if self.upright else (x, y - SMALL)

    @property
    def area(self) -> Area:
        """The place that the line and its heads take."""
        (x1, y1), (x2, y2) = sorted((self.start, self.end))
        return Area(x1 - 3, y1, x2 + 3, y2) if self.upright else Area(x1, y1 - 3, x2, y2 + 3)

    def letters(self, language: str) -> Area:
        """Return the place of its label."""
        (x, y), width = self.beside, length(self.label[language], SMALL)
        left = x if self.upright else x - width / 2
        return Area(left, y - SMALL / 2, left + width, y + SMALL / 2)


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
    drawn, wrong = _drawn((root / FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    if not drawn:
        raise ValueError(wrong[0][1])
    return drawn


def _drawn(text: str) -> tuple[Figure | None, list[Found]]:
    data, wrong = forms.read(text, "figure")
    if wrong:
        return None, wrong
    boxes = {item["id"]: _box(item) for item in data["boxes"]}
    arrows = []
    for number, item in enumerate(data.get("arrows", [])):
        try:
            arrows.append(_arrow(item, boxes))
        except LookupError as error:
            wrong.append((forms.line(text, ("arrows", number)), str(error.args[0])))
    height = max(box.area.bottom for box in boxes.values())
    figure = Figure(data["width"] * CELL[0], height, data["alt"], list(boxes.values()), arrows)
    return None if wrong else figure, wrong


def _box(item: dict[str, Any]) -> Box:
    x, y, width, height = (number * cell for number, cell in zip(item["at"], CELL * 2))
    return Box(item["id"], x, y, width, height, _label(item), item.get("style", "plain"))


def _label(item: dict[str, Any]) -> dict[str, str]:
    return {language: str(item.get(language, item.get("text", ""))) for language in LANGUAGES}


def _arrow(item: dict[str, Any], boxes: dict[str, Box]) -> Arrow:
    """Lead an arrow through the middle of where its boxes face each other."""
    for name in (item["from"], item["to"]):
        if name not in boxes:
            raise LookupError(f"there is no box '{name}'{closest(name, boxes)}")
    one, two = boxes[item["from"]].area, boxes[item["to"]].area
    left, right = max(one.left, two.left), min(one.right, two.right)
    top, bottom = max(one.top, two.top), min(one.bottom, two.bottom)
    x, y = (left + right) / 2, (top + bottom) / 2
    if left < right:
        down = one.top < two.top
        start, end = (x, one.bottom if down else one.top), (x, two.top if down else two.bottom)
    elif top < bottom:
        east = one.left < two.left
        start, end = (one.right if east else one.left, y), (two.left if east else two.right, y)
    else:
        between = f"{item['from']} to {item['to']}"
        raise LookupError(f"an arrow from {between} would not be straight; move one")
    return Arrow(start, end, _label(item), item.get("both", False))


def length(text: str, size: float = SIZE) -> float:
    """Return how wide a line of this size is at most, in units: Korean letters take a whole one."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (wide + 0.6 * (len(text) - wide))


def figure_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield what is wrong with figures, and those that pages lack or don't show."""
    files = {file.stem: file for file in sorted((root / FOLDER).glob("*.yaml"))}
    shown = {item.text for page in pages for item in page.items("figures")}
    for page in pages:
        for item in (item for item in page.items("figures") if item.text not in files):
            text = f"{FOLDER}/{item.text}.yaml does not exist{closest(item.text, files)}"
            yield Problem(page.path, item.line, text)
    for name, file in files.items():
        text = file.read_text(encoding="utf-8")
        figure, wrong = _drawn(text)
        if name not in shown:
            wrong.append((1, "no page shows this figure; remove the file"))
        for keys, said in _drawing_problems(figure) if figure else ():
            wrong.append((forms.line(text, keys), said))
        yield from (Problem(f"{FOLDER}/{name}.yaml", *found) for found in wrong)


def _drawing_problems(figure: Figure) -> Iterator[tuple[Keys, str]]:
    boxes: list[tuple[Keys, Box]]
    arrows: list[tuple[Keys, Arrow]]
    boxes = [(("boxes", number), box) for number, box in enumerate(figure.boxes)]
    arrows = [(("arrows", number), arrow) for number, arrow in enumerate(figure.arrows)]
    parts: list[tuple[Keys, Box | Arrow]] = [*boxes, *arrows]
    for keys, box in boxes:
        yield from ((keys, text) for text in _box_problems(box, figure.width))
    for (_, one), (keys, two) in combinations(boxes, 2):
        apart = not one.area.meets(two.area)
        if not (apart or one.area.holds(two.area) or two.area.holds(one.area)):
            yield keys, f"boxes {one.id} and {two.id} overlap; move one"
    for language in LANGUAGES:
        for keys, arrow in arrows:
            if arrow.label[language] and not _has_room(figure, arrow.letters(language)):
                text = f"'{arrow.label[language]}' ({language}) doesn't fit beside its arrow"
                yield keys, f"{text}; make room"
        for keys, part in parts:
            letters = part.letters(language) if part.label[language] else None
            if letters and any(letters.meets(arrow.area) for arrow in figure.arrows):
                text = f"an arrow runs through '{part.label[language]}' ({language}); move one"
                yield keys, text


def _box_problems(box: Box, width: float) -> Iterator[str]:
    if box.x < 0 or box.y < 0 or box.area.right > width:
        yield f"box {box.id} lies outside of the figure; move it or make 'width' larger"
    for language, label in box.label.items():
        lines = label.split("\n")
        if max(map(length, lines)) > box.width - _PADDING:
            yield f"box {box.id} is too narrow for its label ({language}); make it wider"
        if len(lines) * SIZE * LINE > box.height:
            yield f"box {box.id} is too low for its label ({language}); make it higher"


def _has_room(figure: Figure, letters: Area) -> bool:
    """Tell whether an arrow's label lies within the figure and crosses no box's edge."""
    edges = (box.area for box in figure.boxes if box.style != "bare")
    crossed = any(edge.meets(letters) and not edge.holds(letters) for edge in edges)
    return Area(0, 0, figure.width, figure.height).holds(letters) and not crossed
