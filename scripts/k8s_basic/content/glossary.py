"""The one list of terms (docs/glossary.yaml), and the words that it replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .pages import LANGUAGES, Page
from .problems import Problem

FILE = "docs/glossary.yaml"
_LINK_TARGET = re.compile(r"(?<=\]\()[^)]*")


def glossary_problems(root: Path, pages: list[Page]) -> list[Problem]:
    """Return what is wrong with the glossary itself, else each forbidden word on the pages."""
    try:
        loaded = yaml.load((root / FILE).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [Problem(FILE, line, f"not YAML ({error.problem}); mend it")]
    glossary = loaded if isinstance(loaded, dict) else {}
    malformed = [Problem(FILE, 1, text) for text in _malformed(glossary)]
    if malformed:
        return malformed
    return [
        problem
        for page in pages
        for prose in [_LINK_TARGET.sub(lambda target: " " * len(target[0]), page.prose)]
        for entry in glossary["forbidden"][page.language]
        for problem in _uses(page, prose, entry)
    ]


def _malformed(glossary: dict[str, Any]) -> Iterator[str]:
    terms, forbidden = glossary.get("terms"), glossary.get("forbidden")
    if not isinstance(terms, list) or not isinstance(forbidden, dict):
        yield "the glossary needs a list 'terms' and a mapping 'forbidden'; add them"
        return
    seen: set[str] = set()
    for term in terms:
        texts = {k: v for k, v in term.items() if k != "typed"} if isinstance(term, dict) else term
        if not _has(texts, "ko", "en", "note"):
            yield f"term {term} must have exactly the texts ko, en and note"
        elif "typed" in term and not _are_texts(term["typed"]):
            yield f"typed of '{term['en']}' must be a list of different texts"
        elif term["en"] in seen:
            yield f"term '{term['en']}' stands twice; keep one"
        else:
            seen.add(term["en"])
    for name, meaning in (glossary.get("meanings") or {}).items():
        if name not in seen or not _has(meaning, *LANGUAGES):
            yield f"meaning of '{name}' must belong to a term and have exactly the texts ko and en"
    for entry in glossary.get("asked") or []:
        texts = {**entry, "typed": "texts"} if isinstance(entry, dict) else entry
        if not _has(texts, *LANGUAGES, "typed") or not _are_texts(entry.get("typed")):
            yield f"asked {entry} must have exactly the texts ko and en and a list of texts, typed"
    for language in LANGUAGES:
        for entry in forbidden.get(language) or [f"nothing for {language}"]:
            if not _has(entry, "word", "use", "why"):
                yield f"forbidden {entry} must have exactly the texts word, use and why"
            elif not _compiles(entry["word"]):
                yield f"'{entry['word']}' is no regular expression; mend it"


def _has(entry: object, *keys: str) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == set(keys)
        and all(isinstance(text, str) and text for text in entry.values())
    )


def _are_texts(words: object) -> bool:
    return (
        isinstance(words, list)
        and len(words) == len(set(map(str, words))) > 0
        and all(isinstance(word, str) and word for word in words)
    )


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _uses(page: Page, prose: str, entry: dict[str, str]) -> Iterator[Problem]:
    # A blank of the pattern also matches the end of a line inside a sentence.
    pattern = re.compile(entry["word"].replace(" ", r"\s+"), re.IGNORECASE)
    advice = f"use {entry['use']} ({entry['why']})"
    for match in pattern.finditer(prose):
        line = prose.count("\n", 0, match.start()) + 1
        yield Problem(page.path, line, f"'{' '.join(match[0].split())}': {advice}")
    for key in ("title", "description"):
        found = pattern.search(str(page.meta.get(key, "")))
        if found:
            line = next((n for n, t in enumerate(page.lines, 1) if t.startswith(f"{key}:")), 1)
            yield Problem(page.path, line, f"'{found[0]}': {advice}")
