"""What a reader types into the search finds the page that answers, in the reader's language."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from k8s_basic import ROOT
from playwright.sync_api import Page

SHELF = {"ko": "", "en": "en/"}
HERE = ROOT / "tests" / "site"
REPORTS = ROOT / "build" / "search"  # recall and ranks of the last run
# How many of the queries must have their page among the first three; on the second list nothing is
# tuned, so that it may tell how queries fare that nobody has thought of.
LISTS = [("search-queries.yaml", 0.95), ("search-held-out.yaml", 0.9)]
ENGINE = ("assets/search/minisearch.js", "assets/search/engine.js")
each_language = pytest.mark.parametrize("language", list(SHELF))


@dataclass(frozen=True)
class Found:
    """A query and the place of the first page that answers it, 0 if there is none."""

    query: str
    place: int
    first: list[str]


@pytest.fixture(scope="module")
def page(site, watch) -> Iterator[Page]:
    """One page for all queries, with the engine and the index of each language."""
    with watch(site.url) as context:
        page = context.new_page()
        page.goto(f"{site.url}404.html")
        for script in ENGINE:
            page.add_script_tag(url=site.url + script)
        for language in SHELF:
            page.add_script_tag(url=f"{site.url}search/{language}.js")
            page.evaluate(
                """language => {
                    const engine = new SearchEngine(searchIndex.words)
                    engine.add(searchIndex.pages)
                    globalThis.engines = {...globalThis.engines, [language]: engine}
                }""",
                language,
            )
        yield page


def ask(page: Page, language: str, queries: list[str]) -> list[list[str]]:
    """Return the addresses of the pages that the site's own engine finds, for each query."""
    found: list[list[str]] = page.evaluate(
        """([language, queries]) => queries.map(
            query => engines[language].search(query).map(result => result.page[0])
        )""",
        [language, queries],
    )
    return found


def name(address: str, language: str) -> str:
    return address.removeprefix(SHELF[language]).strip("/") or "index"


def measured(page: Page, file: str, language: str) -> list[Found]:
    entries = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))[language]
    results = ask(page, language, [entry["query"] for entry in entries])
    found = []
    for entry, addresses in zip(entries, results):
        names = [name(address, language) for address in addresses]
        places = [names.index(wanted) + 1 for wanted in entry["pages"] if wanted in names]
        found.append(Found(entry["query"], min(places, default=0), names[:3]))
    return found


def recall(found: list[Found], places: int) -> float:
    return sum(0 < one.place <= places for one in found) / len(found)


def told(found: list[Found], language: str) -> str:
    shares = ", ".join(f"{recall(found, n):.1%} at {n}" for n in (1, 3, 10))
    missed = [
        f"  {one.place or '-':>3} {one.query}: {', '.join(one.first)}"
        for one in found
        if not 0 < one.place <= 3
    ]
    ranks = " ".join(str(one.place or "-") for one in found)
    return "\n".join((f"{language}: {len(found)} queries, {shares}", f"  ranks: {ranks}", *missed))


@each_language
@pytest.mark.parametrize(("file", "least"), LISTS)
def test_queries_have_their_page_among_the_first_three(
    page, file: str, least: float, language: str
) -> None:
    found = measured(page, file, language)
    report = told(found, language)
    print(f"\n{file}, {report}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{Path(file).stem}-{language}.txt").write_text(report + "\n", encoding="utf-8")
    assert recall(found, 3) >= least, report


@each_language
def test_queries_are_many_and_answered_by_pages_that_exist(language: str) -> None:
    for file, least in (("search-queries.yaml", 70), ("search-held-out.yaml", 30)):
        entries = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))[language]
        assert len({entry["query"] for entry in entries}) == len(entries) >= least
        for wanted in (wanted for entry in entries for wanted in entry["pages"]):
            assert (ROOT / "docs" / language / f"{wanted}.md").is_file(), wanted


@each_language
def test_results_are_of_the_pages_language_only(page, language: str) -> None:
    pages = "Pod", "Service", "파드", "deployment", "kubectl"
    found = {address for addresses in ask(page, language, list(pages)) for address in addresses}
    assert len(found) > 20
    assert {address.startswith("en/") for address in found} == {language == "en"}


SAME = [
    ("ko", ["파드", "포드", "Pod", "파드를", "파드에서는"]),
    ("ko", ["파드", "vkem"]),  # the same keys without switching to Korean
    ("ko", ["네임스페이스", "네임 스페이스", "네임스패이스", "네임스페잇", "네임스페이스를"]),
    ("ko", ["디플로이먼트", "디플로이", "deployment"]),
    ("ko", ["롤백", "롤백하기", "롤백하는법", "롤백을"]),
    ("ko", ["ConfigMap", "컨피그맵", "컨피그 맵", "콘피그맵을"]),
    ("ko", ["인그레스", "인그래스", "잉그레스", "ingress"]),
    ("en", ["StatefulSet", "stateful set", "statefulset", "statefull set", "스테이트풀셋"]),
    ("en", ["ConfigMap", "config map", "configmaps", "컨피그맵"]),
    ("en", ["PVC", "PVCs", "pvcs", "persistent volume claim"]),
    ("en", ["API", "APIs"]),
]


