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

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import forms
from .fields import Found, Keys, at, children, documents, keys_of, path_of
from .pages import LANGUAGES, Page
from .problems import Problem, closest

FOLDER = "docs/callouts"


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
    return sorted(_of_files(root, example)[0], key=lambda callout: callout.first)


def said(root: Path, example: str) -> list[Callout]:
    """Return the callouts that have a text."""
    return [callout for callout in read(root, example) if callout.text]


def _of_files(root: Path, example: str) -> tuple[list[Callout], list[Found]]:
    """Return the callouts that fit the manifest, and what is wrong with the others."""
    text = (root / FOLDER / example).read_text(encoding="utf-8")
    entries, wrong = forms.read(text, "callouts")
    manifest = (root / "examples" / example).read_text(encoding="utf-8")
    nodes = [node for node, _ in documents(manifest)[0]]
    if wrong or not nodes:  # the check of the example says what is wrong with that
        return [], wrong
    named = {f"{_leaf(n, 'kind')}/{_leaf(n, 'metadata', 'name')}": n for n in nodes}
    found = []
    for number, entry in enumerate(entries):
        try:
            found.append(_callout(entry, named))
        except LookupError as error:
            wrong.append((forms.line(text, [number]), str(error.args[0])))
    return found, wrong


def _leaf(node: yaml.Node, *keys: str) -> str:
    try:
        return str(at(node, keys)[1].value)
    except KeyError:
        return ""


def _callout(entry: dict[str, Any], named: dict[str, yaml.Node]) -> Callout:
    """Find the field of an entry in the documents of the example, by kind/name."""
    path, place = str(entry["path"]), str(entry.get("in", next(iter(named))))
    if place not in named:
        raise LookupError(f"the example has no {place}{closest(place, named)}")
    try:
        begin, node = at(named[place], keys_of(path))
    except KeyError:
        near = closest(path, map(path_of, _all_keys(named[place])))
        raise LookupError(f"{place} has no {path}{near}") from None
    text = {code: entry[code].strip() for code in LANGUAGES if code in entry}
    first = begin.start_mark.line
    last = first if text else _end(node)
    return Callout(place if len(named) > 1 else "", path, first, last, text)


def _end(node: yaml.Node) -> int:
    """Return the last line of a node; a block's end mark is where the next one begins."""
    mark = node.end_mark
    return max(mark.line - (mark.column == 0), node.start_mark.line)


def _all_keys(node: yaml.Node) -> Iterator[Keys]:
    for key, (_, value) in children(node).items():
        yield (key,)
        yield from ((key, *below) for below in _all_keys(value))


def callout_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Yield what is wrong with callouts: unknown examples and fields, texts in one language."""
    shown = {item.text for page in pages for item in page.items("includes")}
    for file in sorted((root / FOLDER).rglob("*.yaml")):
        example, path = (file.relative_to(f).as_posix() for f in (root / FOLDER, root))
        if not (root / "examples" / example).is_file():
            yield Problem(path, 1, f"there is no examples/{example}{closest(example, shown)}")
        elif example not in shown:
            yield Problem(path, 1, f"no page shows examples/{example}; remove the file")
        else:
            for line, text in _of_files(root, example)[1]:
                yield Problem(path, line, f"{text}; mend it")
