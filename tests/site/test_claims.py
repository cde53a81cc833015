"""The mark after a claim tells what the evidence says, by every way to reach it."""

from __future__ import annotations

import datetime

import pytest
from playwright.sync_api import Page, expect

TODAY = datetime.datetime.now(datetime.UTC).date().isoformat()
WAYS = {
    "hover": lambda sign: sign.hover(),
    "focus": lambda sign: sign.focus(),
    "touch": lambda sign: sign.tap(),
}


@pytest.fixture
def read(new_page):
    """Return a function that opens an address of a small site as a new reader does."""

    def opened(address: str, width: int = 1280, **options) -> Page:
        home = address[: address.index("/", len("http://"))]
        page = new_page(home, viewport={"width": width, "height": 740}, **options)
        page.goto(address)
        return page

    return opened


def fits(page: Page) -> bool:
    return page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_mark_shows_version_and_date_and_grows_old(build, evidence, read) -> None:
    evidence(days={"WL-12": 31})
    evidence("v1.36.3", days={"WL-3": 30})
    site = build()
    for start, version in (("", "쿠버네티스 1.37.2"), ("en/", "Kubernetes 1.37.2")):
        for way, width in (("hover", 1280), ("focus", 1280), ("touch", 360)):
            page = read(site.url + start + "workloads/pod/", width, has_touch=way == "touch")
            mark = page.locator("#wl-3")
            detail = mark.locator(".detail")
            expect(detail).not_to_be_visible()
            WAYS[way](mark.get_by_role("button", name=version))
            expect(detail).to_be_visible()
            expect(detail).to_contain_text(f"{version} ({TODAY})")
            assert fits(page)
            detail.locator("a").first.focus()
            expect(detail).to_be_visible()
            page.keyboard.press("Escape")
            expect(detail).not_to_be_visible()
        old = {"": "31일 전", "en/": "31 days ago"}[start]
        expect(page.locator("#wl-12")).to_have_class("claim verified old")
        expect(page.get_by_role("button", name=old)).to_have_count(1)
        assert "old" not in page.locator("#wl-3").get_attribute("class")


def test_mark_needs_no_script(build, evidence, read) -> None:
    evidence()
    page = read(build().url + "en/workloads/pod/", java_script_enabled=False)
    page.locator("#wl-3 button").focus()
    expect(page.locator("#wl-3 .detail")).to_be_visible()
    expect(page.locator("#wl-3 .detail")).to_contain_text(TODAY)


@pytest.mark.parametrize("width", [360, 1280])
def test_results_lead_to_the_row_and_back_to_the_sentence(
    build, evidence, read, width: int
) -> None:
    evidence()
    page = read(build().url + "en/workloads/pod/", width)
    page.locator("#wl-3 button").focus()
    page.locator("#wl-3").get_by_role("link", name="Results").click()
    row = page.locator("tr#wl-3")
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("The Pod answers.")
    expect(row).to_contain_text(TODAY)
    assert fits(page)
    row.get_by_role("link", name="WL-3").click()
    expect(page.locator("sup#wl-3")).to_be_in_viewport()


def test_totals_name_the_run_and_lead_to_the_results_of_a_topic(build, evidence, read) -> None:
    evidence()
    page = read(build().url + "en/reference/verified-claims/")
    expect(page.locator("section.evidence")).to_contain_text("nginx:1.22.1")
    file = page.get_by_role("link", name="Evidence (JSON)").evaluate("a => a.href")
    assert page.request.get(file).json()["minor"] == "1.37"
    row = page.get_by_role("row", name="Results: Workloads")
    expect(row.get_by_role("cell")).to_have_text(["2"])
    row.get_by_role("link").click()
    expect(page.locator("tr#wl-3")).to_be_visible()


def test_without_evidence_every_mark_says_so_and_what_was_edited_is_stale(
    build, evidence, read, tree
) -> None:
    site = build()
    for start, words in (
        ("", "이 빌드에서는 검증하지 않았습니다"),
        ("en/", "Not verified in this build"),
    ):
        page = read(site.url + start + "workloads/pod/")
        expect(page.get_by_role("button", name=words)).to_have_count(2)
    evidence()
    file = tree / "docs/en/workloads/pod.md"
    file.write_text(file.read_text().replace("The Pod answers", "The Pod replies"))
    page = read(build().url + "workloads/pod/")
    expect(page.locator("#wl-3")).to_have_class("claim stale")
    expect(page.get_by_role("button", name="문장 (영어)")).to_have_count(1)
    expect(page.locator("#wl-12")).to_have_class("claim verified")


def test_evidence_of_another_form_ends_the_build_in_one_sentence(build, evidence) -> None:
    evidence(schema=2)
    with pytest.raises(pytest.fail.Exception, match=r"json is no evidence: at schema") as said:
        build()
    assert "Traceback" not in str(said.value)
