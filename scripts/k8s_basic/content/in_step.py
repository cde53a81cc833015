"""The record (docs/in-step/) of texts whose two languages were seen to say the same.

A file per topic, a line per text: its key and a hash of each language. A text that moved in one
language and not in the other is a problem until the other moves too, or somebody confirms it by its
key. One that moved in both, is new or is gone waits for `./scripts/confirm`: nobody but a reader
knows whether both say the same. git shows what changed since.

White space and punctuation don't count, nor do blocks, claims and addresses of links: `checks`
compares those with the other language, word by word.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .bilingual import Text, texts
from .pages import CLAIM, LINK, Page, without_fences
from .problems import Problem

FOLDER = "docs/in-step"
CONFIRM = "./scripts/confirm"
Hashes = tuple[str, ...]  # one for each of LANGUAGES
_LINE = re.compile(r"(\S.*) ([0-9a-f]{8}) ([0-9a-f]{8})")


@dataclass(frozen=True)
class Moved:
    """A text that is not as it was confirmed: `sides` are the indices in LANGUAGES that moved.

    Both sides of a text that is new or gone have moved. `text` is None for one that is gone.
    """

    key: str
    text: Text | None
    sides: tuple[int, ...]

    @property
    def one_sided(self) -> bool:
        """Whether one language moved alone."""
        return len(self.sides) == 1

    def problem(self) -> Problem:
        """Return what is wrong and what to do."""
        if not self.text:
            return Problem(FOLDER, 1, f"{self.key} is gone; run {CONFIRM} and commit {FOLDER}")
        _, path, line = self.text[self.sides[0]]
        if not self.one_sided:
            what = "this text is new or changed in both languages; when both say the same"
            return Problem(path, line, f"{what}, run {CONFIRM} and commit {FOLDER}")
        other = self.text[1 - self.sides[0]]
        what = f"this text changed and {other.path}:{other.line} did not; change that one too"
        return Problem(path, line, f"{what}, or run {CONFIRM} {self.key}")


def fingerprint(text: str) -> str:
    """Return a short hash of the letters and digits of a text's sentences."""
    prose = CLAIM.sub(" ", LINK.sub(lambda link: link["text"], without_fences(text)))
    letters = re.sub(r"[\W_]+", "", prose).lower()
    return hashlib.sha256(letters.encode()).hexdigest()[:8]


def hashes(text: Text) -> Hashes:
    """Return the fingerprint of each language."""
    return tuple(fingerprint(side.text) for side in text)


def read_record(root: Path) -> dict[str, Hashes]:
    """Return what was confirmed, by key; of two lines that a merge left, the latter counts."""
    files = sorted((root / FOLDER).glob("*.txt"))
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return {m[1]: (m[2], m[3]) for m in map(_LINE.fullmatch, lines) if m}


def write_record(root: Path, record: dict[str, Hashes]) -> None:
    """Write the record, and no file for a topic without texts."""
    files: dict[str, str] = defaultdict(str)
    for key, sides in sorted(record.items()):
        files[re.split("[/#:]", key)[0]] += " ".join((key, *sides)) + "\n"
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.txt"):
        if file.stem not in files:
            file.unlink()
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")


def moved(now: dict[str, Text], record: dict[str, Hashes]) -> Iterator[Moved]:
    """Yield each text that is not as it was confirmed."""
    for key in sorted(now.keys() | record.keys()):
        text, before = now.get(key), record.get(key, ("", ""))
        after = hashes(text) if text else ("", "")
        sides = tuple(side for side in (0, 1) if before[side] != after[side])
        if sides:
            yield Moved(key, text, sides)


def drift_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield a problem for each text that is not as it was confirmed."""
    for file in sorted((root / FOLDER).glob("*.txt")):
        lines = file.read_text(encoding="utf-8").splitlines()
        keys = [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines]
        if keys != sorted(set(keys)) or not all(map(_LINE.fullmatch, lines)):
            path = file.relative_to(root).as_posix()
            yield Problem(path, 1, f"a merge left this file in disorder; run {CONFIRM}")
    for text in moved(texts(root, pages), read_record(root)):
        yield text.problem()