@pytest.mark.parametrize(("language", "spellings"), SAME)
def test_spellings_of_one_word_find_the_same_page_first(
    page, language: str, spellings: list[str]
) -> None:
    firsts = [found[0] for found in ask(page, language, spellings)]
    assert len(set(firsts)) == 1, dict(zip(spellings, firsts))


@pytest.mark.parametrize(("start", "words"), [("", "롤백을"), ("en/", "rollback")])
def test_search_is_used_with_the_keyboard_alone(open_page, site, start: str, words: str) -> None:
    page = open_page(f"{start}workloads/pod/")
    page.keyboard.press("/")
    page.keyboard.insert_text(words)
    results = page.locator(".md-search-result__link")
    results.first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.hash")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "query"
    page.keyboard.press("Escape")
    assert not page.locator("#__search").is_checked()
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}{start}workloads/rollout-and-rollback/")


def test_results_lead_to_sections_and_mark_the_words(open_page, site) -> None:
    page = open_page("en/")
    page.get_by_role("textbox").fill("rollback")
    results = page.locator(".md-search-result__link")
    results.first.wait_for()
    links = results.evaluate_all("links => links.map(link => link.href)")
    assert all(link.startswith(f"{site.url}en/") for link in links)
    assert any("#" in link for link in links)
    assert page.locator("mark").first.inner_text().lower() == "rollback"


def test_number_told_is_that_of_the_pages_listed(open_page) -> None:
    page = open_page("en/")
    page.get_by_role("textbox").fill("pod restart")
    items = page.locator(".md-search-result__item")
    items.first.wait_for()
    assert re.findall(r"\d+", page.locator("[role=status]").inner_text()) == [str(items.count())]


@pytest.mark.parametrize(("start", "words"), [("", "롤백"), ("en/", "rollback")])
def test_address_may_bring_the_query(open_page, start: str, words: str) -> None:
    page = open_page(f"{start}?q={words}")
    page.locator(".md-search-result__link").first.wait_for()
    assert page.get_by_role("textbox").input_value() == words


def test_syllables_in_the_making_are_searched(open_page) -> None:
    page = open_page("")
    field = page.get_by_role("textbox")
    field.focus()
    session = page.context.new_cdp_session(page)
    for text in ("ㄹ", "로", "롤", "롤ㅂ", "롤배", "롤백"):
        start = {"selectionStart": len(text), "selectionEnd": len(text)}
        session.send("Input.imeSetComposition", {"text": text, **start})
    assert field.input_value() == "롤백"
    first = page.locator(".md-search-result__link").first
    first.wait_for()
    assert first.get_attribute("href").endswith("/workloads/rollout-and-rollback/")


@each_language
def test_search_works_on_pages_opened_from_disk(site, new_page, language: str) -> None:
    page = new_page("file:")
    page.goto((site.folder / SHELF[language] / "workloads/pod/index.html").as_uri())
    page.get_by_role("textbox").fill("rollback")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url("file://*/**/workloads/rollout-and-rollback/index.html")


def test_search_that_cannot_be_loaded_says_so_and_tries_again(open_page) -> None:
    page = open_page("en/")
    page.route("**/search/en.js", lambda route: route.abort())
    field = page.get_by_role("textbox")
    field.fill("rollback")
    page.get_by_text("couldn't be loaded").wait_for()
    complaints = page.context.complaints
    complaints[:] = [c for c in complaints if "ERR_FAILED" not in c]
    page.unroute("**/search/en.js")
    field.fill("rollbacks")
    page.locator(".md-search-result__link").first.wait_for()


@each_language
def test_engine_and_index_are_small_and_loaded_when_the_search_is_opened(
    open_page, site, language: str
) -> None:
    asked: list[str] = []
    page = open_page(SHELF[language])
    page.on("request", lambda request: asked.append(request.url.removeprefix(site.url)))
    page.reload()
    parts = [*ENGINE, f"search/{language}.js"]
    assert not set(asked) & set(parts)
    page.get_by_role("textbox").focus()
    page.wait_for_function("window.SearchEngine && window.searchIndex")
    assert set(parts) <= set(asked)
    sizes = {part: len(gzip.compress((site.folder / part).read_bytes(), 9)) for part in parts}
    print(f"\n{language}: " + json.dumps(sizes))
    assert sum(sizes.values()) < 220_000
