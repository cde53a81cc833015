"""What readers look for a page by in other words than its own (docs/keywords.yaml)."""

from __future__ import annotations

from pathlib import Path

from . import forms
from .fields import Found
from .pages import Page
from .problems import Problem, closest

FILE = "docs/keywords.yaml"


def read(root: Path) -> dict[str, dict[str, str]]:
    """Return the words of each page and language; nothing of what is not YAML."""
    return _read(root)[0] or {}


def _read(root: Path) -> tuple[dict[str, dict[str, str]] | None, list[Found]]:
    file = root / FILE
    return forms.read(file.read_text(encoding="utf-8") if file.is_file() else "", "keywords")


def keyword_problems(root: Path, pages: list[Page]) -> list[Problem]:
    """Return what is wrong with the file: pages that don't exist, and forms that aren't its own."""
    words, wrong = _read(root)
    names = {page.name for page in pages}
    for name in (words or {}).keys() - names if not wrong else ():
        wrong.append((1, f"there is no page '{name}'{closest(name, names)}"))
    return [Problem(FILE, *found) for found in wrong]
