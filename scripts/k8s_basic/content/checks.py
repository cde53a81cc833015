"""Every rule that pages, examples and tests must keep between each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from posixpath import join, normpath

from . import recordings, restrictions
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
        found += restrictions.restriction_problems(root)
    return sorted(set(found))


def _language_problems(pages: list[Page]) -> Iterator[Problem]:
    known = {(page.language, page.name): page for page in pages}
    for page in pages:
        other = LANGUAGES[1 - LANGUAGES.index(page.language)]
        twin = known.get((other, page.name))
        if not twin:
            yield Problem(page.path, 1, f"docs/{other}/{page.name}.md is missing; write it too")
        elif page.language == LANGUAGES[0]:
            yield from _pair_problems(page, twin)


def _pair_problems(ko: Page, en: Page) -> Iterator[Problem]:
    if ko.meta.get("minutes") != en.meta.get("minutes"):
        text = f"'minutes' differs from {ko.path}; give both the same number"
        yield Problem(en.path, en.line_of("minutes"), text)
    if [section.id for section in ko.sections] != [section.id for section in en.sections]:
        yield from _heading_problems(ko, en)
        return
    for one, two in zip(ko.sections, en.sections):
        for kind in ("includes", "commands", "outputs", "figures"):
            yield from _sequence_problems(kind, (ko, one), (en, two))
        yield from _target_problems((ko, one), (en, two))


def _heading_problems(ko: Page, en: Page) -> Iterator[Problem]:
    for one, two in ((ko, en), (en, ko)):
        known = {section.id for section in two.sections}
        for section in (s for s in one.sections if s.id not in known):
            text = f"{two.path} has no heading {{#{section.id}}}; both languages need the same"
            yield Problem(one.path, section.line, text)
    if {s.id for s in ko.sections} == {s.id for s in en.sections}:
        one, two = next((o, t) for o, t in zip(ko.sections, en.sections) if o.id != t.id)
        text = f"{ko.path} has {{#{one.id}}} here; use the same order in both languages"
        yield Problem(en.path, two.line, text)


def _sequence_problems(
    kind: str, ko: tuple[Page, Section], en: tuple[Page, Section]
) -> Iterator[Problem]:
    """Name the first item of a section that the other language does not have there."""
    sides: list[list[Item]] = [getattr(section, kind) for _, section in (ko, en)]
    for one, two in zip_longest(*sides):
        if one and two and (one.text, one.mark) == (two.text, two.mark):
            continue
        (page, section), item, other = (en, two, ko[0]) if two else (ko, one, en[0])
        text = f"this {kind[:-1]} is not the one that {other.path} has in section {{#{section.id}}}"
        line = item.line if item else section.line
        yield Problem(page.path, line, f"{text}; make them the same, mark included")
        return


def _target_problems(ko: tuple[Page, Section], en: tuple[Page, Section]) -> Iterator[Problem]:
    for (page, section), (other, twin) in ((ko, en), (en, ko)):
        targets = {link.text for link in twin.links}
        for link in (link for link in section.links if link.text not in targets):
            text = f"{other.path} has no link to {link.text} in section {{#{section.id}}}"
            yield Problem(page.path, link.line, f"{text}; both languages link to the same places")


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
            advice = "copy that of another topic and name it in the nav"
            yield Problem(page.path, 1, f"{text}; {advice}")


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
        twin, proof = places[other].get(claim), tests.get(claim, [None])[0]
        wrong = []
        if not twin:
            there = f"docs/{other}/{page.name}.md"
            wrong.append(f"{claim} is not in {there}; mark the sentence in {{#{section.id}}} there")
        elif code == LANGUAGES[0] and (twin[0][0].name, twin[0][1].id) != (page.name, section.id):
            there = f"{{#{twin[0][1].id}}} of {twin[0][0].path}"
            wrong.append(f"{claim} stands in {there}; use one section")
        if not proof:
            wrong.append(f"no live test has @claim({claim!r}){closest(claim, tests)}")
        elif proof.path != test_path(page.name):
            there = test_path(page.name)
            wrong.append(f"{claim} is tested in {proof.path}; move the test to {there}")
        yield from (Problem(page.path, item.line, text) for text in wrong)


def _use_problems(root: Path, pages: list[Page]) -> Iterator[Problem]:
    folder = root / "examples"
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")}
    for page in pages:
        for item in (item for item in _used(page) if item.text not in names):
            text = f"examples/{item.text} does not exist{closest(item.text, names)}"
            yield Problem(page.path, item.line, text)
    for code in LANGUAGES:
        used = {i.text for p in pages if p.language == code for i in p.items("includes")}
        addressed = {i.text for p in pages if p.language == code for i in _used(p)}
        for name in sorted(names - used - (addressed & set(CLUSTER_FILES))):
            text = f"no page in docs/{code} includes this file; show it in a lesson or remove it"
            yield Problem(f"examples/{name}", 1, text)
    for name in sorted(names - strings(root) - set(CLUSTER_FILES)):
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
    kept = set(recordings.recordings(root))
    for page in pages:
        advice = f"run ./scripts/record {page.name}"
        for command in (c for c in page.items("commands") if c.output):
            recording = recordings.read(root, command.output)
            line = next(o.line for o in page.items("outputs") if o.text == command.output)
            if not recording:
                yield Problem(page.path, line, f"not recorded yet: {advice}")
            elif recording.commands != command.text:
                text = f"the command changed since it was recorded: {advice}"
                yield Problem(page.path, line, text)
    for name in sorted(kept):
        page = name.rpartition("/")[0]
        if name not in shown:
            wrong = f"no page shows this recording{closest(name, shown)}; remove the file"
        elif not recordings.is_as_recorded(root, name):
            advice = f"take it from git again or run ./scripts/record {page}"
            wrong = f"this is not what a run has recorded: {advice}"
        else:
            continue
        yield Problem(recordings.path(name), 1, wrong)
