"""Every rule that pages, examples and tests must keep between each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from posixpath import join, normpath

from .addresses import address_problems
from .callouts import callout_problems
from .claims import Proof, proofs, strings, test_path
from .figures import figure_problems
from .glossary import glossary_problems
from .in_step import drift_problems
from .keywords import keyword_problems
from .pages import (
    EXAMPLE_ADDRESS,
    LANGUAGES,
    RESULTS,
    Item,
    Page,
    Section,
    is_results,
    read_pages,
)
from .problems import Problem, closest
from .recordings import is_as_recorded, path, read, recordings

FRONT_MATTER = {"title": str, "description": str, "minutes": int}
CLAIM_ANCHOR = r"[a-z]{2}-\d+"  # where a marked sentence stands
# What the cluster itself is made from: every live test stands on these, no lesson applies them.
CLUSTER_FILES = (
    "start/first-cluster/kind-cluster.yaml",
    "start/first-cluster/ingress-controller.yaml",
)


def content_problems(root: Path, wording: bool = True) -> list[Problem]:
    """Return everything wrong with the content below `root`, sorted by file and line.

    Without `wording`, what a page can be built with isn't judged: the form of the examples, terms,
    and whether both languages say the same. That takes longer than all the rest.
    """
    pages = read_pages(root)
    found = [problem for page in pages for problem in page.problems]
    found += [problem for page in pages for problem in _page_problems(page)]
    found += _language_problems(pages)
    found += _link_problems(pages)
    found += _claim_problems(root, pages)
    found += _results_problems(pages)
    found += _use_problems(root, pages)
    found += _recording_problems(root, pages)
    found += address_problems(root)
    found += keyword_problems(root, pages)
    found += figure_problems(root, pages)
    found += callout_problems(root, pages)
    if wording:
        from .examples import example_problems  # here, as its libraries take long to import

        found += example_problems(root)
        found += glossary_problems(root, pages)
        found += drift_problems(root, pages)
    return sorted(set(found))


def _page_problems(page: Page) -> Iterator[Problem]:
    for key, kind in FRONT_MATTER.items():
        if type(page.meta.get(key)) is not kind or not page.meta[key]:
            yield Problem(page.path, 1, f"front matter needs '{key}' ({kind.__name__}); add it")
    for key in page.meta.keys() - FRONT_MATTER.keys():
        yield Problem(page.path, 1, f"front matter key '{key}' is not known; remove it")
    first = page.sections[0]
    name = page.name.rpartition("/")[2]
    if first.level != 1 or first.id != name:
        yield Problem(page.path, first.line, f"the first heading must be # … {{#{name}}}")
    seen: set[str] = set()
    for section in page.sections:
        if section.level == 1 and section is not first:
            yield Problem(page.path, section.line, "a page has one # heading; use ## here")
        if section.id in seen:
            yield Problem(page.path, section.line, f"id {{#{section.id}}} stands twice; rename one")
        seen.add(section.id)


def _language_problems(pages: list[Page]) -> Iterator[Problem]:
    sides = {code: {p.name: p for p in pages if p.language == code} for code in LANGUAGES}
    for page in pages:
        other = LANGUAGES[1 - LANGUAGES.index(page.language)]
        if page.name not in sides[other]:
            yield Problem(page.path, 1, f"docs/{other}/{page.name}.md is missing; write it too")
        elif page.language == LANGUAGES[0]:
            yield from _pair_problems(page, sides[other][page.name])


def _pair_problems(ko: Page, en: Page) -> Iterator[Problem]:
    if ko.meta.get("minutes") != en.meta.get("minutes"):
        yield Problem(en.path, 1, f"'minutes' differs from {ko.path}; give both the same number")
    ids = [[section.id for section in page.sections] for page in (ko, en)]
    if ids[0] != ids[1]:
        yield from _heading_problems(ko, en)
        return
    for one, two in zip(ko.sections, en.sections):
        for kind in ("includes", "commands", "outputs", "figures"):
            yield from _sequence_problems(kind[:-1], (ko, one), (en, two))
        yield from _target_problems((ko, one), (en, two))


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


def _heading_problems(ko: Page, en: Page) -> Iterator[Problem]:
    for one, two in ((ko, en), (en, ko)):
        known = {section.id for section in two.sections}
        for section in one.sections:
            if section.id not in known:
                yield Problem(
                    one.path,
                    section.line,
                    f"{two.path} has no heading {{#{section.id}}}; both languages need the same",
                )
    if {s.id for s in ko.sections} == {s.id for s in en.sections}:
        for korean, english in zip(ko.sections, en.sections):
            if korean.id != english.id:
                text = f"{ko.path} has {{#{korean.id}}} here; use the same order in both languages"
                yield Problem(en.path, english.line, text)
                return


def _sequence_problems(
    kind: str, ko: tuple[Page, Section], en: tuple[Page, Section]
) -> Iterator[Problem]:
    sides: list[list[Item]] = [getattr(section, kind + "s") for _, section in (ko, en)]
    for number in range(max(map(len, sides))):
        one, two = (side[number] if number < len(side) else None for side in sides)
        if one and two and (one.text, one.mark) == (two.text, two.mark):
            continue
        (page, section), item = (en, two) if two else (ko, one)
        other = (ko if two else en)[0]
        line = item.line if item else section.line
        yield Problem(
            page.path,
            line,
            f"this {kind} is not the one that {other.path} has in section "
            f"{{#{section.id}}}; make them the same, mark included",
        )
        return


def _target_problems(ko: tuple[Page, Section], en: tuple[Page, Section]) -> Iterator[Problem]:
    for (page, section), (other, twin) in ((ko, en), (en, ko)):
        targets = {link.text for link in twin.links}
        for link in section.links:
            if link.text not in targets:
                yield Problem(
                    page.path,
                    link.line,
                    f"{other.path} has no link to {link.text} in section {{#{section.id}}}; "
                    "both languages link to the same places",
                )


def _claim_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    found, problems = proofs(root)
    yield from problems
    tests: dict[str, list[Proof]] = defaultdict(list)
    for proof in found:
        tests[proof.claim].append(proof)
    for same in tests.values():
        for proof in same[1:]:
            text = f"{proof.claim} is claimed by {same[0].path}:{same[0].line} too; keep one test"
            yield Problem(proof.path, proof.line, text)
    places = {code: _places(pages, code) for code in LANGUAGES}
    for code in LANGUAGES:
        yield from _sentence_problems(code, places, tests)
    for claim, same in tests.items():
        if not any(claim in places[code] for code in LANGUAGES):
            ids = {other for code in LANGUAGES for other in places[code]} - tests.keys()
            text = f"no page says {claim}{closest(claim, ids)}; mark the sentence with [{claim}]"
            yield Problem(same[0].path, same[0].line, text)


def _results_problems(pages: list[Page]) -> Iterator[Problem]:
    """Demand a page of results for each topic, as every mark leads to it."""
    names = {page.name for page in pages}
    if not any(map(is_results, names)):
        return  # a repository without such pages, which tests make
    for page in pages:
        topic = page.name.rpartition("/")[0]
        if page.items("claims") and f"{RESULTS}/{topic}" not in names:
            text = f"marks lead to docs/{page.language}/{RESULTS}/{topic}.md, which isn't there"
            yield Problem(
                page.path, 1, f"{text}; copy that of another topic and name it in the nav"
            )


Places = dict[str, list[tuple[Page, Section, Item]]]


def _places(pages: list[Page], language: str) -> Places:
    found: Places = defaultdict(list)
    for page in (page for page in pages if page.language == language):
        for section in page.sections:
            for claim in section.claims:
                found[claim.text].append((page, section, claim))
    return found


def _sentence_problems(
    code: str, places: dict[str, Places], tests: dict[str, list[Proof]]
) -> Iterator[Problem]:
    other = LANGUAGES[1 - LANGUAGES.index(code)]
    for claim, found in places[code].items():
        page, section, item = found[0]
        for again, _, twice in found[1:]:
            text = f"{claim} stands at {page.path}:{item.line} already; keep one"
            yield Problem(again.path, twice.line, text)
        twin = places[other].get(claim)
        twin_path = f"docs/{other}/{page.name}.md"
        if not twin:
            text = f"{claim} is not in {twin_path}; mark the sentence in {{#{section.id}}} there"
            yield Problem(page.path, item.line, text)
        elif code == LANGUAGES[0] and (twin[0][0].name, twin[0][1].id) != (page.name, section.id):
            text = f"{claim} stands in {{#{twin[0][1].id}}} of {twin[0][0].path}; use one section"
            yield Problem(page.path, item.line, text)
        if claim not in tests:
            text = f"no live test has @claim({claim!r}){closest(claim, tests)}"
            yield Problem(page.path, item.line, text)
        elif tests[claim][0].path != test_path(page.name):
            proof = tests[claim][0]
            text = f"{claim} is tested in {proof.path}; move the test to {test_path(page.name)}"
            yield Problem(page.path, item.line, text)


def _use_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    folder = root / "examples"
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")}
    for page in pages:
        for item in _used(page):
            if item.text not in names:
                text = f"examples/{item.text} does not exist{closest(item.text, names)}"
                yield Problem(page.path, item.line, text)
    applied = strings(root)
    for code in LANGUAGES:
        used = {i.text for p in pages if p.language == code for i in p.items("includes")}
        addressed = {i.text for p in pages if p.language == code for i in _used(p)}
        for name in sorted(names - used - (addressed & set(CLUSTER_FILES))):
            text = f"no page in docs/{code} includes this file; show it in a lesson or remove it"
            yield Problem(f"examples/{name}", 1, text)
    for name in sorted(names - applied - set(CLUSTER_FILES)):
        text = f'no live test applies this file; write lab.apply("{name}") in tests/live'
        yield Problem(f"examples/{name}", 1, text)


def _used(page: Page) -> Iterator[Item]:
    """Yield every example that the page includes or names by its published address."""
    yield from page.items("includes")
    for number, line in enumerate(page.lines, 1):
        for match in EXAMPLE_ADDRESS.finditer(line):
            if match[1].endswith(".yaml"):
                yield Item(number, match[1])


def _recording_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    shown = {item.text for page in pages for item in page.items("outputs")}
    for page in pages:
        commands = {c.output: c.text for c in page.items("commands") if c.output}
        for item in page.items("outputs"):
            recording = read(root, item.text)
            advice = f"run ./scripts/record {page.name}"
            if not recording:
                yield Problem(page.path, item.line, f"not recorded yet: {advice}")
            elif recording.commands != commands[item.text]:
                text = f"the command changed since it was recorded: {advice}"
                yield Problem(page.path, item.line, text)
    for name in sorted(set(recordings(root)) & shown):
        if not is_as_recorded(root, name):
            advice = f"take it from git again or run ./scripts/record {name.rpartition('/')[0]}"
            yield Problem(path(name), 1, f"this is not what a run has recorded: {advice}")
    for name in sorted(set(recordings(root)) - shown):
        text = f"no page shows this recording{closest(name, shown)}; remove the file"
        yield Problem(path(name), 1, text)
