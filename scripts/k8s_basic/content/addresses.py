"""The addresses that readers may have kept (docs/addresses.txt): they stay, whatever moves.

`./scripts/confirm` adds what is new; only a person takes a line away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .pages import LANGUAGES
from .problems import Problem

FILE = "docs/addresses.txt"


def addresses(root: Path) -> set[str]:
    """Return the address of every page and example, from the site's root on."""
    examples = root / "examples"
    found = {f"/examples/{f.relative_to(examples).as_posix()}" for f in examples.rglob("*.yaml")}
    for prefix, language in zip(("/", "/en/"), LANGUAGES, strict=True):
        folder = root / "docs" / language
        names = (file.relative_to(folder).as_posix() for file in folder.rglob("*.md"))
        found |= {prefix + re.sub(r"(index)?\.md$", "/", name).lstrip("/") for name in names}
    return found


def listed(root: Path) -> list[str]:
    """Return the lines of the list; none where there is no list."""
    file = root / FILE
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def add_new(root: Path) -> int:
    """Add the addresses that are new to the list and return how many there are."""
    known = set(listed(root))
    every = known | addresses(root)
    (root / FILE).write_text("".join(f"{a}\n" for a in sorted(every)), encoding="utf-8")
    return len(every) - len(known)


def address_problems(root: Path) -> Iterator[Problem]:
    """Yield a problem for each address of the list that is gone."""
    now = addresses(root)
    for line, address in enumerate(listed(root), 1):
        if address not in now:
            text = f"{address} is gone, and readers may have kept it; bring the file back"
            yield Problem(FILE, line, text)
