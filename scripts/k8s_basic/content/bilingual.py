"""Every text that stands in both languages, by a key that says where.

| key | text |
|---|---|
| `workloads/pod#why` | a section: its heading, and all below it up to the next heading |
| `workloads/pod:title`, `workloads/pod:description` | front matter |
| `figures/node-inside:boxes.kubelet` | a pair of `ko` and `en` in a YAML file of `SOURCES` |

In YAML a pair is a mapping with the texts `ko` and `en`, anywhere in the file. Where `ko` and `en`
hold mappings instead, each text of one is paired with that in the same place of the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from .fields import children, documents
from .pages import LANGUAGES, Page

# Files with texts in both languages, and the one field of them that counts if not all do. The
# terms of the glossary are names and no sentences.
SOURCES = (
    ("docs/callouts/*/*/*.yaml", ""),
    ("docs/figures/*.yaml", ""),
    ("docs/glossary.yaml", "meanings"),
    ("scripts/k8s_basic/site/words.yaml", ""),
    ("tests/live/not-enforceable.yaml", ""),
)
FRONT_MATTER = ("title", "description")
_NAMES = ("id", "name", "claim", "field", "path")  # what an item of a list is known by


class Side(NamedTuple):
    """A text in one language: its Markdown, and where it begins."""

    text: str
    path: str
    line: int


Text = tuple[Side, Side]  # in the order of LANGUAGES
_Found = Iterator[tuple[str, str, Side]]  # with its key and its language


def texts(root: Path, pages: list[Page]) -> dict[str, Text]:
    """Return every text below `root` that stands in both languages; `pages` are read already."""
    found: dict[str, dict[str, Side]] = defaultdict(dict)
    for key, language, side in (*_of_pages(pages), *_of_files(root)):
        found[key][language] = side
    return {k: (s[LANGUAGES[0]], s[LANGUAGES[1]]) for k, s in sorted(found.items()) if len(s) == 2}


def _of_pages(pages: list[Page]) -> _Found:
    for page in pages:
        for section in page.sections:
            side = Side(section.text, page.path, section.line)
            yield f"{page.name}#{section.id}", page.language, side
        for key in FRONT_MATTER:
            side = Side(str(page.meta.get(key, "")), page.path, page.line_of(key))
            yield f"{page.name}:{key}", page.language, side


def _of_files(root: Path) -> _Found:
    for file, field in ((f, field) for glob, field in SOURCES for f in sorted(root.glob(glob))):
        path = file.relative_to(root).as_posix()
        name = path.removeprefix("docs/").removesuffix(".yaml")
        nodes = (node for node, _ in documents(file.read_text(encoding="utf-8"))[0])
        for keys, leaf in (found for node in nodes for found in _leaves(node)):
            language = next((key for key in keys if key in LANGUAGES), "")
            if language and field in ("", keys[0]):
                keys.remove(language)
                side = Side(leaf.value, path, leaf.start_mark.line + 1)
                yield f"{name}:{'.'.join(keys)}", language, side


def _leaves(node: yaml.Node) -> Iterator[tuple[list[str], yaml.ScalarNode]]:
    """Yield the keys and the node of each text; items of a list go by what they are known by."""
    if isinstance(node, yaml.ScalarNode):
        yield [], node
    names: Counter[str] = Counter()
    for key, (_, value) in children(node).items():
        name = _name(value, key) if isinstance(node, yaml.SequenceNode) else key
        names[name] += 1
        mark = "'" * (names[name] - 1)
        yield from (([name + mark, *below], leaf) for below, leaf in _leaves(value))


def _name(item: yaml.Node, number: str) -> str:
    fields = {key: str(value.value) for key, (_, value) in children(item).items()}
    for first, second, between in (("from", "to", "-"), ("in", "path", " ")):
        if first in fields and second in fields:
            return f"{fields[first]}{between}{fields[second]}"
    return next((fields[name] for name in _NAMES if name in fields), number)
