"""What a reader does on the site works: copy, switch, toggle, get lost."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content.pages import Page

EXAMPLE_FILES = sorted(f.relative_to(EXAMPLES).as_posix() for f in EXAMPLES.rglob("*.yaml"))


def lesson(language: str) -> Page:
    return Page(ROOT, ROOT / "docs" / language / "workloads" / "replicaset.md")


@pytest.mark.parametrize("name", EXAMPLE_FILES)
def test_example_is_served_as_it_is(site, name: str) -> None:
    with urlopen(f"{site.url}examples/{name}") as answer:
        assert answer.read() == (EXAMPLES / name).read_bytes()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_copy_button_copies_the_command_and_nothing_else(visit, site, language: str) -> None:
    page = visit(("en/" if language == "en" else "") + "workloads/replicaset/")
    wanted = [
        c.text.replace("{{ examples }}", f"{site.url}examples")
        for c in lesson(language).items("commands")
    ]
    for number, text in enumerate(wanted):
        block = page.locator(".language-bash.highlight").nth(number)
        block.hover()
        block.locator("[data-clipboard-target], [data-md-type=copy]").first.click()
        assert page.evaluate("navigator.clipboard.readText()").rstrip("\n") == text


def test_raw_link_of_a_manifest_leads_to_the_file(visit, site) -> None:
    page = visit("workloads/replicaset/")
    link = page.locator("a.raw").first
    assert link.inner_text() == "원본 YAML"
    name = lesson("ko").items("includes")[0].text
    assert link.evaluate("a => a.href") == f"{site.url}examples/{name}"


@pytest.mark.parametrize(("start", "goal"), [("ko", "en"), ("en", "ko")])
def test_language_switch_stays_on_the_page(open_page, site, start: str, goal: str) -> None:
    paths = {"ko": "workloads/replicaset/", "en": "en/workloads/replicaset/"}
    page = open_page(paths[start])
    page.locator(".md-select button").hover()
    page.locator(f".md-select__link[hreflang={goal}]").click()
    page.wait_for_url(site.url + paths[goal])
    assert page.locator("html").get_attribute("lang") == goal


@pytest.mark.parametrize("system", ["light", "dark"])
def test_palette_follows_the_system_and_the_toggle(open_page, system: str) -> None:
    page = open_page("", color_scheme=system)

    def is_dark() -> bool:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in color.strip("rgb()").split(",")) < 3 * 128

    assert is_dark() == (system == "dark")
    seen = []
    for _ in range(3):
        page.locator("form[data-md-component=palette] label:visible").click()
        seen.append(is_dark())
    assert seen == [False, True, system == "dark"]


@pytest.mark.parametrize("missing", ["nothing/", "en/nothing/", "workloads/nothing/here/"])
def test_missing_page_is_told_in_both_languages(open_page, site, missing: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(site.url + missing)
    assert refused.value.code == 404
    page = open_page(missing)
    # The browser itself reports the status of the page.
    complaints = page.context.complaints
    complaints[:] = [c for c in complaints if "status of 404" not in c]
    assert "페이지를 찾을 수 없습니다" in page.locator("h1").inner_text()
    for text, target in (("처음 화면", ""), ("front page", "en/")):
        link = page.get_by_role("link", name=text)
        assert link.evaluate("a => a.href") == site.url + target


def test_licenses_of_what_the_site_ships_are_there(site) -> None:
    names = {file.stem for file in (site.folder / "assets" / "licenses").iterdir()}
    assert {"mkdocs-material", "icons", "rxjs", "clipboard", "minisearch"} <= names
