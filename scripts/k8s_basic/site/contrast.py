"""The contrast of every text of the built site, worked out from its pages and style sheets.

No browser is needed: `cascade` tells the style of each kind of element, in both palettes, at every
width at which the style sheets differ and on paper, with menus closed and open, and with the
pointer or the focus on each of its ancestors. What cannot be worked out is a finding, and so is a
color of ours that neither a text nor its ground has.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from cssselect2 import ElementWrapper

from .cascade import (
    CLEAR,
    WHITE,
    Color,
    Declaration,
    Match,
    Screen,
    Sheets,
    Style,
    UnjudgedError,
    Value,
    computed,
    meets,
    over,
)
from .marks import SYMBOLS

PALETTES = ("default", "slate")
TEXT, ICON = 5.0, 3.0  # the least contrast of letters, and of signs without letters
# What scripts and the evidence of runs add to a page: after a piece of its HTML, more of it.
_FOUND = (
    '<a class="md-search-result__link" href=".">'
    '<article class="md-search-result__article md-typeset">{}<p>c<mark>d</mark></p></article></a>'
)
ADDED = {
    'id="search-results" hidden>': '<li class="md-search-result__item">'
    + _FOUND.format(
        '<div class="md-search-result__icon md-icon"></div><p class="title">a<mark>b</mark></p>'
    )
    + _FOUND.format('<p class="heading">a<mark>b</mark></p>')
    + "</li>",
    '<div class="md-dialog__inner md-typeset">': "a",
    '<div class="language-bash highlight"><pre><span></span>': '<nav class="md-code__nav">'
    '<button class="md-code__button" data-md-type="copy"></button></nav>',
    '<section class="evidence">': '<div class="scroll"><table><tbody><tr>'
    + "".join(f'<td class="{state}">a</td>' for state in (*SYMBOLS, "verified old"))
    + "</tr></tbody></table></div>",
}
CLAIM_STATES = [*SYMBOLS, "verified old", "verified closed"]
_VOID = set("area base br col embed hr img input link meta source track wbr".split())


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two opaque colors as WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _written(color: Color) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in color[:3])


# --- pages


class _Reader(HTMLParser):
    """Builds the tree of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tree, self.depth = ET.TreeBuilder(), 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        self.depth += 1
        if tag in _VOID:
            self._end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._end(tag)

    def _end(self, tag: str) -> None:
        self.depth -= 1
        self.tree.end(tag)

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.tree.data(data)


def read(html: str) -> ET.Element:
    """Return the tree of a page; the letters of a figure stand inside of the box below them."""
    reader = _Reader()
    reader.feed(html.replace('class="no-js"', 'class="js"'))
    root = reader.tree.close()
    for drawing in root.iter("svg"):
        boxes: list[ET.Element] = []
        for part in list(drawing):
            if part.tag == "rect":
                boxes.append(part)
            below = [box for box in boxes if part.tag == "text" and _holds(box, part)]
            if below:
                drawing.remove(part)
                below[-1].append(part)
    return root


def _holds(box: ET.Element, text: ET.Element) -> bool:
    sides = (("x", "width"), ("y", "height"))
    return all(
        0 <= float(text.get(at, 0)) - float(box.get(at, 0)) <= float(box.get(size, 0))
        for at, size in sides
    )


def _vary(root: ET.Element, variants: dict[str, list[str]]) -> None:
    """Add copies: `variants` maps a class to the classes that elements with it may also get."""
    for parent in list(root.iter()):
        for child in list(parent):
            classes = child.get("class", "").split()
            for name in variants.keys() & set(classes):
                others = set(" ".join(variants[name]).split())
                for chosen in variants[name]:
                    other = copy.deepcopy(child)
                    other.set("class", " ".join([*(c for c in classes if c not in others), chosen]))
                    parent.append(other)


def read_site(folder: Path, names: tuple[str, ...] = ("**/*.html",)) -> Site:
    """Return a built site, or some of its pages, with what scripts and evidence add to them."""
    files = sorted(file for name in names for file in folder.glob(name))
    texts = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}
    for before, more in ADDED.items():
        if not any(before in text for text in texts.values()):
            raise UnjudgedError(f"no page has {before!r}, so ADDED can't put more after it")
        texts = {name: text.replace(before, before + more) for name, text in texts.items()}
    linked = re.findall(
        r'<link rel="stylesheet" href="[^"]*?(assets/[^"]+)"', next(iter(texts.values()))
    )
    theirs = [name for name in linked if "/stylesheets/" in name]
    sheets = Sheets(
        [(folder / name).read_text(encoding="utf-8") for name in theirs],
        [(folder / name).read_text(encoding="utf-8") for name in linked if name not in theirs],
    )
    scripts = "".join(f.read_text(encoding="utf-8") for f in folder.glob("assets/javascripts/*.js"))
    variants = {"claim": CLAIM_STATES}
    for name in set(re.findall(r'"(md-\w+--\w+)"', scripts)) & sheets.classes:
        variants.setdefault(name.partition("--")[0], []).append(name)
    pages = {name: read(text) for name, text in texts.items()}
    for root in pages.values():
        _vary(root, variants)
    return Site(sheets, pages)


