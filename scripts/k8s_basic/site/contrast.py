"""The contrast of every text with what it stands on, worked out from the style sheets alone.

contrast.yaml says which text stands on which ground. A color of the style sheets that it doesn't
name is a finding, and so is one that can't be worked out: what nobody looked at is never taken for
good.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import tinycss2
import yaml
from coloraide import Color
from cssselect2 import ElementWrapper, Matcher, compile_selector_list

PALETTES = ("default", "slate")
LEAST = 5.0  # the ratio that WCAG 2 defines, from 1 to 21
REVIEWED = Path(__file__).with_name("contrast.yaml")

_LETTERS = ("color", "fill")
_GROUNDS = ("background", "background-color", "fill")
_NONE = ("inherit", "currentcolor", "none", "transparent", "initial", "unset", "#0000")
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)")
_MIX = re.compile(r"color-mix\(in srgb, ((?:\([^()]*\)|[^(),])+) ([\d.]+)%, (.+)\)")
_PALETTE = re.compile(r":root(:lang\(en\))?|(:root, )?\[data-md-color-scheme(=\"\w+\")?\]")


class Declaration(NamedTuple):
    """One line of a style sheet; `place` is its selector, after the @media that it stands in."""

    media: str
    selector: str
    name: str
    value: str

    @property
    def place(self) -> str:
        """Where it stands, as contrast.yaml writes it."""
        return f"@media {self.media} {self.selector}" if self.media else self.selector


def theme() -> list[Declaration]:
    """Return what the style sheets of the theme declare."""
    folder = "material/templates/assets/stylesheets"
    found = importlib.metadata.distribution("mkdocs-material").locate_file(folder)
    files = sorted(Path(str(found)).glob("*.css"))
    return [line for file in files for line in declarations(file.read_text("utf-8"))]


def declarations(css: str | list[Any], media: str = "") -> Iterator[Declaration]:
    """Yield all that a style sheet declares; raises ValueError for what can't be read."""
    for rule in tinycss2.parse_rule_list(css, True, True):
        if rule.type == "at-rule" and rule.at_keyword in ("media", "supports"):
            condition = _text(rule.prelude) if rule.at_keyword == "media" else ""
            yield from declarations(rule.content, f"{media} {condition}".strip())
        elif rule.type == "qualified-rule":
            for line in tinycss2.parse_blocks_contents(rule.content, True, True):
                if line.type != "declaration":
                    raise ValueError(f"no declaration below {_text(rule.prelude)}: mend it")
                yield Declaration(media, _text(rule.prelude), line.name, _text(line.value))
        elif rule.type != "at-rule" or rule.at_keyword not in ("charset", "keyframes", "page"):
            raise ValueError(f"a rule that can't be judged: {rule.serialize()[:80]}; write another")


def _text(tokens: list[Any]) -> str:
    return " ".join(tinycss2.serialize(tokens).split())


def variables(lines: list[Declaration], palette: str) -> dict[str, str]:
    """Return the custom properties of the page's body in one palette, as they are written."""
    matcher = Matcher()
    for number, line in enumerate(lines):
        if line.name.startswith("--") and line.media in ("", "screen"):
            for selector in compile_selector_list(line.selector):
                matcher.add_selector(selector, (number, line))
    root = ElementTree.Element("html")
    scheme = {"data-md-color-scheme": palette, "data-md-color-primary": "custom"}
    ElementTree.SubElement(root, "body", scheme)
    known: dict[str, str] = {}
    for element in ElementWrapper.from_html_root(root).iter_subtree():
        matched = [
            (weight, number, line) for weight, _, _, (number, line) in matcher.match(element)
        ]
        known |= {line.name: line.value for *_, line in sorted(matched, key=lambda m: m[:2])}
    return known


def color(text: str, known: dict[str, str]) -> Color:
    """Return the color that a value names; raises ValueError where that can't be worked out."""
    for _ in range(10):  # variables may be made of others
        text = _VARIABLE.sub(lambda found: known.get(found[1], found[2] or "undefined"), text)
    mixed = _MIX.fullmatch(text)
    if not mixed:
        return Color(text)
    one, share, other = mixed.groups()
    return Color(one).mix(Color(other), 1 - float(share) / 100, space="srgb")


