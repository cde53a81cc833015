"""Remarks on fields of an example: docs/callouts/<topic>/<lesson>/<name>.yaml.

    - path: spec.replicas          # of the first document
      ko: …
      en: …
    - in: Service/web              # of the document with this kind and name
      path: spec.ports.0.targetPort
      ko: …
      en: …
    - path: spec.selector          # without texts it's only highlighted

A path says where, and never a line: it's dotted, an item of a list is its number from 0, and a key
with dots in it stands in brackets, `metadata.annotations[a.b/c]`. The manifest itself stays as it
is: the same bytes are shown, applied and downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .fields import keys_of, path_of
from .pages import CLAIM, LANGUAGES, Page
from .problems import Problem, closest

FOLDER = "docs/callouts"
_KEYS = {"in", "path", *LANGUAGES}
_CODE_SPAN = re.compile(r"`[^`]+`")
_MARKUP = re.compile(r"[`*<]|\]\(|\n")  # what is no word, once the code spans are out


@dataclass(frozen=True)
class Callout:
    """A field of an example: its lines (from 0, the last one included) and what is said of it.

    `document` is the kind/name of the document with the field if the file has several, else "".
    """

    document: str
    path: str
    first: int
    last: int
    text: dict[str, str]


def read(root: Path, example: str) -> list[Callout]:
    """Return the callouts of an example (`topic/lesson/name.yaml`), in the order of its lines.

    Those that don't fit it are left out; `callout_problems` names them.
    """
    if not (root / FOLDER / example).is_file():
        return []
    found = [one for _, one in _entries(root, example) if isinstance(one, Callout)]
    return sorted(found, key=lambda callout: callout.first)


def said(root: Path, example: str) -> list[Callout]:
    """Return the callouts that have a text."""
    return [callout for callout in read(root, example) if callout.text]


def _entries(root: Path, example: str) -> tuple[tuple[int, Callout | str], ...]:
    """Return the line of each entry (from 1), and its callout or what is wrong with it."""
    files = (root / FOLDER / example, root / "examples" / example)
    return _fitted(*(file.read_text(encoding="utf-8") for file in files))


@lru_cache(maxsize=1000)  # a build asks for the same two files up to six times
def _fitted(text: str, manifest: str) -> tuple[tuple[int, Callout | str], ...]:
    return tuple(_fit(text, manifest))


def _fit(text: str, manifest: str) -> Iterator[tuple[int, Callout | str]]:
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        documents = _documents(manifest)
    except yaml.MarkedYAMLError as wrong:
        yield _line(wrong.problem_mark), f"this is no YAML: {wrong.problem}"
        return
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        yield 1, "a list of entries with 'path', 'ko' and 'en' is expected here"
        return
    for item, entry in zip(node.value, yaml.load(text, Loader=yaml.CSafeLoader)):
        try:
            yield _line(item.start_mark), _callout(entry, documents)
        except ValueError as wrong:
            yield _line(item.start_mark), str(wrong)


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _documents(text: str) -> dict[str, yaml.Node]:
    """Return kind/name → document, in the order of the file."""
    found = {}
    for node in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        kind, name = (_leaf(node, path) for path in ("kind", "metadata.name"))
        found[f"{kind}/{name}"] = node
    return found


def _leaf(node: yaml.Node, path: str) -> str:
    try:
        return str(_at(node, keys_of(path))[1].value)
    except LookupError:
        return ""


def _callout(entry: Any, documents: dict[str, yaml.Node]) -> Callout:
    if not isinstance(entry, dict) or set(entry) - _KEYS or "path" not in entry:
        raise ValueError(f"an entry has 'path', 'ko', 'en' and perhaps 'in', and {entry} does not")
    path, place = str(entry["path"]), str(entry.get("in", next(iter(documents))))
    if place not in documents:
        raise ValueError(f"the example has no {place}{closest(place, documents)}")
    texts = {
        language: str(entry[language]).strip() for language in LANGUAGES if entry.get(language)
    }
    if len(texts) == 1:
        raise ValueError(f"{path} has a text in one language only; write the other")
    if any(_MARKUP.search(_CODE_SPAN.sub("", text)) for text in texts.values()):
        raise ValueError(f"{path}: a callout holds words and code spans only, on one line")
    if any(CLAIM.search(text) for text in texts.values()):
        raise ValueError(f"{path}: a claim id does not belong into a callout; move it to the page")
    try:
        first, node = _at(documents[place], keys_of(path))
    except LookupError:
        known = list(_paths(documents[place], ()))
        raise ValueError(f"{place} has no {path}{closest(path, known)}") from None
    begin = first.start_mark.line
    named = place if len(documents) > 1 else ""
    return Callout(named, path, begin, begin if texts else _end(node), texts)


def _end(node: yaml.Node) -> int:
    """Return the last line of a node; a block's end mark is where the next one begins."""
    mark = node.end_mark
    return max(mark.line - (mark.column == 0), node.start_mark.line)


def _at(node: yaml.Node, keys: tuple[str | int, ...]) -> tuple[yaml.Node, yaml.Node]:
    """Return where a field begins, and its value; raises LookupError."""
    begin = node
    for key in map(str, keys):
        if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
            begin = node = node.value[int(key)]
        elif isinstance(node, yaml.MappingNode):
            pairs = {k.value: (k, v) for k, v in node.value}
            begin, node = pairs[key]
        else:
            raise LookupError(key)
    return begin, node


def _paths(node: yaml.Node, keys: tuple[str | int, ...]) -> Iterator[str]:
    if keys:
        yield path_of(keys)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _paths(value, (*keys, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _paths(value, (*keys, number))


def callout_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield what is wrong with callouts: unknown examples and fields, texts in one language."""
    shown = {item.text for page in pages for item in page.items("includes")}
    for file in sorted((root / FOLDER).rglob("*.yaml")):
        example, path = (
            file.relative_to(root / FOLDER).as_posix(),
            file.relative_to(root).as_posix(),
        )
        if not (root / "examples" / example).is_file():
            yield Problem(path, 1, f"there is no examples/{example}{closest(example, shown)}")
        elif example not in shown:
            yield Problem(path, 1, f"no page shows examples/{example}; remove the file")
        else:
            for line, one in _entries(root, example):
                if isinstance(one, str):
                    yield Problem(path, line, f"{one}; mend it")
