"""One page of the site, read line by line: sections, claims, includes, commands, outputs, …"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from . import forms
from .problems import Problem

LANGUAGES = ("ko", "en")
RESULTS = "verified"  # the folder of the pages that list the results of a topic
CLAIM = re.compile(r"[ \t]*\[([A-Z]{2}-\d+)\](?!\()")
MARKS = ("background", "terminal", "not-run", "fails")
RECORDED_MARKS = ("", "fails")  # what a machine runs to its end and can keep the output of
EXAMPLE_ADDRESS = re.compile(r"\{\{ examples \}\}/([\w./-]+)")

_CLAIM_LIKE = re.compile(r"\[([A-Za-z]{2}\s*[-_–]?\s*\d+[a-z]?)\]")
_FENCE = re.compile(r"^(?P<indent>\s*)(?P<ticks>`{3,}|~{3,})\s*(?P<info>[^`]*?)\s*$")
_HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<title>.*?)\s*(?:\{\s*#(?P<id>[^}\s]*)\s*\})?\s*$")
INCLUDE = re.compile(r'^--8<-- "(?P<path>[^":]+)"$')
_NAME = re.compile("([a-z0-9-]+)")
MARKED = re.compile(
    r"^\{ \.bash \.(?P<mark>" + "|".join(MARKS) + r') data-reason="(?P<reason>[^"]+)" \}$'
)
_CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s]*)[^)]*\)")
_CONTAINER = re.compile(r"^(?:[-*+]\s|\d+[.)]\s|!!!|\?\?\?|===)")
_NOT_MARKDOWN = (
    (re.compile(r"<(?:[A-Za-z/!])[^>\n]*>?"), "raw HTML is not used in pages; write Markdown"),
    (re.compile(r"!\[[^\]]*\]\("), "pages hold no images; say it in words"),
    (re.compile(r"\[\^[^\]]+\]"), "pages hold no footnotes; put it into a sentence"),
    (re.compile(r"\[[^\[\]]+\]\[[^\[\]]*\]"), "write links as [text](target)"),
)
_NO_BLOCK = (
    "a block of '{}' is not allowed; commands go into bash or "
    f'{{{{ .bash .not-run data-reason="…" }}}} (marks: {", ".join(MARKS)}), '
    "manifests are included, output is never typed"
)
_TYPED_YAML = (
    'a yaml block may only include a whole file: --8<-- "topic/lesson/name.yaml"; '
    "put this YAML into examples/"
)
_TYPED_OUTPUT = "output is never typed: write the recording's name, such as pods, on one line"
_DRAWN = "a figure block names one file of docs/figures, such as cluster-layout"
# Blocks that only name a file: what it is, how that is written, and what to do otherwise.
_NAMING = {
    "yaml": ("includes", INCLUDE, _TYPED_YAML),
    "output": ("outputs", _NAME, _TYPED_OUTPUT),
    "figure": ("figures", _NAME, _DRAWN),
}
_MISPLACED = "output stands directly below the bash block it belongs to (unmarked or .fails)"
_NO_COMMAND = (
    (re.compile(r"^\s*\$ "), "commands carry no prompt; remove the '$ '"),
    (_CLAIM_LIKE, "a claim id does not belong into code; move it to a sentence"),
    (re.compile("--8<--"), "only a yaml block includes a file; use ```yaml"),
)


@dataclass(frozen=True)
class Item:
    """A claim (its id), an include (its path), a link (its target) or a command (its text).

    A figure's text is the name of its file, an output's the name of its recording; so is `output`
    of the command above it.
    """

    line: int
    text: str
    mark: str = ""
    reason: str = ""
    output: str = ""


@dataclass
class Section:
    """A heading and what stands below it, up to the next heading of any level."""

    id: str
    level: int
    line: int
    title: str
    text: str = ""
    claims: list[Item] = field(default_factory=list)
    includes: list[Item] = field(default_factory=list)
    commands: list[Item] = field(default_factory=list)
    links: list[Item] = field(default_factory=list)
    outputs: list[Item] = field(default_factory=list)
    figures: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Fence:
    """A fenced block: its lines (from 1), its indentation, its header and its dedented content."""

    first: int
    last: int
    indent: int
    info: str
    content: tuple[str, ...]


class Page:
    """A Markdown page. `path` is relative to the repository, `name` is `topic/page`."""

    def __init__(self, root: Path, file: Path) -> None:
        self.path = file.relative_to(root).as_posix()
        self.language, _, name = file.relative_to(root / "docs").as_posix().partition("/")
        self.name = name.removesuffix(".md")
        self.problems: list[Problem] = []
        self.lines = file.read_text(encoding="utf-8").split("\n")
        self.body, self.meta = self._front_matter()
        self.fences = list(fences(self.lines, self.body))
        self.sections = self._sections()
        self._check_headings()
        self._read_fences()
        self._read_prose()

    def problem(self, line: int, text: str) -> None:
        """Note that `line` must be changed as `text` says."""
        self.problems.append(Problem(self.path, line, text))

    def items(self, kind: str) -> list[Item]:
        """Return every item of `kind` ("claims", "includes", …) in the order of the page."""
        return [item for section in self.sections for item in getattr(section, kind)]

    @cached_property
    def text(self) -> str:
        """The page with front matter and fences blanked, every character in its place."""
        return without_fences("\n".join(self.lines), self.body)

    @cached_property
    def prose(self) -> str:
        """`text` with code spans blanked too."""
        return without_code_spans(self.text)

    def line_of(self, key: str) -> int:
        """Return the line of a key of the front matter, or the first."""
        return next((n for n, t in enumerate(self.lines, 1) if t.startswith(f"{key}:")), 1)

    def _front_matter(self) -> tuple[int, dict[str, Any]]:
        end = self.lines.index("---", 1) if "---" in self.lines[1:] else 0
        if self.lines[0] != "---" or not end:
            self.problem(1, "front matter is missing; start with --- title, description, minutes")
            return 0, {}
        # the first line is a comment for YAML, so that its lines are those of the page
        meta, wrong = forms.read("\n".join(["#", *self.lines[1:end]]), "front matter")
        for line, text in wrong:
            self.problem(line, text)
        return end + 1, meta if isinstance(meta, dict) else {}

    def _sections(self) -> list[Section]:
        inside = {n for f in self.fences for n in range(f.first, f.last + 1)}
        found: list[Section] = []
        for number, line in enumerate(self.lines[self.body :], start=self.body + 1):
            if number not in inside and (heading := _HEADING.match(line)):
                name, level = heading["id"] or "", len(heading["level"])
                found.append(Section(name, level, number, heading["title"]))
        for section, end in zip(found, [*(s.line for s in found[1:]), len(self.lines) + 1]):
            section.text = "\n".join(self.lines[section.line - 1 : end - 1])
        return found or [Section(id="", level=1, line=1, title="")]

    def _check_headings(self) -> None:
        first, name = self.sections[0], self.name.rpartition("/")[2]
        if first.level != 1 or first.id != name:
            self.problem(first.line, f"the first heading must be # … {{#{name}}}")
        ids: set[str] = set()
        for section in self.sections:
            if section.title and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", section.id):
                self.problem(section.line, "this heading needs an ASCII id, such as {#why}")
            elif section.id in ids:
                self.problem(section.line, f"id {{#{section.id}}} stands twice; rename one")
            if section is not first and section.level == 1:
                self.problem(section.line, "a page has one # heading; use ## here")
            ids.add(section.id)

    def _section_at(self, line: int) -> Section:
        starts = [section.line for section in self.sections]
        return self.sections[max(0, bisect_right(starts, line) - 1)]

    def _read_fences(self) -> None:
        for before, fence in zip([None, *self.fences], self.fences):
            section = self._section_at(fence.first)
            marked = MARKED.match(fence.info)
            if fence.info in _NAMING:
                self._read_name(before, fence, section)
            elif fence.info == "bash" or marked:
                about = (marked["mark"], marked["reason"]) if marked else ("", "")
                text = "\n".join(fence.content).strip("\n")
                section.commands.append(Item(fence.first, text, *about))
                self._check_command(fence)
            else:
                self.problem(fence.first, _NO_BLOCK.format(fence.info or "plain text"))

    def _read_name(self, before: Fence | None, fence: Fence, section: Section) -> None:
        kind, pattern, advice = _NAMING[fence.info]
        found = pattern.fullmatch("\n".join(fence.content).strip())
        name = word = found[1] if found else ""
        if kind == "outputs":
            name = f"{self.name}/{word}"
            if not self._follows_command(before, fence, section):
                found, advice = None, _MISPLACED
            elif found and name in (item.text for item in self.items("outputs")):
                found, advice = None, f"recording {word} stands twice; rename one"
            elif found:
                section.commands[-1] = replace(section.commands[-1], output=name)
        if found:
            getattr(section, kind).append(Item(fence.first, name))
        else:
            self.problem(fence.first, advice)

    def _follows_command(self, before: Fence | None, fence: Fence, section: Section) -> bool:
        if not before or not section.commands or section.commands[-1].line != before.first:
            return False
        between = any(line.strip() for line in self.lines[before.last : fence.first - 1])
        recorded = section.commands[-1].mark in RECORDED_MARKS
        return recorded and not between and before.indent == fence.indent

    def _check_command(self, fence: Fence) -> None:
        for number, line in enumerate(fence.content, start=fence.first + 1):
            for pattern, advice in _NO_COMMAND:
                if pattern.search(line):
                    self.problem(number, advice)
        if not any(line.strip() for line in fence.content):
            self.problem(fence.first, "this command block is empty; write the command or remove it")

    def _read_prose(self) -> None:
        for line, link in _located(LINK, self.prose):
            self._section_at(line).links.append(Item(line, link["target"]))
        for line, claim in _located(_CLAIM_LIKE, self.prose):
            self._claim(line, claim)
        for line, span in _located(_CODE, self.text):
            if CLAIM.search(span[0]):
                self.problem(line, "a claim id does not belong into code; remove the `")
        for pattern, advice in _NOT_MARKDOWN:
            found = _located(pattern, self.prose)
            for line in (line for line, match in found if not _CLAIM_LIKE.match(match[0])):
                self.problem(line, advice)
        self._indented_code()

    def _claim(self, line: int, match: re.Match[str]) -> None:
        section = self._section_at(line)
        if section.line == line and section.title:
            self.problem(line, "a claim id does not belong into a heading; move it to a sentence")
        elif self.prose[match.end() : match.end() + 1] == "(":
            self.problem(line, "a claim id does not belong into a link; move it behind the link")
        elif not re.fullmatch(r"[A-Z]{2}-\d+", match[1]):
            self.problem(line, f"[{match[1]}] is no claim id; write it like [WL-15]")
        else:
            section.claims.append(Item(line, match[1]))

    def _indented_code(self) -> None:
        inside = previous = ""
        for number, line in enumerate(self.text.split("\n"), 1):
            if line[:1].strip():
                inside = line if _CONTAINER.match(line) else ""
            elif line.startswith("    ") and line.strip() and not previous.strip() and not inside:
                self.problem(number, "indented text becomes code; remove the indentation")
            previous = line


def _located(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, re.Match[str]]]:
    return ((text.count("\n", 0, m.start()) + 1, m) for m in pattern.finditer(text))


def without_fences(text: str, body: int = 0) -> str:
    """Return `text` with its first `body` lines and all fences blanked, its length kept."""
    lines = text.split("\n")
    for span in [range(body), *(range(f.first - 1, f.last) for f in fences(lines, body))]:
        for number in span:
            lines[number] = " " * len(lines[number])
    return "\n".join(lines)


def without_code_spans(text: str) -> str:
    """Return `text` with its code spans blanked, every character in its place."""
    return _CODE.sub(lambda span: re.sub(r"[^\n]", "\u00a0", span[0]), text)


def fences(lines: list[str], start: int) -> Iterator[Fence]:
    """Yield the fenced blocks of a page's `lines`, from the line with index `start` on."""
    number = start
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        number += 1
        if not opening:
            continue
        first, indent = number, len(opening["indent"])
        close = re.compile(rf"^\s*{re.escape(opening['ticks'])}+\s*$")
        while number < len(lines) and not close.match(lines[number]):
            number += 1
        content = tuple(
            line[min(indent, len(line) - len(line.lstrip())) :] for line in lines[first:number]
        )
        number += 1
        yield Fence(first, min(number, len(lines)), indent, opening["info"], content)


def is_results(name: str) -> bool:
    """Tell whether page `topic/name` lists the results of a topic, and is no lesson."""
    return name.startswith(f"{RESULTS}/")


def read_pages(root: Path) -> list[Page]:
    """Return every page of both languages, in the order of their paths."""
    files = (f for code in LANGUAGES for f in sorted((root / "docs" / code).rglob("*.md")))
    return [_page(root, file, file.read_bytes()) for file in files]


@cache  # a build asks three times
def _page(root: Path, file: Path, content: bytes) -> Page:
    return Page(root, file)
