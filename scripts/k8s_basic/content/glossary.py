"""The one list of terms (docs/glossary.yaml), and the words that it replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import forms
from .pages import Page
from .problems import Problem

FILE = "docs/glossary.yaml"
_LINK_TARGET = re.compile(r"(?<=\]\()[^)]*")


def glossary_problems(root: Path, pages: list[Page]) -> list[Problem]:
    """Return what is wrong with the glossary itself, else each forbidden word on the pages."""
    glossary, wrong = forms.read((root / FILE).read_text(encoding="utf-8"), "glossary")
    if wrong := wrong or [(1, text) for text in _at_odds(glossary)]:
        return [Problem(FILE, *found) for found in wrong]
    return [
        problem
        for page in pages
        for prose in [_LINK_TARGET.sub(lambda target: " " * len(target[0]), page.prose)]
        for entry in glossary["forbidden"][page.language]
        for problem in _uses(page, prose, entry)
    ]


def _at_odds(glossary: dict[str, Any]) -> Iterator[str]:
    """Yield terms that stand twice, and meanings of what is no term."""
    terms = [term["en"] for term in glossary["terms"]]
    yield from (f"term '{t}' stands twice; keep one" for t in set(terms) if terms.count(t) > 1)
    for name in glossary.get("meanings", {}).keys() - set(terms):
        yield f"meaning of '{name}', which is no term; add the term"


def _uses(page: Page, prose: str, entry: dict[str, str]) -> Iterator[Problem]:
    # A blank of the pattern also matches the end of a line inside a sentence.
    pattern = re.compile(entry["word"].replace(" ", r"\s+"), re.IGNORECASE)
    advice = f"use {entry['use']} ({entry['why']})"
    for match in pattern.finditer(prose):
        line = prose.count("\n", 0, match.start()) + 1
        yield Problem(page.path, line, f"'{' '.join(match[0].split())}': {advice}")
    for key in ("title", "description"):
        if found := pattern.search(str(page.meta.get(key, ""))):
            yield Problem(page.path, page.line_of(key), f"'{found[0]}': {advice}")
