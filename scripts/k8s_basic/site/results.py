"""The results of all claims: totals by topic, and for each topic a page with its sentences.

The search has no part in them and finds the sentences on their own pages.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator

from mkdocs.utils import get_relative_url

from ..content.claims import said
from ..content.pages import Page, is_results
from ..evidence import states
from ..evidence.states import Seen, State
from . import score
from .marks import SYMBOLS, Sheet, inline

ALL_RESULTS = "reference/verified-claims"

# What does not apply to a version is as little a proof there as what cannot be enforced.
_CELLS = {
    "passed": "verified",
    "failed": "failed",
    "not-enforceable": "not-enforceable",
    "not-applicable": "not-enforceable",
}


def proof(sheet: Sheet) -> str:
    """Return for the front page how much was confirmed, on which versions and when."""
    counts, runs = _counts(sheet, _pages(sheet)), sheet.evidence.runs
    told = sheet.words.no_run
    if runs:
        told = sheet.words.proof.format(
            total=counts.total(),
            held=counts["verified"],
            versions=", ".join(dict.fromkeys(run["kubernetes"].lstrip("v") for run in runs)),
            date=max(run["started"][:10] for run in runs),
        )
    link = sheet.link(sheet.to(ALL_RESULTS), sheet.words.all_results)
    return f'<p class="proof">{html.escape(told)} {link}</p>'


def totals(sheet: Sheet) -> str:
    """Return what all results come to: the runs, the mutants, and the numbers of each topic."""
    facts = "".join(f"<li>{fact}</li>\n" for fact in _facts(sheet))
    counts = _counts(sheet, _pages(sheet))
    shown = [name for name in SYMBOLS if counts[name]]
    heads = [sheet.words.topic, *(f"{SYMBOLS[n]} {sheet.words.names[n]}" for n in shown)]
    rows = "".join(_total(sheet, page, shown) for page in _pages(sheet) if is_results(page.name))
    table = _table(heads, rows, sheet.words.topic)
    return f'<section class="evidence">\n<ul class="facts">\n{facts}</ul>\n{table}</section>'


def previews(sheet: Sheet) -> str:
    """Return the sentences that are not so on a version to come, as far as one was tried."""
    told = [_preview(sheet, *preview) for preview in sheet.evidence.previews]
    return "".join(told) or f"<p>{sheet.words.no_preview}</p>"


def _preview(sheet: Sheet, run: states.Run, seen: dict[str, Seen]) -> str:
    fits = {claim: s for claim, s in seen.items() if not s.changed}
    tried = [claim for claim, s in fits.items() if s.outcome in ("passed", "failed")]
    known = sheet.evidence.states
    # what fails today as well is no difference between the two
    fails = {c for c in tried if fits[c].outcome == "failed" and known[c].name != "failed"}
    said_of = [(page, *item) for page in _pages(sheet) for item in said(page).items()]
    listed = "".join(
        f"<li>{_place(sheet, page, claim)} {inline(text)}</li>\n"
        for page, claim, text in said_of
        if claim in fails
    )
    told = sheet.words.preview.format(
        version=run["kubernetes"].lstrip("v"),
        source=sheet.words.sources[run["image_source"]],
        date=run["started"][:10],
        number=len(fails),
        total=len(tried),
    )
    files = ", ".join(_file(sheet, part) for part in run["parts"])
    more = f"<ul>\n{listed}</ul>\n" if listed else ""
    return f"<p>{html.escape(told)} {files}</p>\n{more}"


def of_topic(sheet: Sheet) -> str:
    """Return every sentence of the topic that the page is named after, with its results."""
    topic = sheet.page.rpartition("/")[2]
    lessons = [page for page in _of(sheet, topic) if page.items("claims")]
    tables = "".join(_lesson(sheet, page) for page in lessons)
    return f'<section class="evidence">\n{tables}</section>'


def _pages(sheet: Sheet) -> list[Page]:
    return [page for page in sheet.evidence.pages if page.language == sheet.language]


def _of(sheet: Sheet, topic: str) -> list[Page]:
    return [page for page in _pages(sheet) if page.name.startswith(f"{topic}/")]


def _counts(sheet: Sheet, pages: list[Page]) -> Counter[str]:
    claims = (claim.text for page in pages for claim in page.items("claims"))
    return Counter(sheet.evidence.states.get(claim, State()).name for claim in claims)


def _total(sheet: Sheet, page: Page, shown: list[str]) -> str:
    counts = _counts(sheet, _of(sheet, page.name.rpartition("/")[2]))
    numbers = "".join(f"<td>{counts[name]}</td>" for name in shown)
    title = sheet.link(sheet.to(page.name), str(page.meta["title"]))
    return f'<tr><th scope="row">{title}</th>{numbers}</tr>\n'


def _facts(sheet: Sheet) -> Iterator[str]:
    words, pages = sheet.words, _pages(sheet)
    counts = _counts(sheet, pages)
    told = (f"{SYMBOLS[n]} {words.names[n]} {counts[n]}" for n in SYMBOLS if counts[n])
    yield words.total.format(total=counts.total()) + ", ".join(told)
    yield from (_run(sheet, part) for run in sheet.evidence.runs for part in run["parts"])
    if not sheet.evidence.runs:
        yield words.no_run
    yield score.told(sheet.evidence.root, words)
    left_out = [(p, c) for p in pages for c in p.items("commands") if c.mark == "not-run"]
    listed = (
        f"<li>{sheet.link(sheet.to(page.name), str(page.meta.get('title')))}: "
        f"{html.escape(command.reason)}</li>"
        for page, command in left_out
    )
    inner = f"<ul>{''.join(listed)}</ul>" if left_out else ""
    yield words.not_run.format(number=len(left_out)) + inner


def _run(sheet: Sheet, run: states.Run) -> str:
    words = sheet.words
    told = words.run.format(
        version=run["kubernetes"].lstrip("v"),
        source=words.sources[run["image_source"]],
        date=run["started"][:10],
        seconds=round(run["seconds"]),
        commit=run["commit"][:12] + (words.dirty if run["dirty"] else ""),
    )
    cgroup = run.get("cgroup", "unknown")
    accepted = cgroup == "v1" and run.get("fail_cgroup_v1") is False
    nodes = words.cgroup["v1-accepted" if accepted else cgroup]
    images = ", ".join(f"<code>{html.escape(image)}</code>" for image in run["stand_ins"])
    more = f" {words.stand_ins}: {images}" if images else ""
    return f"{html.escape(told)} {html.escape(nodes)} {_file(sheet, run)}.{more}"


def _file(sheet: Sheet, part: states.Run) -> str:
    name = sheet.words.kept if part["name"].startswith("kept/") else sheet.words.evidence
    return sheet.link(get_relative_url(f"evidence/{part['name']}", sheet.url), name)


def _table(heads: list[str], rows: str, label: str) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )


def _lesson(sheet: Sheet, page: Page) -> str:
    words = sheet.words
    heads = [words.statement, *(_head(sheet, run) for run in sheet.evidence.runs), words.test]
    rows = "".join(_row(sheet, page, *item) for item in said(page).items())
    title = html.escape(str(page.meta.get("title")))
    name = page.name.replace("/", "-")
    return f'<div id="{name}">\n<h2>{title}</h2>\n{_table(heads, rows, title)}</div>\n'


def _head(sheet: Sheet, run: states.Run) -> str:
    version = html.escape(run["kubernetes"].lstrip("v"))
    return f"{version}<br>{sheet.words.sources[run['image_source']]}"


def _row(sheet: Sheet, page: Page, claim: str, text: str) -> str:
    name, shown = claim.lower(), sheet.evidence.proofs.get(claim)
    state = sheet.evidence.states.get(claim, State())
    seen = {(_minor(s.kubernetes), s.source): s for s in state.seen}
    results = "".join(
        _cell(sheet, claim, seen.get((run["minor"], run["image_source"])))
        for run in sheet.evidence.runs
    )
    test = sheet.link(sheet.source(shown), sheet.words.test) if shown else ""
    told = f"{_place(sheet, page, claim)} {inline(text)}"
    return f'<tr id="{name}"><td>{told}</td>{results}<td>{test}</td></tr>\n'


def _place(sheet: Sheet, page: Page, claim: str) -> str:
    return sheet.link(f"{sheet.to(page.name)}#{claim.lower()}", claim)


def _cell(sheet: Sheet, claim: str, seen: Seen | None) -> str:
    name = "unverified"
    if seen:
        name = "stale" if seen.changed else _CELLS.get(seen.outcome, name)
    text, date = SYMBOLS[name], ""
    if seen and seen.outcome in ("passed", "failed"):
        day = seen.date[:10]
        date = f' data-date="{day}"'
        text += f" {day}<br>{seen.seconds:.1f} s"
        text += f"<br>{sheet.changes(seen.changed)}" if seen.changed else ""
    elif seen:
        text += f" {html.escape(sheet.why(claim, seen))}"
    return f'<td class="{name}"{date}>{text}</td>'


def _minor(version: str) -> str:
    return ".".join(version.lstrip("v").split(".")[:2])
