"""The search's data: for each language a script with the sections of its pages and the synonyms.

What a browser does with them stands in `docs/assets/search/engine.js`. A script, and not JSON,
because a page that is opened from disk may load nothing else.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from ..content import glossary, keywords

_ENDING = re.compile(r"(?:/|(?:^|/)index\.html|\.html)$")  # with and without folders
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_INLINE = frozenset("a abbr b code em i kbd mark small span strong sub sup".split())
_VOID = frozenset("area base br col hr img input link meta source wbr".split())
# Classes of what is no text of the page.
_UNSAID = frozenset("claim evidence headerlink minutes proof raw".split())
_HEADING, _PROSE, _CODE = 1, 2, 3


class _Sections(HTMLParser):
    """Cuts a page into sections: [anchor, heading, prose, code]; the first has no anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.sections = [["", "", "", ""]]
        self.place = _PROSE
        self.unsaid = 0  # open elements whose text is left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self.unsaid or _UNSAID.intersection((values.get("class") or "").split()):
            self.unsaid += tag not in _VOID
            return
        if tag in _HEADINGS:
            if tag != "h1":
                self.sections.append([values.get("id") or "", "", "", ""])
            self.place = _HEADING
        elif tag == "pre":
            self.place = _CODE
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.unsaid:
            self.unsaid -= 1
            return
        self._space(tag)
        if tag == "pre" or tag in _HEADINGS:
            self.place = _PROSE
            self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self.unsaid:
            self.sections[-1][self.place] += data

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.sections[-1][self.place] += " "


def _line(text: str) -> str:
    return " ".join(text.split())


class Pages:
    """The pages of one language while the site is built."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {}

    def add(self, address: str, content: str) -> None:
        """Take in the HTML of a page, by its address below the site's root."""
        cut = _Sections()
        cut.feed(content)
        cut.close()
        rows = []
        for anchor, heading, prose, code in cut.sections:
            lines = dict.fromkeys(map(_line, code.split("\n")))  # nobody reads a line twice
            rows.append([anchor, _line(heading), _line(prose), "\n".join(filter(None, lines))])
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
