"""The tables that a build makes from YAML: terms, needs of examples, where the notes went."""

from __future__ import annotations

import html
from pathlib import Path

import yaml

from ..content import glossary, inventory, restrictions
from ..content.pages import Page
from .marks import WORDS, Sheet


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


def inventory_table(sheet: Sheet) -> str:
    """Return the map of the lecture notes as HTML, each part in a row with an address."""
    entries, _ = inventory.read(sheet.evidence.root)
    titles = {
        page.name: str(page.meta.get("title"))
        for page in sheet.evidence.pages
        if page.language == sheet.language
    }
    words = sheet.words
    heads = (words.number, words.part, words.lesson, words.example, words.verified)
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = "".join(_row(sheet, entry, titles) for entry in entries)
    return (
        f'<div class="scroll parts" role="region" aria-label="{words.part}" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )


def _row(sheet: Sheet, entry: inventory.Entry, titles: dict[str, str]) -> str:
    lessons = [_lesson(sheet, place, titles) for place in entry.pages]
    claims = [_claim(sheet, entry, claim) for claim in entry.claims]
    example = ""
    if entry.example:
        address = sheet.relative(f"examples/{entry.example}")
        example = _link(address, entry.example.rpartition("/")[2])
    name = entry.id.lower().replace(".", "-")
    text = html.escape(entry.text[sheet.language])
    cells = (entry.id, text, ", ".join(lessons), example, " ".join(claims))
    return f'<tr id="{name}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _lesson(sheet: Sheet, place: str, titles: dict[str, str]) -> str:
    name, mark, section = place.partition("#")
    if name not in titles:  # still being written
        return html.escape(name)
    return _link(sheet.to(name) + mark + section, titles[name])


def _claim(sheet: Sheet, entry: inventory.Entry, claim: str) -> str:
    pages = [page for page in sheet.evidence.pages if page.name in entry.names]
    for page in pages:
        if claim in {item.text for item in page.items("claims")}:
            return _link(f"{sheet.to(page.name)}#{claim.lower()}", claim)
    return html.escape(claim)


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'
