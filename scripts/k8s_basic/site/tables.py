"""The tables that a build makes from YAML: terms, and the needs of examples."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..content import glossary, restrictions
from .marks import WORDS


def glossary_table(root: Path, language: str) -> str:
    """Return all terms as a table in Markdown, in the order of the glossary."""
    loaded = yaml.load((root / glossary.FILE).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    meanings: dict[str, dict[str, str]] = loaded.get("meanings") or {}
    words = WORDS[language]
    rows = [[words["korean"], words["english"], words["meaning"]], ["---"] * 3]
    rows += [
        [term["ko"], term["en"], meanings.get(term["en"], {}).get(language, term["note"])]
        for term in loaded["terms"]
    ]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in r)} |" for r in rows)


def restrictions_table(root: Path, language: str) -> str:
    """Return the rows of a Markdown table, one for each example, alike in all languages."""
    lines = []
    for name, verdict in restrictions.read(root).items():
        marks = " | ".join("✓" if verdict[column] else "–" for column in restrictions.COLUMNS)
        lines.append(f"| [{name}]({{{{ examples }}}}/{name}) | {marks} |")
    return "\n".join(lines)
