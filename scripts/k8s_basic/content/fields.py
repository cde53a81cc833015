"""YAML documents, and the place of a field of one: `metadata.labels[a.b/c]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Keys = tuple[str | int, ...]
Found = tuple[int, str]  # a line, and what is wrong there
Documents = list[tuple[yaml.Node, Any]]  # each as nodes, which know their lines, and as data


def keys_of(path: str) -> Keys:
    """Return the keys of a written path."""
    return tuple(a or b for a, b in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path))


def path_of(keys: Keys) -> str:
    """Return the keys as a path is written."""
    written = "".join(f"[{k}]" if "." in str(k) else f".{k}" for k in keys)
    return written.removeprefix(".")


@cache  # nobody changes what is returned, and several checks ask
def documents(text: str) -> tuple[Documents, list[Found]]:
    """Return the documents of a text without empty ones, or why it is no YAML."""
    try:
        nodes = yaml.compose_all(text, yaml.CSafeLoader)
        found = list(zip(nodes, yaml.load_all(text, yaml.CSafeLoader), strict=True))
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        line = mark.line + 1 if mark else 1
        return [], [(line, f"not YAML ({' '.join(str(problem).split())}); mend it")]
    return [(node, data) for node, data in found if data is not None], []


def load(file: Path) -> list[dict[str, Any]]:
    """Return the documents of an example file; raises yaml.YAMLError where it is no YAML."""
    text = file.read_text(encoding="utf-8")
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


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


def line_of(node: yaml.Node, keys: Iterable[str | int]) -> int:
    """Return the line, from 1, of a field or of the nearest one above it that is there."""
    begin = node
    for key in keys:
        if str(key) not in children(node):
            break
        begin, node = children(node)[str(key)]
    return int(begin.start_mark.line) + 1