class Pair(NamedTuple):
    """Letters on a ground as they reach the eye, and their names in contrast.yaml."""

    palette: str
    text: str
    ground: str
    seen: Color
    below: Color

    @property
    def ratio(self) -> float:
        """How much the two differ, as WCAG 2 defines it."""
        return self.seen.contrast(self.below)

    def __str__(self) -> str:
        inks = " on ".join(ink.to_string(hex=True) for ink in (self.seen, self.below))
        return (
            f"{self.ratio:.2f} : 1, {inks} ({self.palette}): "
            f"{self.text} on {self.ground}; choose another color or ground"
        )


class Sheets:
    """The text of our style sheet, what the theme's declare, and what was reviewed of both."""

    def __init__(self, ours: str, theirs: list[Declaration]) -> None:
        self.ours, self.theirs = list(declarations(ours)), theirs
        self.reviewed = yaml.load(REVIEWED.read_text("utf-8"), yaml.CSafeLoader)

    def pairs(self) -> Iterator[Pair]:
        """Yield each text on each of its grounds; raises ValueError for what can't be computed."""
        for palette in PALETTES:
            known = variables([*self.theirs, *self.ours], palette)
            for entry in self.reviewed["texts"]:
                for ground in entry["stands_on"]:
                    below = self._ground(ground, known)
                    for text in entry["color"]:
                        ink = color(self._value(text, *_LETTERS), known)
                        opacity = float(self._value(entry.get("opacity", "1"), "opacity"))
                        ink.set("alpha", ink["alpha"] * opacity)
                        seen = Color.layer([ink, below], space="srgb")
                        yield Pair(palette, text, ground, seen, below)

    def _ground(self, name: str, known: dict[str, str]) -> Color:
        below, grounds = Color("white"), self.reviewed["grounds"]
        for layer in grounds[name]:
            if layer in grounds:
                below = self._ground(layer, known)
            else:
                top = color(self._value(layer, *_GROUNDS), known)
                below = Color.layer([top, below], space="srgb")
        return below

    def _value(self, named: str, *properties: str) -> str:
        """Return a value that is given by itself or by the rule of ours that declares it."""
        found = (d.value for d in self.ours if d.place == named and d.name in properties)
        return next(found, named)

    def unnamed(self) -> Iterator[str]:
        """Yield a sentence for each color that contrast.yaml doesn't name, and the other way."""
        texts, grounds = self.reviewed["texts"], self.reviewed["grounds"]
        layers = {layer for parts in grounds.values() for layer in parts} - set(grounds)
        inks = {ink for entry in texts for ink in entry["color"]}
        idle = {value for group in self.reviewed["without_text"].values() for value in group}
        faded = {str(entry["opacity"]) for entry in texts if "opacity" in entry}
        named = dict.fromkeys(_GROUNDS, layers | idle)
        named |= {"color": inks | idle, "fill": inks | layers | idle, "opacity": faded | idle}
        colored = [(d, d.place) for d in self.ours if d.name in named]
        colored += [(d, d.value) for d in self.theirs if d.name in named]
        for line in self.ours:
            of_palette = line.media in ("", "screen") and _PALETTE.fullmatch(line.selector)
            if line.name.startswith("--") and not of_palette:
                yield f"{line.place} {{ {line.name} }}: only a palette may set what colors are of"
        for line, key in colored:
            if line.value not in _NONE and key not in named[line.name]:
                yield f"{line.place} {{ {line.name}: {line.value} }}: name {key!r} in contrast.yaml"
        used = {key for _, key in colored}
        for key in sorted((inks | layers | idle | faded) - used):
            yield f"contrast.yaml: no style sheet has {key!r}; remove it or name what replaced it"


def findings(ours: str, theirs: list[Declaration]) -> list[str]:
    """Return every finding as a sentence: what is too faint first, then what nobody looked at."""
    unnamed: list[str] = []
    try:
        sheets = Sheets(ours, theirs)
        unnamed += sheets.unnamed()
        faint = sorted((p for p in sheets.pairs() if p.ratio < LEAST), key=lambda p: p.ratio)
    except ValueError as wrong:
        return [*unnamed, str(wrong)]
    return [*map(str, faint), *unnamed]