class State(NamedTuple):
    """What has the pointer, the focus or the address: the element at `depth` of a chain.

    With `before` it's the elements before that one.
    """

    name: str
    depth: int
    before: bool

    def on(self, depth: int) -> str:
        """Return the states of the element at `depth`."""
        last = depth == self.depth
        return {
            "hover": "hover",
            "active": "hover active",
            "focus": "focus focus-visible focus-within" if last else "focus-within",
            "target": "target" if last else "",
        }[self.name]


STATES = [("hover", False), ("active", False), ("target", False), ("focus", False), ("focus", True)]


@dataclass(frozen=True, eq=False)
class Looks:
    """What an element's style is made of, and what it comes to."""

    style: Style
    matched: list[Match]


@dataclass(eq=False)
class Kind:
    """Elements that no selector tells apart, and the first of them."""

    first: ElementWrapper
    parent: Kind | None
    page: str
    text: bool
    matched: dict[State | None, list[Match]] = field(default_factory=dict)
    looks: dict[object, Looks] = field(default_factory=dict)

    @cached_property
    def chain(self) -> tuple[Kind, ...]:
        """The kinds from the root to this one."""
        return (*(self.parent.chain if self.parent else ()), self)

    def __str__(self) -> str:
        elements = [kind.first.etree_element for kind in self.chain[-4:]]
        names = [".".join([e.tag, *e.get("class", "").split()]) for e in elements]
        return f"{' > '.join(names)} ({self.page})"


class Site:
    """The kinds of element on all pages, and what matches them."""

    def __init__(self, sheets: Sheets, pages: dict[str, ET.Element]) -> None:
        self.sheets = sheets
        self._known: dict[object, Kind] = {}
        for page, root in pages.items():
            self._collect(ElementWrapper.from_html_root(root), None, None, page)
        self.kinds = list(self._known.values())
        wrappers = {w for kind in self.kinds for w in (kind.first, *kind.first.ancestors)}
        self._elements = {element for wrapper in wrappers for element in wrapper.etree_siblings}

    def _collect(
        self, element: ElementWrapper, parent: Kind | None, before: object, page: str
    ) -> object:
        node = element.etree_element
        attributes = [
            (name, value if value in self.sheets.values else "")
            for name, value in node.items()
            if name in self.sheets.attributes
        ]
        if node.tag == "style" or re.search(r"color|background|fill", node.get("style", "")):
            self.sheets.unjudged.append(f"a style outside of the style sheets: {page}")
        text = any((part or "").strip() for part in (node.text, *(child.tail for child in node)))
        looks = node.tag, node.get("class"), *attributes
        key = id(parent), before, looks, text
        if key not in self._known:
            self._known[key] = Kind(element, parent, page, text)
        previous: object = None
        for child in element.iter_children():
            previous = self._collect(child, self._known[key], previous, page)
        return looks

    def set(self, palette: str, opened: bool) -> None:
        """Choose the palette, and whether menus and search are open, and match all again."""
        for element in self._elements:
            if element.get("data-md-color-scheme"):
                element.set("data-md-color-scheme", palette)
            if "md-toggle" in element.get("class", ""):
                element.attrib.pop("checked", None)
                if opened:
                    element.set("checked", "")
        plain = {kind: self.sheets.match(kind.first, False) for kind in self.kinds}
        usual = {kind: self.sheets.match(kind.first, True) for kind in self.kinds}
        for kind in self.kinds:
            kind.looks, kind.matched = {}, {None: plain[kind] + usual[kind]}
        for name, before in (state for state in STATES if state[0] in self.sheets.states):
            everywhere = dict.fromkeys(self._elements, State(name, 0, before).on(0))
            found = self._in_state(self.kinds, everywhere)
            for kind in self.kinds:  # parents come before their children
                above = kind.parent.matched if kind.parent else {}
                for state in (State(name, depth, before) for depth in range(len(kind.chain))):
                    matched = usual[kind]
                    if found[kind] != usual[kind]:
                        matched = self._in_state([kind], self._at(kind, state))[kind]
                    if matched != usual[kind] or state in above:
                        kind.matched[state] = plain[kind] + matched

    def _at(self, kind: Kind, state: State) -> dict[ET.Element, str]:
        """Return the elements of a kind's chain and their states."""
        *above, at = [*kind.first.ancestors, kind.first][: state.depth + 1]
        within = {w.etree_element: state.on(depth) for depth, w in enumerate(above)}
        chosen = at.previous_siblings if state.before else [at]
        return within | {w.etree_element: state.on(state.depth) for w in chosen}

    def _in_state(
        self, kinds: list[Kind], states: dict[ET.Element, str]
    ) -> dict[Kind, list[Match]]:
        """Return what matches kinds and depends on states, while elements are in some."""
        for element, names in states.items():
            element.set("state", names)
        matched = {kind: self.sheets.match(kind.first, True) for kind in kinds}
        for element in states:
            del element.attrib["state"]
        return matched


