"""What programs find on the built site: twins, cards, Markdown, lists of pages, archives."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content.pages import LANGUAGES, Page, is_results, read_pages
from k8s_basic.site import cards, plain

PAGES = read_pages(ROOT)
ATOM = "{http://www.w3.org/2005/Atom}"
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)


def folder(site, page: Page) -> Path:
    return site.folder / plain.address("", page.language, page.name)


def head(site, page: Page) -> str:
    return (folder(site, page) / "index.html").read_text(encoding="utf-8").partition("</head>")[0]


@every_page
def test_head_names_the_page_its_twins_and_its_card(site, page: Page) -> None:
    text = head(site, page)
    twins = plain.twins(page.name, site.url)
    assert re.findall(r'<link rel="canonical" href="([^"]+)"', text) == [twins[page.language]]
    found = re.findall(r'<link rel="alternate " hreflang="([^"]+)" href="([^"]+)"', text)
    assert dict(found) == twins and len(found) == len(twins)
    told = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', text))
    assert html.unescape(told["title"]) == page.meta["title"]
    assert html.unescape(told["description"]) == page.meta["description"]
    assert told["url"] == twins[page.language]
    assert told["image"] == cards.address(site.url, page.language, page.name)
    assert told["locale"][:2] == page.language


@every_page
def test_markdown_lies_beside_the_page(site, page: Page) -> None:
    assert 'type="text/markdown" href="index.md"' in head(site, page)
    text = (folder(site, page) / plain.MARKDOWN).read_text(encoding="utf-8")
    assert text.startswith(f"# {page.sections[0].title}\n")
    assert str(page.meta["description"]) in text
    for line in ("{{", "--8<--"):
        assert line not in re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


def test_sitemap_has_every_page_with_its_twins(site) -> None:
    root = ElementTree.parse(site.folder / "sitemap.xml").getroot()
    listed = {
        url[0].text: {link.get("hreflang"): link.get("href") for link in url[1:]} for url in root
    }
    assert len(listed) == len(root), "a page stands twice"
    assert listed == {
        plain.address(site.url, page.language, page.name): {
            "ko": plain.address(site.url, "ko", page.name),
            "en": plain.address(site.url, "en", page.name),
            "x-default": plain.address(site.url, "ko", page.name),
        }
        for page in PAGES
    }


def test_llms_txt_leads_to_the_markdown_of_every_lesson(site) -> None:
    text = (site.folder / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# K8s Basic\n\n> ")
    listed = re.findall(r"\]\((\S+)\): ", text)
    assert sorted(listed) == sorted(
        plain.address(site.url, page.language, page.name) + plain.MARKDOWN
        for page in PAGES
        if page.name != "index" and not is_results(page.name)
    )
    assert all((site.folder / link.removeprefix(site.url)).is_file() for link in listed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_feed_of_each_language_is_sound_and_links_to_pages(site, language: str) -> None:
    file = Path(plain.address("", language, "index")) / plain.FEED
    root = ElementTree.parse(site.folder / file).getroot()
    has_history = (ROOT / ".git").exists()
    assert len(list(root.iter(f"{ATOM}entry"))) == plain.FEED_LENGTH * has_history
    for link in root.iter(f"{ATOM}link"):
        place = str(link.get("href")).removeprefix(site.url)
        assert (site.folder / place).exists()


def test_archive_of_examples_is_there(site) -> None:
    with zipfile.ZipFile(site.folder / plain.EXAMPLES_ARCHIVE) as archive:
        assert len(archive.namelist()) == len(list(EXAMPLES.rglob("*.yaml")))
