"""What scripts put on a page is known to the static test that judges all text of the site."""

from __future__ import annotations

from typing import Any

from k8s_basic.site import contrast

PAGE = "workloads/replicaset"
ELEMENTS = "all => all.map(one => [one.localName, one.getAttribute('class') || ''])"


def used(open_page) -> list[tuple[str, str]]:
    """Return tag and classes of all elements of a lesson that was searched and copied from."""
    shown: Any = open_page(f"{PAGE}/", permissions=["clipboard-read", "clipboard-write"])
    shown.locator(".language-bash .md-code__button").first.click()
    shown.locator(".md-dialog--active").wait_for()
    shown.locator(".md-search__input").fill("replicaset")
    shown.locator(".md-search-result__item .heading mark").first.wait_for()
    shown.evaluate("scrollTo(0, document.body.scrollHeight)")
    shown.locator(".md-nav__link--passed").first.wait_for(state="attached")
    return [(tag, classes) for tag, classes in shown.locator("body *").evaluate_all(ELEMENTS)]


def test_elements_that_scripts_make_are_judged_by_the_static_test(open_page, site) -> None:
    results = "reference/verified-claims/index.html"
    read = contrast.read_site(site.folder, (f"{PAGE}/index.html", results))
    known = set()
    for kind in read.kinds:
        element = kind.first.etree_element
        known.add((element.tag, element.get("class", "")))
    colored = read.sheets.classes

    def looks(tag: str, classes: str) -> tuple[str, frozenset[str]]:
        return tag, colored & set(classes.split())

    missing = {looks(*one) for one in used(open_page)} - {looks(*one) for one in known}
    assert not missing, "put them into k8s_basic.site.contrast.ADDED"
