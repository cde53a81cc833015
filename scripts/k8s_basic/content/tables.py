"""What the tables of a page say, so that a live test can compare them with the cluster."""

from __future__ import annotations

import re

from .. import ROOT
from .pages import CLAIM, LANGUAGES, Page

# A name, which may be a link, and a remark in brackets.
_CODED = re.compile(
    r"(?P<link>\[)?`(?P<name>[^`]+)`(?(link)\]\([^)]*\))(?: \((?P<remark>[^)]*)\))?"
)
_DEFAULT = {"ko": "기본값", "en": "default"}


def coded_rows(page: str, section: str) -> dict[str, dict[str, list[str]]]:
    """Return the rows of a section's tables that begin with a name in code, for each language.

    `page` is topic/page and `section` an id: {"ko": {"periodSeconds": ["10", …]}, "en": …}. The
    other cells are as they're written, without marks of claims; what stands in brackets behind the
    name is left out. Raises LookupError where there is no such row.
    """
    found = {code: _rows(code, page, section) for code in LANGUAGES}
    return {code: {name: cells for name, _, cells in rows} for code, rows in found.items()}


def default_rows(page: str, section: str) -> dict[str, set[str]]:
    """Return, for each language, the names of the rows that say of themselves "default".

    `page`, `section` and what is raised are those of `coded_rows`.
    """
    found = {code: _rows(code, page, section) for code in LANGUAGES}
    return {
        code: {name for name, *said in rows if _DEFAULT[code] in str(said)}
        for code, rows in found.items()
    }


def _rows(code: str, name: str, section: str) -> list[tuple[str, str, list[str]]]:
    """Return the name, the remark and the other cells of each coded row of one language."""
    page = Page(ROOT, ROOT / f"docs/{code}/{name}.md")
    text = next((s.text for s in page.sections if s.id == section), "")
    lines = text.split("\n")
    heads = {number - 1 for number, line in enumerate(lines) if line.startswith("|---")}
    body = (line for number, line in enumerate(lines) if line[:1] == "|" and number not in heads)
    rows = (line.strip().strip("|").split("|") for line in body)
    cells = ([CLAIM.sub("", cell).strip() for cell in row] for row in rows)
    read = ((_CODED.fullmatch(first), rest) for first, *rest in cells)
    coded = [(match["name"], match["remark"] or "", rest) for match, rest in read if match]
    if not coded:
        raise LookupError(f"docs/{code}/{name}.md has no table with coded rows in #{section}")
    return coded
