"""Figures as SVG inside the page: letters and colors are the page's own, in both palettes."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from ..content.figures import LINE, SIZE, Arrow, Box, Figure

_MARGIN = 2.0
_LINE = SIZE * LINE
_HEAD = 7.0
_SMALLEST = 0.8  # of its own size: below this a figure scrolls, because its letters get too small


def svg(figure: Figure, language: str) -> str:
    """Return the figure in one language; `extra.css` gives its classes their colors."""
    width, height = figure.width + 2 * _MARGIN, figure.height + 2 * _MARGIN
    root = ET.Element(
        "svg",
        {
            "class": "figure",
            "viewBox": f"{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}",
            "style": f"max-width: {width:g}px; min-width: {_SMALLEST * width:g}px",
            "role": "img",
            "aria-label": figure.alt[language],
        },
    )
    for box in figure.boxes:
        _draw_box(root, box, box.label[language])
    for arrow in figure.arrows:
        _draw_arrow(root, arrow, arrow.label[language])
    return ET.tostring(root, encoding="unicode")


def _draw_box(root: ET.Element, box: Box, label: str) -> None:
    place = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    if box.style != "bare":
        ET.SubElement(root, "rect", {"class": box.style, "rx": "4", **_numbers(place)})
    lines = label.split("\n")
    middle = box.y + box.height / 2 - (len(lines) - 1) * _LINE / 2
    first = box.y + _LINE * 0.8 if box.style == "group" else middle
    for number, line in enumerate(lines):
        _write(root, line, box.x + box.width / 2, first + number * _LINE, box.style)


def _draw_arrow(root: ET.Element, arrow: Arrow, label: str) -> None:
    (x1, y1), (x2, y2) = arrow.start, arrow.end
    path = f"M{x1:g} {y1:g}L{x2:g} {y2:g}" + _head(arrow.start, arrow.end)
    path += _head(arrow.end, arrow.start) if arrow.both else ""
    ET.SubElement(root, "path", {"class": "arrow", "d": path})
    if label:
        _write(root, label, *arrow.beside, "start" if arrow.upright else "note")


def _head(start: tuple[float, float], end: tuple[float, float]) -> str:
    angle = math.atan2(start[1] - end[1], start[0] - end[0])
    sides = [
        (end[0] + _HEAD * math.cos(angle + turn), end[1] + _HEAD * math.sin(angle + turn))
        for turn in (-0.5, 0.5)
    ]
    return "".join(f"M{end[0]:g} {end[1]:g}L{x:.1f} {y:.1f}" for x, y in sides)


def _write(root: ET.Element, text: str, x: float, y: float, style: str) -> None:
    ET.SubElement(root, "text", {"class": style, **_numbers({"x": x, "y": y})}).text = text


def _numbers(values: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:g}" for name, value in values.items()}
