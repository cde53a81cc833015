"""The tables that a build makes from YAML: terms, and the needs of examples."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..content import glossary, restrictions
from ..content.pages import Page
from .templating import WORDS


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


def lessons(pages: list[Page], language: str, topics: list[tuple[str, list[str]]]) -> str:
    """Return, as Markdown, every topic and its lessons, given by their files, in their order."""
    known = {page.path.removeprefix("docs/"): page for page in pages}
    words, lines = WORDS[language], []
    for title, files in topics:
        found = [known[file] for file in files]
        minutes = sum(page.meta["minutes"] for page in found)
        lines.append(f"\n### {title} {{#topic-{found[0].name.partition('/')[0]}}}\n")
        lines.append(words["pages"].format(number=len(found), minutes=minutes) + "\n")
        lines += [words["about"].format(path=f"{page.name}.md", **page.meta) for page in found]
    return "\n".join(lines)


def restrictions_table(root: Path, language: str) -> str:
    """Return the rows of a Markdown table, one for each example, alike in all languages."""
    lines = []
    for name, verdict in restrictions.read(root).items():
        marks = " | ".join("✓" if verdict[column] else "–" for column in restrictions.COLUMNS)
        lines.append(f"| [{name}]({{{{ examples }}}}/{name}) | {marks} |")
    return "\n".join(lines)
