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

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from .fields import children
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
Place = tuple[str, int]
_NAMES = ("id", "name", "claim", "field", "path")  # what an item of a list is known by


@dataclass(frozen=True)
class Text:
    """A text in the order of LANGUAGES: its Markdown, and the file and line where it begins."""

    sides: tuple[str, str]
    places: tuple[Place, Place]


def texts(root: Path, pages: list[Page]) -> dict[str, Text]:
    """Return every text below `root` that stands in both languages; `pages` are read already."""
    found: dict[str, Text] = {}
    sides = [{p.name: p for p in pages if p.language == language} for language in LANGUAGES]
    for name in sides[0].keys() & sides[1].keys():
        found |= _page_texts(name, (sides[0][name], sides[1][name]))
    for pattern, field in SOURCES:
        for file in sorted(root.glob(pattern)):
            found |= _file_texts(root, file, field)
    return dict(sorted(found.items()))


def _page_texts(name: str, pages: tuple[Page, Page]) -> dict[str, Text]:
    sides = []
    for page in pages:
        side = {f"{name}#{s.id}": (s.text, (page.path, s.line)) for s in page.sections}
        for key in FRONT_MATTER:
            text = str(page.meta.get(key, ""))
            side[f"{name}:{key}"] = (text, (page.path, page.line_of(key)))
        sides.append(side)
    return {key: _text(sides[0][key], sides[1][key]) for key in sides[0].keys() & sides[1].keys()}


def _text(ko: tuple[str, Place], en: tuple[str, Place]) -> Text:
    return Text((ko[0], en[0]), (ko[1], en[1]))


def _file_texts(root: Path, file: Path, field: str) -> dict[str, Text]:
    path = file.relative_to(root).as_posix()
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}  # other checks say so
    name, found = path.removeprefix("docs/").removesuffix(".yaml"), {}
    leaves = {keys: leaf for keys, leaf in _leaves(node) if not field or keys[:1] == (field,)}
    for keys, leaf in leaves.items():
        place = next((n for n, key in enumerate(keys) if key in LANGUAGES), 0)
        twin = leaves.get((*keys[:place], LANGUAGES[1], *keys[place + 1 :]))
        if twin and keys[place] == LANGUAGES[0]:
            ko, en = ((side.value, (path, side.start_mark.line + 1)) for side in (leaf, twin))
            key = ".".join(keys[:place] + keys[place + 1 :])
            found[f"{name}:{key}"] = _text(ko, en)
    return found


def _leaves(node: yaml.Node | None) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode]]:
    """Yield the keys and the node of each text; items of a list go by what they are known by."""
    if isinstance(node, yaml.ScalarNode):
        yield (), node
    names: Counter[str] = Counter()
    for key, (_, value) in children(node).items():
        name = _name(value, key) if isinstance(node, yaml.SequenceNode) else key
        names[name] += 1
        mark = "'" * (names[name] - 1)
        yield from (((name + mark, *below), leaf) for below, leaf in _leaves(value))


def _name(item: yaml.Node, number: str) -> str:
    fields = {key: str(value.value) for key, (_, value) in children(item).items()}
    for first, second, between in (("from", "to", "-"), ("in", "path", " ")):
        if first in fields and second in fields:
            return f"{fields[first]}{between}{fields[second]}"
    return next((fields[name] for name in _NAMES if name in fields), number)
