"""An example with one field changed, and the changes that its own objects suggest.

Each field that an example sets on purpose gets the value that is most likely taken for the right
one, and each block beside others is left out once. Names, labels and ports that only describe are
left alone.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import versions
from ..content.fields import Keys, keys_of, path_of

Document = dict[str, Any]

REMOVED = type("Removed", (), {"__repr__": lambda self: "REMOVED"})()
"""The new value of a field that a mutant does not have."""
READABLE = 40  # characters of a value in a mutant's name

KNOWN = yaml.safe_load(Path(__file__).with_name("fields.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Mutant:
    """An example, the one field in which the mutant differs from it, and the new value.

    `path` is dotted; a key with dots in it stands in brackets: `spec.selector[a.b/c]`. An empty
    path stands for a whole document that is added. `claims` are those that a reviewer expects to
    fail; none for a generated mutant.
    """

    example: str
    document: int
    path: str
    value: Any
    claims: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The mutant's name, which stays the same between runs."""
        place = f"{self.example}#{self.document}:{self.path}"
        if self.value is REMOVED:
            return f"{place} removed"
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        plain = re.sub(r"[^!-~]+", "_", text)
        if len(plain) > READABLE:
            plain = f"{plain[: READABLE - 9]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        return f"{place}={plain}"

    def of(self, documents: list[Document]) -> list[Document]:
        """Return the mutated documents; raises LookupError where the path leads nowhere."""
        changed = copy.deepcopy(documents)
        if not self.path:
            return [*changed, self.value]
        *before, last = keys_of(self.path)
        try:
            holder: Any = changed[self.document]
            for key in before:
                holder = holder[_key(holder, key)]
            if self.value is REMOVED:
                del holder[_key(holder, last)]
            else:
                holder[_key(holder, last)] = self.value
        except (LookupError, TypeError, ValueError):
            raise LookupError(f"{self.path} leads nowhere") from None
        return changed


def _key(holder: Any, key: str | int) -> str | int:
    return int(key) if isinstance(holder, list) else key


def place_of(keys: Keys) -> Keys:
    """Return the keys with a star for each index of a list."""
    return tuple("*" if str(key).isdigit() else key for key in keys)


def generate(example: str, documents: list[Document]) -> Iterator[Mutant]:
    """Yield the mutants of an example."""
    for number, document in enumerate(documents):
        for keys, value in _changes(document, documents):
            yield Mutant(example, number, path_of(keys), value)


def _changes(document: Document, documents: list[Document]) -> Iterator[tuple[Keys, Any]]:
    """Yield the place and the new value of each change of a document."""
    alike = [leaf for d in documents if d["kind"] == document["kind"] for leaf in leaves(d)]
    for keys, value in leaves(document):
        if _says_something(keys, value, document["kind"]):
            others = (v for at, v in alike if place_of(at) == place_of(keys) and v != value)
            new = _other(str(keys[-1]), value, next(others, None))
            if new != value:
                yield keys, new
    yield from ((keys, REMOVED) for keys in _blocks(document))


def _items(value: Any) -> list[tuple[str | int, Any]]:
    """Return what a mapping or list holds, by key or index."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def leaves(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield each value that holds no others, with the keys that lead to it."""
    for key, below in _items(value):
        if _items(below):
            yield from leaves(below, (*keys, key))
        else:
            yield (*keys, key), below


def _says_something(keys: Keys, value: Any, kind: str) -> bool:
    """Tell whether anything can come of another value."""
    if keys == ("metadata", "name"):
        return kind in KNOWN["referred"]
    names_entry = keys[-1] == "name" and {*keys[-3:-2]} & {*KNOWN["named_lists"]}
    if names_entry or {*keys} & {*KNOWN["descriptive"]}:
        return False
    # a word of a command line such as `sh`: any other only ends the program, as another image does
    is_word = isinstance(value, str) and not re.search(r"[=/\s]", value)
    return not (is_word and {*keys[-2:-1]} & {"args", "command"})


def _blocks(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Yield the mappings and lists without which the object is still one."""
    for key, below in _items(value):
        if len(value) > 1 and isinstance(below, dict | list) and key not in KNOWN["essential"]:
            yield (*keys, key)
        if key != "labels":
            yield from _blocks(below, (*keys, key))


def _other(key: str, value: Any, neighbour: Any) -> Any:
    """Return what is most likely taken for this value, or the same when nothing is.

    `neighbour` is what another object of the kind has there.
    """
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if not isinstance(value, str):
        return value
    if key == "image":
        pause = versions.image("pause")
        return versions.image("busybox") if value == pause else pause
    pairs = KNOWN["neighbours"].get(key, ())
    known = next((pair[1 - pair.index(value)] for pair in pairs if value in pair), None)
    named = neighbour if isinstance(neighbour, str) and not key.isdigit() else None
    return known or named or _slip(value)


def _slip(text: str) -> str:
    """Count a number at the end up, or change the last letter or digit."""
    if number := re.search(r"[1-9]\d*$", text):
        return text[: number.start()] + str(int(number[0]) + 1)
    slip = re.sub(r"\w(?=\W*\Z)", lambda last: "y" if last[0] == "x" else "x", text)
    return slip if slip != text else text + "x"
