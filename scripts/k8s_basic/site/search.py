"""The search's data: for each language a script with the sections of its pages and the synonyms.

What a browser does with them stands in `docs/assets/search/engine.js`. A script, and not JSON,
because a page that is opened from disk may load nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from ..content import glossary, keywords

_ENDING = re.compile(r"(?:/|(?:^|/)index\.html|\.html)$")  # with and without folders
_CODE = re.compile(r"(?<=<pre>).*?(?=</pre>)", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_HEADING = re.compile(r"h[1-6]")
_INLINE = frozenset("a abbr b code em i kbd mark small span strong sub sup".split())
_VOID = frozenset("area base br col hr img input link meta source wbr".split())
# Classes of what is no text of the page.
_UNSAID = frozenset("claim evidence headerlink minutes parts proof raw".split())


@dataclass
class Section:
    """A heading and what stands below it until the next one; the first of a page has no anchor."""

    anchor: str
    heading: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    def row(self) -> list[str]:
        """Return anchor, heading, prose and, of the code, each line once: nobody reads it there."""
        lines = dict.fromkeys(" ".join(line.split()) for line in "".join(self.code).split("\n"))
        return [self.anchor, _line(self.heading), _line(self.prose), "\n".join(filter(None, lines))]


def _line(texts: list[str]) -> str:
    return " ".join("".join(texts).split())


class _Cut(HTMLParser):
    """Cuts a page into its sections."""

    def __init__(self) -> None:
        super().__init__()
        self.sections = [Section("")]
        self.place = self.sections[0].prose
        self.unsaid = 0  # open elements whose text is left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self.unsaid or _UNSAID.intersection((values.get("class") or "").split()):
            self.unsaid += tag not in _VOID
        elif _HEADING.fullmatch(tag):
            if tag != "h1":
                self.sections.append(Section(values.get("id") or ""))
            self.place = self.sections[-1].heading
        elif tag == "pre":
            self.place = self.sections[-1].code
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.unsaid:
            self.unsaid -= 1
        elif tag == "pre" or _HEADING.fullmatch(tag):
            self._space(tag)
            self.place = self.sections[-1].prose
        self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self.unsaid:
            self.place.append(data)

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.place.append(" ")


class Pages:
    """The pages of one language while the site is built."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {}

    def add(self, address: str, content: str) -> None:
        """Take in the HTML of a page, by its address below the site's root."""
        cut = _Cut()
        # most tags of a page color its code, and a parser in Python is slow
        cut.feed(_CODE.sub(lambda code: _TAG.sub("", code[0]), content))
        cut.close()
        rows = [section.row() for section in cut.sections]
        title, rows[0][1] = rows[0][1], ""
        self.rows[address] = [address, title, rows]

    def write(self, root: Path, site: Path, language: str) -> None:
        """Write `search/<language>.js` below the folder of the site, and forget the pages."""
        words = keywords.read(root)
        for address, row in self.rows.items():
            name = _ENDING.sub("", address.removeprefix(f"{language}/"))
            row.append(words.get(name, {}).get(language, ""))
        data = {"pages": list(self.rows.values()), "words": spellings(root, language)}
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (site / "search").mkdir(exist_ok=True)
        (site / "search" / f"{language}.js").write_text(f"searchIndex={text}\n", encoding="utf-8")
        self.rows.clear()


def spellings(root: Path, language: str) -> list[list[str]]:
    """Return lists of texts: first what the pages of a language say, then what readers type."""
    loaded = yaml.load((root / glossary.FILE).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    entries = [*loaded["terms"], *(loaded.get("asked") or [])]
    groups = (
        list(dict.fromkeys((e[language], e["ko"], e["en"], *e.get("typed", ())))) for e in entries
    )
    return [group for group in groups if len(group) > 1]
