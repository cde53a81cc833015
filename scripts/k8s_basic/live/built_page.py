"""The command blocks of a built page, read from its HTML as a reader's browser shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

from ..content.pages import MARKS


@dataclass(frozen=True)
class Step:
    """One command block of a page; `output` names the recording that is shown under it."""

    text: str
    mark: str = ""
    output: str = ""


@dataclass(frozen=True)
class BuiltPage:
    """The commands of one built page, and the address of the site that it was built for."""

    steps: list[Step]
    site: str

    @classmethod
    def read(cls, folder: Path, address: str) -> BuiltPage:
        """Read `address` ("workloads/replicaset/", "en/…") of the site built in `folder`."""
        parser = _Parser()
        parser.feed((folder / address / "index.html").read_text(encoding="utf-8"))
        return cls(parser.steps, parser.canonical.removesuffix(address))


class _Parser(HTMLParser):
    """Collects the blocks: in each `div` of a bash block, one `code` holds the commands."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.canonical = ""
        self._mark: str | None = None  # of a bash block whose `code` has not come to its end
        self._text: str | None = None  # of that `code`, as far as it has been read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        if values.get("rel") == "canonical":
            self.canonical = values["href"]
        elif "data-recording" in values and self.steps:
            self.steps[-1] = replace(self.steps[-1], output=values["data-recording"])
        elif tag == "div" and "language-bash" in classes:
            self._mark = next((name for name in MARKS if name in classes), "")
        elif tag == "code" and self._mark is not None:
            self._text = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "code" and self._mark is not None and self._text is not None:
            self.steps.append(Step(self._text.strip("\n"), self._mark))
            self._mark = self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data
