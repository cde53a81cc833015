"""Addresses stay, navigation is whole, and nothing is loaded from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import DOCS, EXAMPLES, ROOT

PUBLISHED = Path(__file__).parent / "published-addresses.txt"
THEME = ROOT / "scripts" / "k8s_basic" / "site" / "overrides"


class AnyTag(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags (!ENV, !relative) only MkDocs understands."""


AnyTag.add_multi_constructor("!", lambda loader, suffix, node: None)


def pages(language: str) -> set[str]:
    folder = DOCS / language
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*.md")}


def addresses() -> set[str]:
    found = {f"/examples/{f.relative_to(EXAMPLES).as_posix()}" for f in EXAMPLES.rglob("*.yaml")}
    for prefix, language in (("/", "ko"), ("/en/", "en")):
        found |= {
            prefix + re.sub(r"(index)?\.md$", "/", page).lstrip("/") for page in pages(language)
        }
    return found


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


def test_published_addresses_stay_and_new_ones_are_listed() -> None:
    listed = set(PUBLISHED.read_text(encoding="utf-8").split())
    gone, new = sorted(listed - addresses()), sorted(addresses() - listed)
    advice = [f"{address} was published and is gone; bring it back" for address in gone]
    advice += [f"add this line to {PUBLISHED.relative_to(ROOT)}: {address}" for address in new]
    if advice:
        pytest.fail("\n".join(advice), pytrace=False)


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
