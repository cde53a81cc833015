"""The copy that is read from a folder: opened from disk, with nothing but the unpacked files."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content.pages import LANGUAGES, read_pages
from k8s_basic.site import build
from playwright.sync_api import Page

PREFIX = {"ko": "", "en": "en/"}
both_languages = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a reader gets by unpacking the archive."""
    folder = tmp_path_factory.mktemp("offline")
    assert build.pack_offline(folder) == 0
    with zipfile.ZipFile(folder / build.OFFLINE_ARCHIVE) as archive:
        archive.extractall(folder)
    return folder / Path(build.OFFLINE_ARCHIVE).stem


@pytest.fixture
def reader(copy: Path, new_page: Any) -> Any:
    """Open pages of the copy from disk; whatever is asked for elsewhere, or complains, fails."""

    def opened(address: str) -> Page:
        page: Page = new_page("file:")
        page.goto((copy / address).as_uri())
        return page

    return opened


@both_languages
def test_front_page_leads_to_a_lesson_and_to_its_other_language(
    reader: Any, copy: Path, language: str
) -> None:
    other = next(code for code in LANGUAGES if code != language)
    for start in ("index.html", "workloads/replicaset.html"):
        page = reader(f"{PREFIX[language]}index.html")
        if start != "index.html":
            page.locator(f".md-content a[href$='{start}']").click()
            page.wait_for_url((copy / PREFIX[language] / start).as_uri())
        page.locator(".md-select button").hover()
        page.locator(f".md-select__link[hreflang={other}]").click()
        page.wait_for_url((copy / PREFIX[other] / start).as_uri() + "*")
        assert page.locator("html").get_attribute("lang") == other


@pytest.mark.parametrize(
    ("language", "query", "wanted"),
    [("ko", "파드가 재시작", "workloads/pod.html"), ("en", "roll back", "rollback.html")],
)
def test_search_finds_pages_from_disk(reader: Any, language: str, query: str, wanted: str) -> None:
    page = reader(f"{PREFIX[language]}index.html")
    page.keyboard.press("/")
    page.keyboard.insert_text(query)
    results = page.locator(".md-search-result__link")
    results.first.wait_for()
    links = results.evaluate_all("all => all.map(a => a.href)")
    assert all(link.startswith("file:") for link in links)
    first = Path(links[0].removeprefix("file://").partition("#")[0].partition("?")[0])
    assert first.is_file()


@both_languages
def test_commands_use_the_examples_beside_the_pages(reader: Any, copy: Path, language: str) -> None:
    page = reader(f"{PREFIX[language]}workloads/replicaset.html")
    commands = "\n".join(page.locator(".language-bash code").all_inner_texts())
    assert "kubectl apply -f examples/workloads/replicaset/replicaset.yaml" in commands
    everything = "".join(file.read_text(encoding="utf-8") for file in copy.rglob("*.html"))
    assert not re.search(r"curl [^\n]*examples/", re.sub(r"<[^>]+>", "", everything))
    assert (copy / "examples/workloads/replicaset/replicaset.yaml").read_bytes() == (
        EXAMPLES / "workloads/replicaset/replicaset.yaml"
    ).read_bytes()


def test_copy_has_every_page_and_says_how_to_read_it(copy: Path) -> None:
    pages = {f"{PREFIX[p.language]}{p.name}.html" for p in read_pages(ROOT)}
    assert all((copy / page).is_file() for page in pages)
    text = (copy / "README.txt").read_text(encoding="utf-8")
    assert "index.html" in text and "python3 -m http.server" in text


@both_languages
def test_copy_says_where_a_newer_one_is(copy: Path, language: str) -> None:
    page = copy / PREFIX[language] / "start" / "using-the-examples.html"
    assert re.search(rf'href="https://[^"]+/{build.OFFLINE_ARCHIVE}"', page.read_text("utf-8"))
