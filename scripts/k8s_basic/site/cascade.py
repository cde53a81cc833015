"""Style sheets as far as they give text its color and its ground: which declaration counts where.

tinycss2 reads them and cssselect2 matches their selectors. States of the reader's (`:hover`, focus
and target) become an attribute, `state`, which can be set on an element. What can't be worked out
is told by `Value.unjudged`, by `Sheets.unjudged` or by UnjudgedError, and is never taken for good.
Colors are sRGB with alpha, each part from 0 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import tinycss2
from cssselect2 import ElementWrapper, Matcher, SelectorError, compile_selector_list
from tinycss2 import ast
from tinycss2.color5 import parse_color

Color = tuple[float, float, float, float]
Tokens = list[ast.Node]

CLEAR: Color = (0, 0, 0, 0)
BLACK: Color = (0, 0, 0, 1)
WHITE: Color = (1, 1, 1, 1)
# What browsers give the few elements that the style sheets might leave alone.
BROWSER = """\
:root { color: #000 } a[href] { color: #00e } mark { background: #ff0; color: #000 }
button, input { color: #000; background: #efefef }
head, script, style, template, title { display: none }
"""
_COLORS = {"color", "fill", "background-color", "background"}
_UNKNOWN = {"filter", "backdrop-filter", "mix-blend-mode", "-webkit-text-fill-color", "all"}
_OTHERS = {"background-image", "opacity", "content", "display", "mask-image"}
_STATE = re.compile(
    r"(?::(?=hover|active|focus|target)|\.(?=focus-visible))"
    r"(hover|active|focus-within|focus-visible|focus|target)(?![\w-])"
)
_EM = 16  # pixels


class UnjudgedError(Exception):
    """What this module cannot work out."""


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

    @property
    def text(self) -> str:
        """The value as it is written."""
        return str(tinycss2.serialize(self.value)).strip()

    @property
    def is_color(self) -> bool:
        """Whether it gives a color that letters could have or stand on."""
        if self.name.startswith("--"):
            return "color-mix(" in self.text or any(map(parse_color, _solid(self.value)))
        return self.name in _COLORS and self.text not in ("none", "inherit", "transparent")

    def __str__(self) -> str:
        where = "".join(f"@media {condition} " for condition in self.media)
        return f"{where}{self.selector} {{ {self.name}: {self.text} }}"


Rule = tuple[list[str], list[Declaration]]  # selectors and what they declare


class Match(NamedTuple):
    """A selector that matches an element, or one of its pseudo-elements."""

    weight: tuple[object, ...]  # a heavier one wins
    pseudo: str | None
    lines: list[Declaration]


class Screen(NamedTuple):
    """What a page is shown on: `width` in pixels; paper is a medium of its own."""

    width: int
    paper: bool = False

    def __str__(self) -> str:
        return "paper" if self.paper else f"{self.width} px"


@cache
def meets(screen: Screen, media: tuple[str, ...]) -> bool:
    """Tell whether nested @media conditions are all met; raises UnjudgedError."""
    return all(
        any(all(_term(screen, term.strip()) for term in part.split(" and ")) for part in parts)
        for parts in (condition.split(",") for condition in media)
    )


def _term(screen: Screen, term: str) -> bool:
    if term in ("screen", "print"):
        return screen.paper == (term == "print")
    width = re.fullmatch(r"\((min|max)-width: *([\d.]+)em\)", term)
    if not width:
        raise UnjudgedError(f"a condition we cannot work out: @media {term}")
    limit = float(width[2]) * _EM
    return screen.width >= limit if width[1] == "min" else screen.width <= limit


class Sheets:
    """Style sheets in their order, the last ones being ours."""

    def __init__(self, theirs: list[str], ours: list[str]) -> None:
        self.declarations: list[Declaration] = []
        self.unjudged: list[str] = []
        # what selectors look at
        self.attributes = {"id", "type", "checked", "href"}
        self.values: set[str] = set()
        self.classes: set[str] = set()
        self.states: set[str] = set()
        self._plain, self._of_states = Matcher(), Matcher()
        rules: list[Rule] = []
        for rank, text in enumerate([BROWSER, *theirs, *ours]):
            parsed = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
            rules += self._rules(parsed, (), rank, rank > len(theirs))
        wanted = _wanted([line for _, lines in rules for line in lines])
        for selectors, lines in rules:
            kept = [line for line in lines if line in wanted]
            self.declarations += kept
            for selector in selectors if kept else []:
                self._compile(selector, kept)

    def _rules(
        self, rules: Tokens, media: tuple[str, ...], rank: int, ours: bool
    ) -> Iterator[Rule]:
        """Yield what rules declare that may have to do with colors."""
        for rule in rules:
            if rule.type == "at-rule" and rule.at_keyword in ("media", "supports"):
                condition = tinycss2.serialize(rule.prelude).strip()
                more = (condition,) if rule.at_keyword == "media" else ()
                inner = tinycss2.parse_rule_list(rule.content, True, True)
                yield from self._rules(inner, (*media, *more), rank, ours)
            elif rule.type == "qualified-rule":
                selector = tinycss2.serialize(rule.prelude).strip()
                found = tinycss2.parse_blocks_contents(rule.content, True, True)
                if any(item.type != "declaration" for item in found):
                    self.unjudged.append(f"what we cannot read below {selector}")
                parts = [tinycss2.serialize(part).strip() for part in _split(rule.prelude)]
                yield (
                    parts,
                    [
                        Declaration(d.name, d.value, d.important, selector, media, rank, ours)
                        for d in found
                        if d.type == "declaration"
                    ],
                )
            elif rule.type == "error" or rule.at_keyword not in ("charset", "keyframes", "page"):
                self.unjudged.append(f"a rule we cannot read: {rule.serialize()[:80]}")

    def _compile(self, selector: str, lines: list[Declaration]) -> None:
        """Keep a selector; states become an attribute of the same weight that can be set."""
        self.attributes |= set(re.findall(r"\[([\w-]+)", selector))
        self.attributes |= {"lang"} if ":lang(" in selector else set()
        self.values |= set(re.findall(r"(?:#|=\"?)([\w-]+)", selector))
        self.classes |= set(re.findall(r"\.([\w-]+)", selector))
        self.states |= {name.partition("-")[0] for name in _STATE.findall(selector)}
        text = _STATE.sub(r'[state~="\1"]', selector).replace(":valid", "")
        matcher = self._plain if text == selector else self._of_states
        try:
            (compiled,) = compile_selector_list(text)
        except SelectorError as problem:
            if not re.search("::-(webkit|ms)-", selector):  # parts of a browser, without text
                self.unjudged.append(f"a selector we cannot read: {selector} ({problem})")
        else:
            matcher.add_selector(compiled, (len(self.declarations), lines))

    def match(self, element: ElementWrapper, of_states: bool) -> list[Match]:
        """Return what matches an element, of the selectors with a state or of the others."""
        return [
            Match((lines[0].rank > 0, specificity, number), pseudo, lines)
            for specificity, _, pseudo, (number, lines) in (
                self._of_states if of_states else self._plain
            ).match(element)
        ]

    def screens(self) -> list[Screen]:
        """Return a width for each set of @media conditions that holds at once, and paper."""
        conditions = sorted({c for d in self.declarations for c in d.media})
        edges = {float(n) * _EM for c in conditions for n in re.findall(r"([\d.]+)em", c)}
        widths = sorted({360, *(int(edge) + 1 for edge in edges)})
        told = {tuple(meets(Screen(w), (c,)) for c in conditions): Screen(w) for w in widths}
        return [*told.values(), Screen(718, paper=True)]


def _wanted(lines: list[Declaration]) -> set[Declaration]:
    """Return what has to do with colors, the variables that they are made of among it."""
    names = _COLORS | _UNKNOWN | _OTHERS
    new = {line for line in lines if line.name in names or (line.ours and line.is_color)}
    wanted = set(new)
    while new:
        used = {name for line in new for name in re.findall(r"--[\w-]+", line.text)}
        new = {line for line in lines if line.name in used} - wanted
        wanted |= new
    return wanted


# --- the style of an element


@dataclass(frozen=True)
class Value:
    """A color, the declarations that made it, and why it can't be worked out."""

    color: Color
    made: frozenset[Declaration] = frozenset()
    unjudged: str = ""


Variables = dict[str, tuple[Tokens | None, frozenset[Declaration]]]


@dataclass(frozen=True)
class Style:
    """What an element's style comes to, as far as text is seen by it."""

    color: Value = Value(BLACK)
    fill: Value = Value(BLACK)
    ground: Value = Value(CLEAR)
    opacity: float = 1
    shown: bool = True
    writes: bool = False  # of a pseudo-element: whether it has content
    icon: bool = False  # its ground is cut out by a mask
    variables: Variables | None = None


def computed(matched: Iterable[Match], pseudo: str | None, parent: Style) -> Style:
    """Return the style of an element, or of one of its pseudo-elements; raises UnjudgedError."""
    winners = _winners(matched, pseudo)
    known = _variables(winners, parent.variables or {})
    color = _value(winners.get("color"), parent.color, parent.color, parent.color, known)
    ground = _value(winners.get("background-color"), Value(CLEAR), parent.ground, color, known)
    picture = winners.get("background-image")
    if picture and re.search(r"url\(|gradient\(", picture.text):
        ground = Value(CLEAR, unjudged=f"text on a picture: {picture}")
    if strange := [winners[n] for n in _UNKNOWN & winners.keys() if winners[n].text != "none"]:
        color = Value(CLEAR, unjudged=f"what this does to colors: {strange[0]}")
    opacity = _opacity(winners["opacity"]) if "opacity" in winners else 1.0
    content, display = (winners[n].text if n in winners else "" for n in ("content", "display"))
    return Style(
        color,
        _value(winners.get("fill"), parent.fill, parent.fill, color, known),
        ground,
        opacity,
        parent.shown and display != "none" and opacity > 0,
        content not in ("", '""', "none", "normal"),
        "mask-image" in winners,
        known,
    )


def _winners(matched: Iterable[Match], pseudo: str | None) -> dict[str, Declaration]:
    """Return name → the declaration that counts."""
    winners: dict[str, Declaration] = {}
    mine = [match for match in matched if match.pseudo == pseudo]
    lines = [(line.important, m.weight, line) for m in mine for line in m.lines]
    for _, _, line in sorted(lines, key=lambda found: found[:2]):
        shorthand = line.name == "background"
        names = ("background-color", "background-image") if shorthand else (line.name,)
        winners.update(dict.fromkeys(names, line))
    return winners


def _opacity(line: Declaration) -> float:
    """Return an opacity; one that is worked out when the page is shown is taken for 1."""
    (token,) = _solid(line.value)
    if token.type not in ("number", "percentage"):
        return 1.0
    return float(token.value) / (100 if token.type == "percentage" else 1)


def _variables(winners: dict[str, Declaration], inherited: Variables) -> Variables:
    waiting = {name: line for name, line in winners.items() if name.startswith("--")}
    result = {**inherited} if waiting else inherited
    while waiting:  # a variable may be made of others of the same element
        ready = {
            name: line
            for name, line in waiting.items()
            if not waiting.keys() & set(re.findall(r"--[\w-]+", line.text))
        }
        if not ready:
            raise UnjudgedError(f"variables made of one another: {', '.join(sorted(waiting))}")
        for name, line in ready.items():
            value, used = _resolve(line.value, result)
            result[name] = value, used | {line}
            del waiting[name]
    return result


def _resolve(tokens: Tokens, known: Variables) -> tuple[Tokens | None, frozenset[Declaration]]:
    """Return tokens with each var() replaced, None if one has no value, and what was used."""
    result: Tokens = []
    used: frozenset[Declaration] = frozenset()
    for token in tokens:
        value: Tokens | None = [token]
        made: frozenset[Declaration] = frozenset()
        if token.type == "function" and token.lower_name == "var":
            name, *other = _split(token.arguments)
            value, made = known.get(_solid(name)[0].value, (None, made))
            if value is None and other:
                value, made = _resolve([t for part in other for t in part], known)
        elif token.type == "function":
            value, made = _resolve(token.arguments, known)
            if value is not None:
                line, column = token.source_line, token.source_column
                value = [ast.FunctionBlock(line, column, token.name, value)]
        if value is None:
            return None, used | made
        result, used = result + value, used | made
    return result, used


def _value(
    line: Declaration | None, initial: Value, inherited: Value, current: Value, known: Variables
) -> Value:
    """Return the color of a declaration; `initial` is that of an element without one."""
    if line is None:
        return initial
    tokens, used = _resolve(line.value, known)
    made = used | {line}
    solid = _solid(tokens or [])
    words = {t.lower_value for t in solid if t.type == "ident"}
    if tokens is None or words & {"inherit", "unset", "initial", "none"}:
        kept = inherited if "inherit" in words else initial
        return Value(kept.color, kept.made | made, kept.unjudged)
    found: list[Color] = []
    problem = "no color"
    for token in solid:
        try:
            found.append(color_of(token, current.color))
        except UnjudgedError as error:
            problem = str(error)
    if len(found) != 1:
        return Value(CLEAR, made, f"{line}: {problem}")
    return Value(found[0], made | (current.made if "currentcolor" in words else frozenset()))
