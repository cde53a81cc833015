"""Figures as SVG inside the page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..content.figures import LINE, SIZE, Arrow, Box, Figure
from .templating import render

_MARGIN = 2  # around the figure, as its template has it
_HEAD = 7.0  # length of an arrow's head
_SMALLEST = 0.8  # of its own size: below this a figure scrolls, because its letters get too small

Point = tuple[float, float]


def svg(figure: Figure, language: str) -> str:
    """Return the figure in one language; `extra.css` gives its classes their colors."""
    width = figure.width + 2 * _MARGIN
    return render(
        "figure.html",
        alt=figure.alt[language],
        width=width,
        height=figure.height + 2 * _MARGIN,
        least=_SMALLEST * width,
        boxes=[(box, list(_lines(box, box.label[language]))) for box in figure.boxes],
        arrows=[(arrow, _path(arrow), arrow.label[language]) for arrow in figure.arrows],
    )


def _lines(box: Box, label: str) -> Iterator[tuple[float, str]]:
    """Yield the lines of a box's label with their heights: a group's stands on top."""
    step, lines = SIZE * LINE, label.split("\n")
    middle = box.y + box.height / 2 - (len(lines) - 1) * step / 2
    first = box.y + step * 0.8 if box.style == "group" else middle
    yield from ((first + number * step, line) for number, line in enumerate(lines))


def _path(arrow: Arrow) -> str:
    (x1, y1), (x2, y2) = arrow.start, arrow.end
    heads = _head(arrow.start, arrow.end) + (_head(arrow.end, arrow.start) if arrow.both else "")
    return f"M{x1:g} {y1:g}L{x2:g} {y2:g}{heads}"


def _head(start: Point, end: Point) -> str:
    angle = math.atan2(start[1] - end[1], start[0] - end[0])
    sides = [
        (end[0] + _HEAD * math.cos(angle + turn), end[1] + _HEAD * math.sin(angle + turn))
        for turn in (-0.5, 0.5)
    ]
    return "".join(f"M{end[0]:g} {end[1]:g}L{x:.1f} {y:.1f}" for x, y in sides)
