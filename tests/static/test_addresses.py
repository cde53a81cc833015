"""Addresses stay, navigation is whole, and nothing is loaded from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from k8s_basic import DOCS, ROOT
from k8s_basic.content.addresses import add_new, address_problems

THEME = ROOT / "scripts" / "k8s_basic" / "site" / "overrides"


class AnyTag(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags (!ENV, !relative) only MkDocs understands."""


AnyTag.add_multi_constructor("!", lambda loader, suffix, node: None)


def pages(language: str) -> set[str]:
    folder = DOCS / language
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*.md")}


def in_nav(entry: Any) -> list[str]:
    if isinstance(entry, dict):
        return [page for inner in entry.values() for page in in_nav(inner)]
    return (
        [entry] if isinstance(entry, str) else [page for inner in entry for page in in_nav(inner)]
    )


def sections(entries: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the title of each section of the navigation, and what it lists, inner ones too."""
    for entry in entries:
        for title, listed in entry.items() if isinstance(entry, dict) else ():
            yield title, listed
            yield from sections(listed)


def test_address_that_was_published_must_not_go(tree: Path) -> None:
    assert add_new(tree) > 0
    assert add_new(tree) == 0
    (tree / "examples/workloads/pod/pod.yaml").rename(tree / "examples/workloads/pod/pods.yaml")
    [problem] = address_problems(tree)
    assert "/examples/workloads/pod/pod.yaml is gone" in str(problem)
    assert add_new(tree) == 1, "the new one is added, and the old one stays"
    assert len(list(address_problems(tree))) == 1


def test_navigation_lists_every_page_once() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=AnyTag)
    listed = in_nav(config["nav"])
    assert sorted(listed) == sorted(pages("ko")), "nav of mkdocs.yml and docs/ko differ"
    titles = {title for title, _ in sections(config["nav"])}
    english = config["plugins"][1]["i18n"]["languages"][1]["nav_translations"]
    assert titles == set(english), "nav_translations of mkdocs.yml must name each title of nav"


def test_navigation_keeps_to_one_folder_per_topic() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=AnyTag)
    for title, listed in sections(config["nav"]):
        pages = (entry for entry in listed if isinstance(entry, str))
        assert len({page.partition("/")[0] for page in pages}) == 1, title


def test_styles_scripts_and_templates_load_nothing_from_another_host() -> None:
    files = [f for folder in (DOCS / "assets", THEME) for f in folder.rglob("*") if f.is_file()]
    loads = re.compile(
        r"""(?:url\(|src=|href=|import\s|fetch\()\s*["'(]*\s*(?:https?:)?//[^\s"')]+"""
    )
    read = [file for file in files if file.suffix in {".css", ".js", ".html", ".svg"}]
    assert {file.suffix for file in read} == {".css", ".js", ".html", ".svg"}
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in read
        for match in loads.finditer(file.read_text(encoding="utf-8"))
    ]
    assert not found
