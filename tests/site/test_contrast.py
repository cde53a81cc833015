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
    shown.locator(".md-search-result__item mark").first.wait_for()
    shown.evaluate("scrollTo(0, document.body.scrollHeight)")
    shown.locator(".md-nav__link--passed").first.wait_for(state="attached")
    return [(tag, classes) for tag, classes in shown.locator("body *").evaluate_all(ELEMENTS)]


def test_elements_that_scripts_make_are_judged_by_the_static_test(open_page, site) -> None:
    results = "reference/verified-claims/index.html"
    read = contrast.read_site(site.folder, (f"{PAGE}/index.html", results))
    judged = [kind.first.etree_element for kind in read.kinds]
    known = {(one.tag, name) for one in judged for name in one.get("class", "").split()}
    made = {(tag, name) for tag, classes in used(open_page) for name in classes.split()}
    colored = read.sheets.classes - {"focus-visible"}  # a state, which is tried on each element
    missing = {(tag, name) for tag, name in made - known if name in colored}
    assert not missing, "put them into k8s_basic.site.contrast.ADDED"
