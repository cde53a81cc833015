"""One page of the site, read line by line: sections, claims, includes, commands, outputs, …"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

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
    """A fenced block: its first and last line (from 1), its header and its dedented content."""

    first: int
    last: int
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

    def _front_matter(self) -> tuple[int, dict[str, Any]]:
        end = self.lines.index("---", 1) if "---" in self.lines[1:] else 0
        if self.lines[0] != "---" or not end:
            self.problem(1, "front matter is missing; start with --- title, description, minutes")
            return 0, {}
        try:
            meta = yaml.load("\n".join(self.lines[1:end]), Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            self.problem(1, f"front matter is not YAML ({' '.join(str(error).split())}); mend it")
            return end + 1, {}
        return end + 1, meta if isinstance(meta, dict) else {}

    def _sections(self) -> list[Section]:
        inside = {n for f in self.fences for n in range(f.first, f.last + 1)}
        found: list[Section] = []
        for number, line in enumerate(self.lines[self.body :], start=self.body + 1):
            heading = None if number in inside else _HEADING.match(line)
            if heading:
                found.append(self._section(number, heading))
        for section, end in zip(found, [*(s.line for s in found[1:]), len(self.lines) + 1]):
            section.text = "\n".join(self.lines[section.line - 1 : end - 1])
        if not found:
            self.problem(1, "the page has no heading; start with # Title {#page-name}")
            found = [Section(id="", level=1, line=1, title="")]
        return found

    def _section(self, number: int, heading: re.Match[str]) -> Section:
        name, title = heading["id"] or "", heading["title"]
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            self.problem(number, "this heading needs an ASCII id of its own, such as {#why}")
        return Section(id=name, level=len(heading["level"]), line=number, title=title)

    def _section_at(self, line: int) -> Section:
        starts = [section.line for section in self.sections]
        return self.sections[max(0, bisect_right(starts, line) - 1)]

    def _read_fences(self) -> None:
        for before, fence in zip([None, *self.fences], self.fences):
            section = self._section_at(fence.first)
            marked = MARKED.match(fence.info)
            text = "\n".join(fence.content).strip("\n")
            if fence.info == "yaml":
                self._include(fence, section)
            elif fence.info == "bash" or marked:
                mark, reason = (marked["mark"], marked["reason"]) if marked else ("", "")
                section.commands.append(Item(fence.first, text, mark, reason))
                self._check_command(fence)
            elif fence.info == "output":
                self._output(before, fence, section)
            elif fence.info == "figure":
                self._figure(fence, section)
            else:
                self.problem(
                    fence.first,
                    f"a block of '{fence.info or 'plain text'}' is not allowed; commands go into "
                    'bash or { .bash .not-run data-reason="…" } (marks: ' + ", ".join(MARKS) + "), "
                    "manifests are included, output is never typed",
                )

    def _figure(self, fence: Fence, section: Section) -> None:
        if len(fence.content) == 1 and re.fullmatch(r"[a-z0-9-]+", fence.content[0]):
            section.figures.append(Item(fence.first, fence.content[0]))
        else:
            text = "a figure block names one file of docs/figures, such as cluster-layout"
            self.problem(fence.first, text)

    def _output(self, before: Fence | None, fence: Fence, section: Section) -> None:
        content = [line.strip() for line in fence.content if line.strip()]
        name = f"{self.name}/{content[0]}" if len(content) == 1 else ""
        if not self._follows_command(before, fence, section):
            text = "output stands directly below the bash block it belongs to (unmarked or .fails)"
            self.problem(fence.first, text)
        elif not name or not re.fullmatch(r"[a-z0-9-]+", content[0]):
            text = "output is never typed: write the recording's name, such as pods, on one line"
            self.problem(fence.first, text)
        elif name in (item.text for item in self.items("outputs")):
            self.problem(fence.first, f"recording {content[0]} stands twice; name one anew")
        else:
            section.outputs.append(Item(fence.first, name))
            section.commands[-1] = replace(section.commands[-1], output=name)

    def _follows_command(self, before: Fence | None, fence: Fence, section: Section) -> bool:
        command = section.commands[-1] if section.commands else None
        if not before or not command or command.line != before.first:
            return False
        between = any(line.strip() for line in self.lines[before.last : fence.first - 1])
        one, two = (self.lines[number - 1] for number in (before.first, fence.first))
        same_indent = len(one) - len(one.lstrip()) == len(two) - len(two.lstrip())
        return command.mark in RECORDED_MARKS and not between and same_indent

    def _include(self, fence: Fence, section: Section) -> None:
        content = [line for line in fence.content if line.strip()]
        include = INCLUDE.match(content[0]) if len(content) == 1 else None
        if include:
            section.includes.append(Item(fence.first + 1, include["path"]))
        else:
            self.problem(
                fence.first,
                'a yaml block may only include a whole file: --8<-- "topic/lesson/name.yaml"; '
                "put this YAML into examples/",
            )

    def _check_command(self, fence: Fence) -> None:
        for number, line in enumerate(fence.content, start=fence.first + 1):
            if re.match(r"\s*\$ ", line):
                self.problem(number, "commands carry no prompt; remove the '$ '")
            if _CLAIM_LIKE.search(line):
                self.problem(number, "a claim id does not belong into code; move it to a sentence")
            if "--8<--" in line:
                self.problem(number, "only a yaml block includes a file; use ```yaml")
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
            for line, match in _located(pattern, self.prose):
                if not _CLAIM_LIKE.match(match[0]):
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
        yield Fence(first, min(number, len(lines)), opening["info"], content)


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
