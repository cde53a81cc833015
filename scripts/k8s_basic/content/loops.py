"""Loops in commands of pages: each has a bound, but for those of a list that only gets shorter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from . import forms
from .pages import Page
from .problems import Problem

FILE = "tests/live/unbounded-loops.yaml"
# What `timeout` runs ends; a loop begins a command, and one that reads ends with what it reads.
_BOUNDED = re.compile(r"\btimeout [\w .-]*sh -c (['\"]).*?\1", re.DOTALL)
_LOOP = re.compile(r"(?:^|[;&|(]|\b(?:do|then|else)\b)\s*(?:until|while(?! (?:IFS=\S* )?read))\b")
_ADVICE = "write kubectl wait --timeout=60s, or timeout 60 sh -c 'until …'"


def loop_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield a problem for each loop without a bound, and each entry of the list without a loop."""
    file = root / FILE
    text = file.read_text(encoding="utf-8") if file.exists() else "{}"
    listed, wrong = forms.read(text, "loops")
    yield from (Problem(FILE, *found) for found in wrong)
    listed = {} if wrong else listed
    places = {(page, loop): (page, n) for page in listed for n, loop in enumerate(listed[page])}
    seen = set()
    for page, line, loop in ((p, *found) for p in pages for found in _loops(p)):
        seen.add((page.name, loop))
        if (page.name, loop) not in places:
            yield Problem(page.path, line, f"this loop may never end; {_ADVICE}")
    for entry in places.keys() - seen:
        line = forms.line(text, places[entry])
        yield Problem(FILE, line, f"{entry[0]} has no such loop any more; remove the entry")


def _loops(page: Page) -> Iterator[tuple[int, str]]:
    """Yield the line, and its number, of each loop without a bound in the commands of a page."""
    for command in page.items("commands"):
        bounded = _BOUNDED.sub(lambda run: re.sub(r"[^\n]", " ", run[0]), command.text)
        lines = zip(command.text.split("\n"), bounded.split("\n"), strict=True)
        for number, (written, line) in enumerate(lines, command.line + 1):
            if _LOOP.search(line):
                yield number, written.strip()
