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

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

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
    found = {}
    for key in FRONT_MATTER:
        ko, en = ((str(p.meta.get(key, "")), (p.path, _line(p, key))) for p in pages)
        found[f"{name}:{key}"] = _text(ko, en)
    sides = [{s.id: s for s in page.sections} for page in pages]
    for identifier in sides[0].keys() & sides[1].keys():
        one, two = (side[identifier] for side in sides)
        ko, en = ((s.text, (page.path, s.line)) for page, s in zip(pages, (one, two)))
        found[f"{name}#{identifier}"] = _text(ko, en)
    return found


def _text(ko: tuple[str, Place], en: tuple[str, Place]) -> Text:
    return Text((ko[0], en[0]), (ko[1], en[1]))


def _line(page: Page, key: str) -> int:
    return next((n for n, line in enumerate(page.lines, 1) if line.startswith(f"{key}:")), 1)


def _file_texts(root: Path, file: Path, field: str) -> dict[str, Text]:
    path = file.relative_to(root).as_posix()
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}  # other checks say so
    found = {}
    for keys, ko, en in _pairs(node, []):
        if not field or keys[:1] == [field]:
            one, two = ((side.value, (path, side.start_mark.line + 1)) for side in (ko, en))
            key = f"{path.removeprefix('docs/').removesuffix('.yaml')}:{'.'.join(keys)}"
            while key in found:
                key += "'"
            found[key] = _text(one, two)
    return found


def _pairs(
    node: yaml.Node | None, keys: list[str]
) -> Iterator[tuple[list[str], yaml.ScalarNode, yaml.ScalarNode]]:
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _pairs(item, [*keys, _name(item, number)])
    elif isinstance(node, yaml.MappingNode):
        fields = {key.value: value for key, value in node.value}
        sides = [fields.get(language) for language in LANGUAGES]
        if all(sides):
            yield from _both(sides[0], sides[1], keys)
        for key, value in fields.items():
            if key not in LANGUAGES or not all(sides):
                yield from _pairs(value, [*keys, key])


def _both(
    ko: yaml.Node | None, en: yaml.Node | None, keys: list[str]
) -> Iterator[tuple[list[str], yaml.ScalarNode, yaml.ScalarNode]]:
    if isinstance(ko, yaml.ScalarNode) and isinstance(en, yaml.ScalarNode):
        yield keys, ko, en
    elif isinstance(ko, yaml.MappingNode) and isinstance(en, yaml.MappingNode):
        other = {key.value: value for key, value in en.value}
        for key, value in ko.value:
            yield from _both(value, other.get(key.value), [*keys, key.value])
    elif isinstance(ko, yaml.SequenceNode) and isinstance(en, yaml.SequenceNode):
        for number, (one, two) in enumerate(zip(ko.value, en.value)):
            yield from _both(one, two, [*keys, _name(one, number)])


def _name(item: yaml.Node, number: int) -> str:
    if isinstance(item, yaml.MappingNode):
        fields = {k.value: v.value for k, v in item.value if isinstance(v, yaml.ScalarNode)}
        for first, second, between in (("from", "to", "-"), ("in", "path", " ")):
            if first in fields and second in fields:
                return f"{fields[first]}{between}{fields[second]}"
        for name in _NAMES:
            if name in fields:
                return str(fields[name])
    return str(number)
