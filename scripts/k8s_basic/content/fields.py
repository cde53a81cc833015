"""A manifest's documents, and the place of a field of one: `metadata.labels[a.b/c]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

Keys = tuple[str | int, ...]


def keys_of(path: str) -> Keys:
    """Return the keys of a written path."""
    return tuple(a or b for a, b in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path))


def path_of(keys: Keys) -> str:
    """Return the keys as a path is written."""
    written = "".join(f"[{k}]" if "." in str(k) else f".{k}" for k in keys)
    return written.removeprefix(".")


def load(file: Path) -> list[dict[str, Any]]:
    """Return the documents of an example file."""
    return [d for d in yaml.safe_load_all(file.read_text(encoding="utf-8")) if d]


def children(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return key → where it begins and its value, of a mapping or (by number) of a list."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): (key, value) for key, value in node.value}
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return {str(number): (item, item) for number, item in enumerate(items)}


def at(node: yaml.Node, keys: Iterable[str | int]) -> tuple[yaml.Node, yaml.Node]:
    """Return where a field begins, and its value; raises KeyError where it isn't there."""
    begin = node
    for key in keys:
        begin, node = children(node)[str(key)]
    return begin, node


def line_of(node: yaml.Node | None, keys: Iterable[str | int]) -> int:
    """Return the line, from 1, of a field or of the nearest one above it that is there."""
    line = node.start_mark.line + 1 if node else 1
    for key in keys:
        begin, node = children(node).get(str(key), (None, None))
        if not begin:
            break
        line = begin.start_mark.line + 1
    return line
