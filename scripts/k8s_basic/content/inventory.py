"""Where each part of the lecture notes went (docs/inventory.yaml): nothing may be left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .pages import LANGUAGES, Page
from .problems import Problem, closest

FILE = "docs/inventory.yaml"
# How many parts the notes have: texts (N0 to N7), YAML blocks, tables, commands.
COUNTS = {"N0.": 2, "N1.": 11, "N2.": 14, "N3.": 8, "N4.": 10, "N5.": 7, "N6.": 4, "N7.": 7,
          "Y": 25, "T": 1, "X": 18}  # fmt: skip
_KEYS = {"id", "ko", "en", "pages", "example", "claims"}


@dataclass(frozen=True)
class Entry:
    """One part of the notes, and the pages (`topic/page` or `topic/page#section`) it went to."""

    id: str
    line: int
    text: dict[str, str]
    pages: tuple[str, ...]
    example: str = ""
    claims: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The pages without their sections."""
        return [page.partition("#")[0] for page in self.pages]


def ids() -> list[str]:
    """Return the id of every part of the notes, in their order."""
    forms = {kind: "{}{:02}" if kind == "Y" else "{}{}" for kind in COUNTS}
    return [
        forms[kind].format(kind, number)
        for kind, count in COUNTS.items()
        for number in range(1, count + 1)
    ]


def read(root: Path) -> tuple[list[Entry], list[str]]:
    """Return the entries, and the pages that are still being written; raises ValueError."""
    text = (root / FILE).read_text(encoding="utf-8")
    try:
        loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
        entries = [_entry(item, text) for item in loaded["items"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"not as its first lines say ({' '.join(str(error).split())})") from None
    return entries, list(loaded.get("pending") or [])


def _entry(item: dict[str, Any], text: str) -> Entry:
    if unknown := item.keys() - _KEYS:
        raise KeyError(f"{item['id']}: {', '.join(sorted(unknown))}")
    line = text[: text.find(f"- id: {item['id']}\n")].count("\n") + 1
    return Entry(
        item["id"],
        line,
        {language: item[language] for language in LANGUAGES},
        tuple(item["pages"]),
        item.get("example", ""),
        tuple(item.get("claims", ())),
    )


def inventory_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield what is left out of the inventory, and what it names that isn't there."""
    if not (root / FILE).exists():
        return
    try:
        entries, pending = read(root)
    except ValueError as malformed:
        yield Problem(FILE, 1, f"{malformed}; mend it")
        return
    known = {page.name: page for page in pages if page.language == LANGUAGES[0]}
    for name in pending:
        if name in known:
            yield Problem(FILE, 1, f"{name} exists now; remove it from 'pending'")
    yield from _id_problems(entries)
    for entry in entries:
        for text in _entry_problems(entry, known, pending):
            yield Problem(FILE, entry.line, f"{entry.id}: {text}")


def _id_problems(entries: list[Entry]) -> Iterator[Problem]:
    listed = [entry.id for entry in entries]
    for name in ids():
        if name not in listed:
            yield Problem(FILE, 1, f"{name} of the notes is missing; say where it went")
    for number, entry in enumerate(entries):
        if entry.id not in ids() or entry.id in listed[:number]:
            text = f"{entry.id} stands twice or isn't in the notes; remove it"
            yield Problem(FILE, entry.line, text)


def _entry_problems(entry: Entry, known: dict[str, Page], pending: list[str]) -> Iterator[str]:
    if not entry.pages:
        yield "no page; name the lesson that has it"
    for place in entry.pages:
        name, _, section = place.partition("#")
        if name in known and section and section not in {s.id for s in known[name].sections}:
            yield f"{name} has no heading {{#{section}}}; name another"
        elif name not in known and name not in pending:
            yield f"there's no page {name}{closest(name, known)}"
    if set(entry.names) & set(pending):
        return
    found = [known[name] for name in entry.names if name in known]
    shown = {item.text for page in found for item in page.items("includes")}
    if entry.example and entry.example not in shown:
        yield f"none of its pages shows examples/{entry.example}{closest(entry.example, shown)}"
    marked = {item.text for page in found for item in page.items("claims")}
    for claim in entry.claims:
        if claim not in marked:
            yield f"none of its pages has the mark [{claim}]"
