"""What the tables of a page say, so that a live test can compare them with the cluster."""

from __future__ import annotations

import re

from .. import ROOT
from .pages import CLAIM, LANGUAGES, Page

_CODED = re.compile(r"`([^`]+)`")


def coded_rows(page: str, section: str) -> dict[str, dict[str, list[str]]]:
    """Return the rows of a section's tables that begin with a name in code, for each language.

    `page` is topic/page and `section` an id: {"ko": {"periodSeconds": ["10", …]}, "en": …}. The
    other cells are as they're written, without marks of claims. Raises LookupError where there is
    no such row.
    """
    found = {
        code: _rows(Page(ROOT, ROOT / f"docs/{code}/{page}.md"), section) for code in LANGUAGES
    }
    for code, rows in found.items():
        if not rows:
            raise LookupError(f"docs/{code}/{page}.md has no table with coded rows in #{section}")
    return found


def _rows(page: Page, section: str) -> dict[str, list[str]]:
    text = next((s.text for s in page.sections if s.id == section), "")
    rows = (line.strip().strip("|").split("|") for line in text.split("\n") if line[:1] == "|")
    cells = ([CLAIM.sub("", cell).strip() for cell in row] for row in rows)
    return {name[1]: rest for first, *rest in cells if (name := _CODED.fullmatch(first))}
