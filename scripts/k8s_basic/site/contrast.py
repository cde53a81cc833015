"""The contrast of every text of the built site, worked out from its pages and style sheets.

No browser is needed: the cascade is followed for each kind of element, in both palettes, at every
width at which the style sheets differ and on paper, and with the pointer or the focus on each of
its ancestors. What cannot be worked out is a finding, and so is a color of ours that no text has.
Colors are sRGB with alpha, each part from 0 to 1.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import tinycss2
from cssselect2 import ElementWrapper, Matcher, SelectorError, compile_selector_list
from tinycss2 import ast
from tinycss2.color5 import parse_color

from .marks import SYMBOLS

Color = tuple[float, float, float, float]
Tokens = list[ast.Node]

PALETTES = ("default", "slate")
CLEAR: Color = (0, 0, 0, 0)
BLACK: Color = (0, 0, 0, 1)
WHITE: Color = (1, 1, 1, 1)
TEXT, ICON = 5.0, 3.0  # the least contrast of letters, and of signs without letters
# What browsers give the few elements that the style sheets might leave alone.
BROWSER = """\
:root { color: #000 } a[href] { color: #00e } mark { background: #ff0; color: #000 }
button, input { color: #000; background: #efefef }
head, script, style, template, title { display: none }
"""
_COLORS = ("color", "fill", "background-color")
_JUDGED = {*_COLORS, "background", "background-image", "opacity", "content", "display", "mask-image"}
_STATES = re.compile(
    r"(?::(?=hover|active|focus|target)|\.(?=focus-visible))"
    r"(hover|active|focus-within|focus-visible|focus|target)(?![\w-])"
)
_VOID = set("area base br col embed hr img input link meta source track wbr".split())
_EM = 16  # pixels


class UnjudgedError(Exception):
    """A color that this module cannot work out."""


# --- colors


def over(top: Color, below: Color) -> Color:
    """Return what is seen where `top` is painted over `below`."""
    alpha = top[3] + below[3] * (1 - top[3])
    if not alpha:
        return CLEAR
    red, green, blue = (
        (t * top[3] + b * below[3] * (1 - top[3])) / alpha for t, b in zip(top[:3], below)
    )
    return red, green, blue, alpha


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two opaque colors as WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _written(color: Color) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in color[:3])


def color_of(token: ast.Node, current: Color) -> Color:
    """Return the color that a token without variables names; raises UnjudgedError."""
    if token.type == "function" and token.lower_name == "color-mix":
        return _mix(token, current)
    parsed = parse_color(token)
    if parsed == "currentcolor":
        return current
    try:
        red, green, blue, alpha = parsed.to("srgb")
    except (AttributeError, NotImplementedError):
        raise UnjudgedError(f"no color known to us: {token.serialize()}") from None
    return red, green, blue, alpha


def _mix(token: ast.FunctionBlock, current: Color) -> Color:
    """Return the color of `color-mix(in srgb, A p%, B q%)`."""
    space, *pair = _split(token.arguments)
    if [t.serialize() for t in _solid(space)] != ["in", "srgb"] or len(pair) != 2:
        raise UnjudgedError(f"a mixture we cannot work out: {token.serialize()}")
    colors, shares = [], []
    for part in pair:
        (name,) = (t for t in _solid(part) if t.type != "percentage")
        colors.append(color_of(name, current))
        shares.append(next((t.value / 100 for t in part if t.type == "percentage"), None))
    one, other = shares
    one = one if one is not None else 1 - other if other is not None else 0.5
    other = other if other is not None else 1 - one
    weights = [share / (one + other) * c[3] for share, c in zip((one, other), colors)]
    alpha = sum(weights)
    if not alpha:
        return CLEAR
    red, green, blue = (sum(w * c[i] for w, c in zip(weights, colors)) / alpha for i in range(3))
    return red, green, blue, alpha * min(1, one + other)


def _solid(tokens: Iterable[ast.Node]) -> Tokens:
    return [t for t in tokens if t.type not in ("whitespace", "comment")]


def _split(tokens: Iterable[ast.Node]) -> list[Tokens]:
    """Return the tokens between top-level commas."""
    parts: list[Tokens] = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


# --- style sheets


@dataclass(frozen=True, eq=False)
class Declaration:
    """One line of a style sheet; `ours` tells whether it is of this repository."""

    name: str
    value: Tokens
    important: bool
    selector: str
    media: tuple[str, ...]
    rank: int  # of its style sheet: 0 for the browser's own
    ours: bool

    def __str__(self) -> str:
        where = "".join(f"@media {condition} " for condition in self.media)
        return f"{where}{self.selector} {{ {self.name}: {tinycss2.serialize(self.value).strip()} }}"


@dataclass(frozen=True)
class Screen:
    """What a page is shown on: `width` in pixels; paper is a medium of its own."""

    width: int
    paper: bool = False

    @cache
    def meets(self, media: tuple[str, ...]) -> bool:
        """Tell whether nested @media conditions are all met; raises UnjudgedError."""
        return all(any(self._meets(part) for part in one.split(",")) for one in media)

    def _meets(self, condition: str) -> bool:
        for part in condition.split(" and "):
            term = part.strip()
            width = re.fullmatch(r"\((min|max)-width: *([\d.]+)em\)", term)
            if width:
                limit = float(width[2]) * _EM
                met = self.width >= limit if width[1] == "min" else self.width <= limit
            elif term in ("screen", "print"):
                met = self.paper == (term == "print")
            else:
                raise UnjudgedError(f"a condition we cannot work out: @media {condition}")
            if not met:
                return False
        return True

    def __str__(self) -> str:
        return "paper" if self.paper else f"{self.width} px"


class Sheets:
    """Style sheets in their order, the last ones being ours."""

    def __init__(self, theirs: list[str], ours: list[str]) -> None:
        self.plain, self.of_states = Matcher(), Matcher()  # selectors without and with a state
        self.attributes = {"id", "type", "checked", "href"}
        self.values: set[str] = set()  # of attributes, as selectors name them
        self.classes: set[str] = set()
        self.unjudged: list[str] = []
        rules: list[tuple[str, list[Declaration]]] = []
        for rank, text in enumerate([BROWSER, *theirs, *ours]):
            parsed = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
            rules += self._rules(parsed, (), rank, rank > len(theirs))
        wanted = _wanted([line for _, lines in rules for line in lines])
        self.declarations: list[Declaration] = []
        for selector, lines in rules:
            kept = [line for line in lines if not line.name.startswith("--") or line in wanted]
            self.declarations += kept
            if kept:
                self._compile(selector, kept)

    def _rules(
        self, rules: Tokens, media: tuple[str, ...], rank: int, ours: bool
    ) -> Iterator[tuple[str, list[Declaration]]]:
        """Yield each selector with what it declares that has to do with colors."""
        for rule in rules:
            if rule.type == "at-rule" and rule.at_keyword in ("media", "supports"):
                condition = tinycss2.serialize(rule.prelude).strip()
                inner = tinycss2.parse_rule_list(rule.content, True, True)
                more = (condition,) if rule.at_keyword == "media" else ()
                yield from self._rules(inner, (*media, *more), rank, ours)
            elif rule.type == "qualified-rule":
                found = tinycss2.parse_blocks_contents(rule.content, True, True)
                selector = tinycss2.serialize(rule.prelude).strip()
                if any(item.type != "declaration" for item in found):
                    self.unjudged.append(f"what we cannot read below {selector}")
                lines = [
                    Declaration(d.name, d.value, d.important, selector, media, rank, ours)
                    for d in found
                    if d.type == "declaration" and (d.name in _JUDGED or d.name.startswith("--"))
                ]
                for part in _split(rule.prelude):
                    yield tinycss2.serialize(part).strip(), lines
            elif rule.type == "error" or rule.at_keyword not in ("charset", "keyframes", "page"):
                self.unjudged.append(f"a rule we cannot read: {rule.serialize()[:80]}")

    def _compile(self, selector: str, lines: list[Declaration]) -> None:
        """Keep a selector; states become an attribute of the same weight that we can set."""
        self.attributes |= set(re.findall(r"\[([\w-]+)", selector))
        self.attributes |= {"lang"} if ":lang(" in selector else set()
        self.values |= set(re.findall(r"(?:#|=\"?)([\w-]+)", selector))
        self.classes |= set(re.findall(r"\.([\w-]+)", selector))
        text = _STATES.sub(r'[state~="\1"]', selector).replace(":valid", "")
        matcher = self.plain if text == selector else self.of_states
        try:
            (compiled,) = compile_selector_list(text)
        except SelectorError as problem:
            if not re.search("::-(webkit|ms)-", selector):  # parts of a browser, without text
                self.unjudged.append(f"a selector we cannot read: {selector} ({problem})")
        else:
            matcher.add_selector(compiled, (len(self.declarations), lines))

    @cached_property
    def screens(self) -> list[Screen]:
        """A width between each two at which the style sheets change, and paper."""
        conditions = {c for d in self.declarations for c in d.media}
        edges = {float(n) * _EM for c in conditions for n in re.findall(r"([\d.]+)em", c)}
        widths = {360, *(int(edge) + 1 for edge in edges)}
        told = {tuple(Screen(w).meets((c,)) for c in sorted(conditions)): w for w in sorted(widths)}
        return [*(Screen(width) for width in told.values()), Screen(718, paper=True)]


def _wanted(lines: list[Declaration]) -> set[Declaration]:
    """Return the variables that colors are made of, and all of ours."""
    wanted = {line for line in lines if line.ours and _is_color(line)}
    names = [line for line in lines if not line.name.startswith("--")]
    while names:
        used = {n for line in names for n in re.findall(r"--[\w-]+", tinycss2.serialize(line.value))}
        names = [line for line in lines if line.name in used and line not in wanted]
        wanted |= set(names)
    return wanted


# --- pages


class _Reader(HTMLParser):
    """Builds the tree of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tree, self.depth = ET.TreeBuilder(), 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        self.depth += tag not in _VOID
        if tag in _VOID:
            self.tree.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        self.tree.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
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
            elif part.tag == "text":
                below = next((box for box in reversed(boxes) if _holds(box, part)), None)
                if below is not None:
                    drawing.remove(part)
                    below.append(part)
    return root


def _holds(box: ET.Element, text: ET.Element) -> bool:
    x, y, width, height = (float(box.get(name, 0)) for name in ("x", "y", "width", "height"))
    return (
        0 <= float(text.get("x", 0)) - x <= width and 0 <= float(text.get("y", 0)) - y <= height
    )


def vary(root: ET.Element, variants: dict[str, list[str]]) -> None:
    """Add copies: `variants` maps a class to the classes that elements with it may also get."""
    for parent in list(root.iter()):
        for child in list(parent):
            classes = child.get("class", "").split()
            for name in variants.keys() & set(classes):
                others = {c for chosen in variants[name] for c in chosen.split()}
                for chosen in variants[name]:
                    other = copy.deepcopy(child)
                    other.set("class", " ".join([*(c for c in classes if c not in others), chosen]))
                    parent.insert(list(parent).index(child) + 1, other)


# What scripts and the evidence of runs add to a page: after a piece of its HTML, more of it.
ADDED = {
    'id="search-results" hidden>': '<li class="md-search-result__item">'
    '<a class="md-search-result__link" href="."><article class="md-search-result__article md-typeset">'
    '<div class="md-search-result__icon md-icon"></div>'
    '<p class="title">a<mark>b</mark></p><p>c<mark>d</mark></p></article></a>'
    '<a class="md-search-result__link" href="."><article class="md-search-result__article md-typeset">'
    '<p class="heading">a<mark>b</mark></p><p>c<mark>d</mark></p></article></a></li>',
    '<div class="md-dialog__inner md-typeset">': "a",
    '<div class="language-bash highlight"><pre><span></span>': '<nav class="md-code__nav">'
    '<button class="md-code__button" data-md-type="copy"></button></nav>',
    '<section class="evidence">': '<div class="scroll"><table><tbody><tr>'
    + "".join(f'<td class="{state}">a</td>' for state in (*SYMBOLS, "verified old"))
    + "</tr></tbody></table></div>",
}
_CLAIM_STATES = {"claim": [*SYMBOLS, "verified old", "verified closed"]}


def read_site(folder: Path) -> Site:
    """Return a built site, with what scripts and evidence add to its pages."""
    files = sorted(folder.rglob("*.html"))
    texts = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}
    for before, more in ADDED.items():
        if not any(before in text for text in texts.values()):
            raise UnjudgedError(f"no page has {before!r}, so ADDED can't put more after it")
        texts = {name: text.replace(before, before + more) for name, text in texts.items()}
    linked = re.findall(r'<link rel="stylesheet" href="[./]*(\S+)"', texts["index.html"])
    theirs, ours = (
        [(folder / name).read_text("utf-8") for name in linked if ("/stylesheets/" in name) == theme]
        for theme in (True, False)
    )
    sheets = Sheets(theirs, ours)
    scripts = "".join(file.read_text("utf-8") for file in folder.glob("assets/javascripts/*.js"))
    pages = {name: read(text) for name, text in texts.items()}
    variants = dict(_CLAIM_STATES)
    for name in set(re.findall(r'"(md-\w+--\w+)"', scripts)) & sheets.classes:
        variants.setdefault(name.partition("--")[0], []).append(name)
    for root in pages.values():
        vary(root, variants)
    return Site(sheets, pages)


@dataclass(frozen=True)
class Match:
    """A selector that matches an element, or one of its pseudo-elements."""

    weight: tuple[object, ...]  # a heavier one wins
    pseudo: str | None
    lines: list[Declaration]


class State(NamedTuple):
    """What has the pointer or the focus: the element at `depth` of a chain, or its siblings before."""

    name: str
    depth: int
    before: bool

    def on(self, depth: int) -> str:
        """Return the states of an element of the chain, or of those before it."""
        if self.name in ("hover", "active"):
            return "hover active" if self.name == "active" else "hover"
        if depth < self.depth:
            return "focus-within" if self.name == "focus" else ""
        return "focus focus-visible focus-within" if self.name == "focus" else self.name


STATES = [("hover", False), ("active", False), ("target", False), ("focus", False), ("focus", True)]


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
        names = []
        for kind in self.chain[-4:]:
            element = kind.first.etree_element
            names.append(".".join([element.tag, *element.get("class", "").split()]))
        return f"{' > '.join(names)} ({self.page})"


@dataclass(frozen=True)
class Value:
    """A color and the declarations that made it."""

    color: Color
    made: frozenset[Declaration] = frozenset()
    unjudged: str = ""


@dataclass(frozen=True)
class Style:
    """What an element's style comes to, as far as its text can be seen by it."""

    color: Value
    fill: Value
    ground: Value
    opacity: float
    shown: bool
    content: bool  # of a pseudo-element: whether it writes something
    icon: bool  # cut out of its ground by a mask
    variables: dict[str, tuple[Tokens | None, frozenset[Declaration]]]


ROOT_STYLE = Style(Value(BLACK), Value(BLACK), Value(CLEAR), 1, True, False, False, {})


class Site:
    """The kinds of element on all pages."""

    def __init__(self, sheets: Sheets, pages: dict[str, ET.Element]) -> None:
        self.sheets = sheets
        self.roots = list(pages.values())
        self.kinds: list[Kind] = []
        known: dict[object, Kind] = {}
        for name, root in pages.items():
            top = ElementWrapper.from_html_root(root)
            self._collect(top, None, None, name, known)

    def _collect(
        self,
        element: ElementWrapper,
        parent: Kind | None,
        before: object,
        page: str,
        known: dict[object, Kind],
    ) -> object:
        node = element.etree_element
        looks = node.tag, node.get("class"), *(
            (name, value if value in self.sheets.values else "")
            for name, value in node.items()
            if name in self.sheets.attributes
        )
        if node.tag == "style" or re.search(r"color|background|fill", node.get("style", "")):
            self.sheets.unjudged.append(f"a style outside of the style sheets: {page}")
        text = bool((node.text or "").strip() or any((c.tail or "").strip() for c in node))
        key = (id(parent), looks, before, text)
        if key not in known:
            known[key] = Kind(element, parent, page, text)
            self.kinds.append(known[key])
        previous: object = None
        for child in element.iter_children():
            previous = self._collect(child, known[key], previous, page, known)
        return looks

    def set(self, palette: str, opened: bool) -> None:
        """Choose the palette, and whether menus and search are open, and match all again."""
        everything = " ".join(State(name, 0, False).on(0) for name, _ in STATES)
        elements = [element for root in self.roots for element in root.iter()]
        for element in elements:
            if element.get("data-md-color-scheme"):
                element.set("data-md-color-scheme", palette)
            if "md-toggle" in element.get("class", ""):
                element.attrib.pop("checked", None)
                if opened:
                    element.set("checked", "")
            element.set("state", everything)
        changing = {k for k in self.kinds if self.sheets.of_states.match(k.first)}
        for element in elements:
            del element.attrib["state"]
        for kind in self.kinds:
            plain = _matches(self.sheets.plain, kind.first)
            usual = _matches(self.sheets.of_states, kind.first)
            kind.looks, kind.matched = {}, {None: plain + usual}
            if kind.parent:  # what its ancestors change with, it may inherit
                kind.matched |= dict.fromkeys(kind.parent.matched, plain + usual)
            if kind in changing or usual:
                for state in (State(n, d, b) for n, b in STATES for d in range(len(kind.chain))):
                    changed = self._of_state(kind.first, state)
                    if changed != usual or state in kind.matched:
                        kind.matched[state] = plain + changed

    def _of_state(self, element: ElementWrapper, state: State) -> list[Match]:
        """Return what matches an element only because of a state."""
        *above, at = [*element.ancestors, element][: state.depth + 1]
        chosen = {w.etree_element: state.on(depth) for depth, w in enumerate(above)}
        for wrapper in at.previous_siblings if state.before else [at]:
            chosen[wrapper.etree_element] = state.on(state.depth)
        for node, names in chosen.items():
            node.set("state", names)
        matched = _matches(self.sheets.of_states, element)
        for node in chosen:
            del node.attrib["state"]
        return matched


def _matches(matcher: Matcher, element: ElementWrapper) -> list[Match]:
    return [
        Match((lines[0].rank > 0, specificity, number), pseudo, lines)
        for specificity, _, pseudo, (number, lines) in matcher.match(element)
    ]


# --- the cascade


def resolve(
    tokens: Tokens, variables: dict[str, tuple[Tokens | None, frozenset[Declaration]]]
) -> tuple[Tokens | None, frozenset[Declaration]]:
    """Return tokens with each var() replaced, or None where one has no value, and what was used."""
    result: Tokens = []
    used: frozenset[Declaration] = frozenset()
    for token in tokens:
        if token.type != "function":
            result.append(token)
            continue
        if token.lower_name == "var":
            name, *other = _split(token.arguments)
            value, made = variables.get(_solid(name)[0].value, (None, frozenset()))
            if value is None and other:
                value, made = resolve([t for part in other for t in part], variables)
        else:
            value, made = resolve(token.arguments, variables)
            if value is not None:
                line, column = token.source_line, token.source_column
                value = [ast.FunctionBlock(line, column, token.name, value)]
        if value is None:
            return None, used | made
        result, used = result + value, used | made
    return result, used


def _winners(matched: Iterable[Match], pseudo: str | None) -> dict[str, Declaration]:
    """Return name → the declaration that counts."""
    winners: dict[str, Declaration] = {}
    mine = [match for match in matched if match.pseudo == pseudo]
    lines = [(line.important, m.weight, line) for m in mine for line in m.lines]
    for _, _, line in sorted(lines, key=lambda found: found[:2]):
        name = line.name if line.name.startswith("--") else line.name.lower()
        names = ("background-color", "background-image") if name == "background" else (name,)
        winners.update(dict.fromkeys(names, line))
    return winners


def computed(matched: Iterable[Match], pseudo: str | None, parent: Style) -> Style:
    """Return the style of an element, or of one of its pseudo-elements."""
    winners = _winners(matched, pseudo)
    variables = _variables(winners, parent)
    current = _value(winners.get("color"), parent.color, parent.color, parent.color, variables)
    ground = _value(
        winners.get("background-color"), Value(CLEAR), parent.ground, current, variables
    )
    picture = winners.get("background-image")
    if picture and re.search(r"url\(|gradient\(", tinycss2.serialize(picture.value)):
        ground = Value(CLEAR, unjudged=f"text on a picture: {picture}")
    alpha = _number(winners["opacity"]) if "opacity" in winners else 1.0
    content, display = (_text(winners.get(name)) for name in ("content", "display"))
    return Style(
        current,
        _value(winners.get("fill"), parent.fill, parent.fill, current, variables),
        ground,
        alpha,
        parent.shown and display != "none" and alpha > 0,
        content not in ("", '""', "none", "normal"),
        "mask-image" in winners,
        variables,
    )


def _text(line: Declaration | None) -> str:
    return tinycss2.serialize(line.value).strip() if line else ""


def _number(line: Declaration) -> float:
    """Return an opacity; one that is worked out when the page is shown is taken for 1."""
    (token,) = _solid(line.value)
    if token.type not in ("number", "percentage"):
        return 1.0
    return float(token.value) / (100 if token.type == "percentage" else 1)


def _variables(
    winners: dict[str, Declaration], parent: Style
) -> dict[str, tuple[Tokens | None, frozenset[Declaration]]]:
    own = {name: line for name, line in winners.items() if name.startswith("--")}
    if not own:
        return parent.variables
    result = dict(parent.variables)
    waiting = dict(own)
    while waiting:  # a variable may be made of others of the same element
        ready = [
            name
            for name, line in waiting.items()
            if not any(f"({other}" in _text(line) for other in waiting if other != name)
        ]
        if not ready:
            raise UnjudgedError(f"variables made of one another: {', '.join(sorted(waiting))}")
        for name in ready:
            value, used = resolve(waiting.pop(name).value, result)
            result[name] = value, used | {own[name]}
    return result


def _value(
    line: Declaration | None,
    initial: Value,
    inherited: Value,
    current: Value,
    variables: dict[str, tuple[Tokens | None, frozenset[Declaration]]],
) -> Value:
    """Return the color of a declaration; `initial` is that of an element without one."""
    if line is None:
        return initial
    tokens, used = resolve(line.value, variables)
    made = used | {line}
    solid = _solid(tokens or [])
    words = {t.lower_value for t in solid if t.type == "ident"}
    if tokens is None or words & {"inherit", "unset", "initial", "none"}:
        kept = inherited if "inherit" in words else initial
        return Value(kept.color, kept.made | made, kept.unjudged)
    found: list[Color] = []
    problem = ""
    for token in solid:
        try:
            found.append(color_of(token, current.color))
        except UnjudgedError as error:
            problem = str(error)
    if len(found) != 1:
        return Value(CLEAR, made, f"{line}: {problem or 'no color'}")
    mine = current.made if "currentcolor" in words else frozenset()
    return Value(found[0], made | mine)


# --- findings


@dataclass(frozen=True, eq=False)
class Looks:
    """What an element's style is made of, and what it comes to."""

    style: Style
    matched: list[Match]


class Judge:
    """Judges all text of a site; `findings` are sentences, `used` the colors that text has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.used: set[Declaration] = set()
        self.findings: dict[object, str] = {}
        self.pairs: set[tuple[str, str]] = set()
        self.looks: dict[object, Looks] = {}
        self.judged: set[object] = set()
        self.unjudged: set[str] = set(site.sheets.unjudged)

    def run(self) -> list[str]:
        """Return every finding, the worst first."""
        for palette in PALETTES:
            for opened in (False, True):
                self.site.set(palette, opened)
                for kind in self.site.kinds:
                    for screen in self.site.sheets.screens:
                        for state in kind.matched:
                            self._judge(kind, screen, state, palette)
        unused = [
            f"a color that no text has: {line}"
            for line in self.site.sheets.declarations
            if line.ours and _is_color(line) and line not in self.used
        ]
        return [*sorted(self.findings.values()), *sorted(self.unjudged), *unused]

    def _looks(self, kind: Kind, screen: Screen, state: State | None) -> Looks:
        state = state if state in kind.matched else None
        if (screen, state) not in kind.looks:
            held = [m for m in kind.matched[state] if screen.meets(m.lines[0].media)]
            above = self._looks(kind.parent, screen, state) if kind.parent else None
            key = id(above), *((id(m.lines), m.pseudo) for m in held)
            if key not in self.looks:
                style = computed(held, None, above.style if above else ROOT_STYLE)
                self.looks[key] = Looks(style, held)
            kind.looks[screen, state] = self.looks[key]
        return kind.looks[screen, state]

    def _judge(self, kind: Kind, screen: Screen, state: State | None, palette: str) -> None:
        chain = [self._looks(k, screen, state) for k in kind.chain]
        element = kind.first.etree_element
        role = id(chain[-1]), element.tag, kind.text
        if not chain[-1].style.shown or role in self.judged:
            return
        self.judged.add(role)
        styles = [looks.style for looks in chain]
        place = f"{palette}, {screen}{', ' + state.name if state else ''}"
        drawn = element.tag == "text" or (element.tag == "svg" and not element.get("role"))
        if kind.text or drawn or (element.tag == "input" and element.get("type") == "text"):
            ink = styles[-1].fill if drawn else styles[-1].color
            self._compare(kind, ink, styles, place, ICON if element.tag == "svg" else TEXT)
        for pseudo in {match.pseudo for match in chain[-1].matched if match.pseudo}:
            style = computed(chain[-1].matched, pseudo, styles[-1])
            if not style.shown:
                continue
            if style.content or pseudo in ("marker", "placeholder"):
                self._compare(kind, style.color, [*styles, style], f"{place}, ::{pseudo}", TEXT)
            elif style.icon:
                self._compare(kind, style.ground, styles, f"{place}, ::{pseudo}", ICON)

    def _compare(
        self, kind: Kind, ink: Value, chain: list[Style], place: str, least: float
    ) -> None:
        """Judge what is drawn with `ink` on the grounds of a chain, the innermost last."""
        if ink.color[3] == 0 and not ink.unjudged:
            return
        layers = [
            (style.fill if k.first.etree_element.tag == "rect" else style.ground, style.opacity)
            for k, style in zip_longest(kind.chain, chain, fillvalue=kind)
        ]
        try:
            seen, ground = _seen(ink, layers)
        except UnjudgedError as problem:
            self.unjudged.add(f"could not judge {kind}: {problem}")
            return
        self.used |= ink.made.union(*(layer.made for layer, _ in layers))
        pair = _written(seen), _written(ground)
        self.pairs.add(pair)
        if contrast(seen, ground) < least:
            made = max(ink.made, key=lambda line: line.rank, default="the browser's own color")
            self.findings.setdefault(
                pair, f"{contrast(seen, ground):.2f} : 1, {' on '.join(pair)} ({place}): {kind}, {made}"
            )


def _seen(ink: Value, layers: list[tuple[Value, float]]) -> tuple[Color, Color]:
    """Return text and ground as they reach the eye."""
    text, ground = ink.color, CLEAR
    problem = ink.unjudged
    for layer, opacity in reversed(layers):
        if ground[3] < 1:
            problem = problem or layer.unjudged
        text, ground = over(text, layer.color), over(ground, layer.color)
        text = (*text[:3], text[3] * opacity)
        ground = (*ground[:3], ground[3] * opacity)
    if problem:
        raise UnjudgedError(problem)
    return over(text, WHITE), over(ground, WHITE)


def _is_color(line: Declaration) -> bool:
    """Tell whether a declaration gives a color that letters could have or stand on."""
    text = tinycss2.serialize(line.value)
    names = {"color", "fill", "background", "background-color"}
    if line.name.startswith("--"):
        return any(parse_color(token) for token in _solid(line.value)) or "color-mix" in text
    return line.name in names and text.strip() not in ("none", "inherit", "transparent")
