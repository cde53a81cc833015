"""Every rule that pages, examples and tests must keep between each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from posixpath import join, normpath

from . import recordings
from .addresses import address_problems
from .callouts import callout_problems
from .claims import Proof, cluster_files, examples_used, proofs, test_path
from .figures import figure_problems
from .glossary import glossary_problems
from .in_step import drift_problems
from .keywords import keyword_problems
from .loops import loop_problems
from .pages import EXAMPLE_ADDRESS, LANGUAGES, RESULTS, Item, Page, Section, is_results, read_pages
from .problems import Problem, closest
from .restrictions import restriction_problems

# What both languages have in the same order, and what it's called.
_SAME = {
    "includes": "include",
    "commands": "command or its mark",
    "outputs": "output",
    "figures": "figure",
}
CLAIM_ANCHOR = r"[a-z]{2}-\d+"  # where a marked sentence stands


def content_problems(root: Path, wording: bool = True) -> list[Problem]:
    """Return everything wrong with the content below `root`, sorted by file and line.

    Without `wording`, what a page can be built with isn't judged: the form of the examples, terms,
    and whether both languages say the same. That takes longer than all the rest.
    """
    pages = read_pages(root)
    found = [problem for page in pages for problem in page.problems]
    found += _language_problems(pages)
    found += _link_problems(pages)
    found += _claim_problems(root, pages)
    found += _results_problems(pages)
    found += _use_problems(root, pages)
    found += _recording_problems(root, pages)
    found += keyword_problems(root, pages)
    found += figure_problems(root, pages)
    found += callout_problems(root, pages)
    if wording:
        from .examples import example_problems  # here, as its libraries take long to import

        found += example_problems(root)
        found += glossary_problems(root, pages)
        found += drift_problems(root, pages)
        found += address_problems(root)
        found += restriction_problems(root)
        found += loop_problems(root, pages)
    return sorted(set(found))


def _language_problems(pages: list[Page]) -> Iterator[Problem]:
    known = {(page.language, page.name): page for page in pages}
    for page in pages:
        other = LANGUAGES[1 - LANGUAGES.index(page.language)]
        twin = known.get((other, page.name))
        if not twin:
            yield Problem(page.path, 1, f"docs/{other}/{page.name}.md is missing; write it too")
        elif page.language == LANGUAGES[0] and not page.problems + twin.problems:
            yield from _pair_problems(page, twin)


def _pair_problems(ko: Page, en: Page) -> Iterator[Problem]:
    if ko.meta.get("minutes") != en.meta.get("minutes"):
        text = f"'minutes' differs from {ko.path}; give both the same number"
        yield Problem(en.path, en.line_of("minutes"), text)
    headings = [[Item(s.line, s.id) for s in page.sections] for page in (ko, en)]
    differs = list(_difference("heading id", (ko, en), headings))
    yield from differs
    for sections in zip(ko.sections, en.sections) if not differs else ():
        for kind, what in _SAME.items():
            sides = [getattr(section, kind) for section in sections]
            yield from _difference(what, (ko, en), sides)
        yield from _lacking_links((ko, en), sections) or _lacking_links((en, ko), sections[::-1])


def _difference(what: str, pages: tuple[Page, Page], sides: list[list[Item]]) -> Iterator[Problem]:
    """Name the first item that the other language does not have there."""
    for one, two in zip_longest(*sides):
        if not (one and two and (one.text, one.mark) == (two.text, two.mark)):
            (page, item), (other, twin) = list(zip(pages, (one, two)))[:: -1 if two else 1]
            there = f"{other.path}:{twin.line}" if twin else other.path
            text = f"this {what} is not the one of {there}; make them the same"
            yield Problem(page.path, item.line, text)
            return


def _lacking_links(pages: tuple[Page, Page], sections: tuple[Section, Section]) -> list[Problem]:
    """Name the links of a section that the other language does not have there."""
    targets = {link.text for link in sections[1].links}
    there = f"in section {{#{sections[1].id}}}; both languages link to the same places"
    return [
        Problem(pages[0].path, link.line, f"{pages[1].path} has no link to {link.text} {there}")
        for link in sections[0].links
        if link.text not in targets
    ]


def _link_problems(pages: list[Page]) -> Iterator[Problem]:
    """Demand that links between pages lead to a page and a heading that are there."""
    known = {(page.language, page.name): {s.id for s in page.sections} for page in pages}
    for page in pages:
        for link in page.items("links"):
            target, _, anchor = link.text.partition("#")
            if "://" in target or not (target.endswith(".md") or not target):
                continue
            folder = page.name.rpartition("/")[0]
            name = normpath(join(folder, target)).removesuffix(".md") if target else page.name
            ids = known.get((page.language, name))
            if ids is None:
                near = closest(name, {n for code, n in known if code == page.language})
                yield Problem(page.path, link.line, f"there is no page {name}{near}")
            elif anchor and anchor not in ids and not re.fullmatch(CLAIM_ANCHOR, anchor):
                text = f"{name} has no heading {{#{anchor}}}{closest(anchor, ids)}"
                yield Problem(page.path, link.line, text)


Place = tuple[Page, Section, Item]  # where a marked sentence stands


def _claim_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    found, problems = proofs(root)
    yield from problems
    tests: dict[str, Proof] = {}
    for proof in found:
        if (first := tests.setdefault(proof.claim, proof)) != proof:
            text = f"{proof.claim} is claimed by {first.path}:{first.line} too; keep one test"
            yield Problem(proof.path, proof.line, text)
    places: dict[tuple[str, str], Place] = {}
    for place in ((page, s, claim) for page in pages for s in page.sections for claim in s.claims):
        page, _, item = place
        if (one := places.setdefault((item.text, page.language), place)) != place:
            text = f"{item.text} stands at {one[0].path}:{one[2].line} already; keep one"
            yield Problem(page.path, item.line, text)
    said = {claim for claim, _ in places}
    for claim in tests.keys() - said:
        near = closest(claim, said - tests.keys())
        text = f"no page says {claim}{near}; mark the sentence with [{claim}]"
        yield Problem(tests[claim].path, tests[claim].line, text)
    for (claim, language), place in places.items():
        twin = places.get((claim, LANGUAGES[1 - LANGUAGES.index(language)]))
        if text := _test_problem(place, tests) or _twin_problem(place, twin):
            yield Problem(place[0].path, place[2].line, text)


def _test_problem(place: Place, tests: dict[str, Proof]) -> str:
    claim, there = place[2].text, test_path(place[0].name)
    if claim not in tests:
        return f"no live test has @claim({claim!r}){closest(claim, tests)}"
    if tests[claim].path != there:
        return f"{claim} is tested in {tests[claim].path}; move the test to {there}"
    return ""


def _twin_problem(place: Place, twin: Place | None) -> str:
    page, section, item = place
    if not twin:
        there = page.path.replace(page.language, LANGUAGES[1 - LANGUAGES.index(page.language)], 1)
        return f"{item.text} is not in {there}; mark the sentence in {{#{section.id}}} there"
    if page.language == LANGUAGES[0] and (twin[0].name, twin[1].id) != (page.name, section.id):
        return f"{item.text} stands in {{#{twin[1].id}}} of {twin[0].path}; use one section"
    return ""


def _results_problems(pages: list[Page]) -> Iterator[Problem]:
    """Demand a page of results for each topic, as every mark leads to it."""
    names = {page.name for page in pages}
    if not any(map(is_results, names)):
        return  # a repository without such pages, which tests make
    for page in pages:
        topic = page.name.rpartition("/")[0]
        if page.items("claims") and f"{RESULTS}/{topic}" not in names:
            text = f"marks lead to docs/{page.language}/{RESULTS}/{topic}.md, which isn't there"
            advice = "copy that of another topic and name it in the nav"
            yield Problem(page.path, 1, f"{text}; {advice}")


def _use_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    """Demand that each example is there, shown in both languages and applied by a test."""
    folder = root / "examples"
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")}
    for page in pages:
        for item in (item for item in _used(page) if item.text not in names):
            text = f"examples/{item.text} does not exist{closest(item.text, names)}"
            yield Problem(page.path, item.line, text)
    for code in LANGUAGES:
        shown = {i.text for p in pages if p.language == code for i in p.items("includes")}
        for name in names - shown:
            text = f"no page in docs/{code} includes this file; show it in a lesson or remove it"
            yield Problem(f"examples/{name}", 1, text)
    for name in names - examples_used(root) - cluster_files(root):
        text = f'no live test applies this file; write lab.apply("{name}") in tests/live'
        yield Problem(f"examples/{name}", 1, text)


def _used(page: Page) -> Iterator[Item]:
    """Yield every example that the page includes or names by its published address."""
    yield from page.items("includes")
    for number, line in enumerate(page.lines, 1):
        names = EXAMPLE_ADDRESS.findall(line)
        yield from (Item(number, name) for name in names if name.endswith(".yaml"))


def _recording_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    shown = {item.text for page in pages for item in page.items("outputs")}
    for page in pages:
        lines = {output.text: output.line for output in page.items("outputs")}
        for command in (c for c in page.items("commands") if c.output):
            recording = recordings.read(root, command.output)
            if not recording or recording.commands != command.text:
                known = "the command changed since it was recorded"
                wrong = f"{known if recording else 'not recorded yet'}: run ./scripts/record"
                yield Problem(page.path, lines[command.output], f"{wrong} {page.name}")
    for name in recordings.recordings(root):
        page_name = name.rpartition("/")[0]
        if name not in shown:
            wrong = f"no page shows this recording{closest(name, shown)}; remove the file"
            yield Problem(recordings.path(name), 1, wrong)
        elif not recordings.is_as_recorded(root, name):
            advice = f"take it from git again or run ./scripts/record {page_name}"
            wrong = f"this is not what a run has recorded: {advice}"
            yield Problem(recordings.path(name), 1, wrong)
