"""What readers look for a page by in other words than its own (docs/keywords.yaml)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from .pages import LANGUAGES, Page
from .problems import Problem, closest

FILE = "docs/keywords.yaml"


def read(root: Path) -> dict[str, dict[str, str]]:
    """Return the words of each page and language; raises yaml.YAMLError for what is not YAML."""
    file = root / FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    loaded: dict[str, dict[str, str]] = yaml.load(text, Loader=yaml.CSafeLoader) or {}
    return loaded


def keyword_problems(root: Path, pages: list[Page]) -> list[Problem]:
    """Return what is wrong with the file: pages that don't exist, and forms that aren't its own."""
    try:
        loaded = read(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [Problem(FILE, line, f"not YAML ({error.problem}); mend it")]
    return [Problem(FILE, 1, text) for text in _wrong(loaded, {page.name for page in pages})]


def _wrong(loaded: object, names: set[str]) -> Iterator[str]:
    if not isinstance(loaded, dict):
        yield "must be a mapping from pages to their words"
        return
    for name, words in loaded.items():
        if name not in names:
            yield f"there is no page '{name}'{closest(str(name), names)}"
        elif not (
            isinstance(words, dict)
            and set(words) == set(LANGUAGES)
            and all(isinstance(text, str) and text for text in words.values())
        ):
            yield f"'{name}' must have exactly the texts ko and en"