# --- findings


class Judge:
    """Judges all text of a site; `pairs` are the colors seen, of letters and of their ground."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.pairs: set[tuple[str, str]] = set()
        self._used: set[Declaration] = set()
        self._faint: dict[object, str] = {}
        self._unjudged: set[str] = set()
        self._looks: dict[object, Looks] = {}
        self._judged: set[object] = set()

    def run(self) -> list[str]:
        """Return every finding as a sentence, the lowest contrast first; raises UnjudgedError."""
        sheets = self.site.sheets
        screens = sheets.screens()
        for palette in PALETTES:
            for opened in (False, True):
                self.site.set(palette, opened)
                for kind in self.site.kinds:
                    for screen in screens:
                        for state in kind.matched:
                            self._judge(kind, screen, state, palette)
        unused = [
            f"a color that no text has: {line}"
            for line in sheets.declarations
            if line.ours and line.is_color and line not in self._used
        ]
        unjudged = sorted({*sheets.unjudged, *self._unjudged})
        return [*sorted(self._faint.values()), *unjudged, *unused]

    def _looks_of(self, kind: Kind, screen: Screen, state: State | None) -> Looks:
        """Return what a kind looks like; kinds that look alike share it."""
        state = state if state in kind.matched else None
        if (screen, state) not in kind.looks:
            held = [m for m in kind.matched[state] if meets(screen, m.lines[0].media)]
            above = self._looks_of(kind.parent, screen, state) if kind.parent else None
            key = id(above), *((m.weight, m.pseudo) for m in held)
            if key not in self._looks:
                style = computed(held, None, above.style if above else Style())
                self._looks[key] = Looks(style, held)
            kind.looks[screen, state] = self._looks[key]
        return kind.looks[screen, state]

    def _judge(self, kind: Kind, screen: Screen, state: State | None, palette: str) -> None:
        looks, element = self._looks_of(kind, screen, state), kind.first.etree_element
        key = id(looks), element.tag, element.get("type"), kind.text
        if not looks.style.shown or key in self._judged:
            return
        self._judged.add(key)
        styles = [self._looks_of(k, screen, state).style for k in kind.chain]
        place = f"{palette}, {screen}{', ' + state.name if state else ''}"
        icon = element.tag == "svg" and not element.get("role")
        if icon or element.tag == "text":
            self._compare(kind, styles[-1].fill, styles, place, ICON if icon else TEXT)
        elif kind.text or element.get("type") == "text":
            self._compare(kind, styles[-1].color, styles, place, TEXT)
        for pseudo in {match.pseudo for match in looks.matched if match.pseudo}:
            style, at = computed(looks.matched, pseudo, styles[-1]), f"{place}, ::{pseudo}"
            if style.shown and (style.writes or pseudo in ("marker", "placeholder")):
                self._compare(kind, style.color, [*styles, style], at, TEXT)
            elif style.shown and style.icon:
                self._compare(kind, style.ground, styles, at, ICON)

    def _compare(
        self, kind: Kind, ink: Value, styles: list[Style], place: str, least: float
    ) -> None:
        """Judge what is drawn with `ink` on the grounds of a chain, the innermost last."""
        grounds = [style.ground for style in styles]
        for number, part in enumerate(kind.chain):
            if part.first.etree_element.tag == "rect":
                grounds[number] = styles[number].fill
        layers = list(zip(grounds, (style.opacity for style in styles)))
        try:
            seen, below = _seen(ink, layers)
        except UnjudgedError as problem:
            self._unjudged.add(f"could not judge {kind}: {problem}")
            return
        self._used |= ink.made.union(*(ground.made for ground in grounds))
        if ink.color[3] == 0:  # not drawn
            return
        pair = _written(seen), _written(below)
        self.pairs.add(pair)
        if (ratio := contrast(seen, below)) < least:
            made = max(ink.made, key=lambda line: line.rank, default="the browser's own color")
            told = f"{ratio:.2f} : 1, {' on '.join(pair)} ({place}): {kind}, {made}"
            self._faint.setdefault(pair, told)


def _seen(ink: Value, layers: list[tuple[Value, float]]) -> tuple[Color, Color]:
    """Return letters and ground as they reach the eye; raises UnjudgedError."""
    letters, ground, problem = ink.color, CLEAR, ink.unjudged
    for layer, opacity in reversed(layers):
        if ground[3] < 1:
            problem = problem or layer.unjudged
        letters, ground = (
            (*color[:3], color[3] * opacity)
            for color in (over(letters, layer.color), over(ground, layer.color))
        )
    if problem:
        raise UnjudgedError(problem)
    return over(letters, WHITE), over(ground, WHITE)
