"""The results of all claims: totals by topic, and for each topic a page with its sentences.

The search has no part in them and finds the sentences on their own pages.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from ..content.claims import said
from ..content.pages import Page, is_results
from ..evidence import states
from ..evidence.states import Seen
from . import score
from .marks import SYMBOLS, Sheet
from .templating import render

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
    counts, runs, words = _counts(sheet, sheet.pages), sheet.evidence.runs, sheet.words
    told = words.no_run
    if runs:
        told = words.proof.format(
            total=counts.total(),
            held=counts["verified"],
            versions=", ".join(dict.fromkeys(run["kubernetes"].lstrip("v") for run in runs)),
            date=max(run["started"][:10] for run in runs),
        )
    return render("proof.html", sheet=sheet, words=words, told=told)


def totals(sheet: Sheet) -> str:
    """Return what all results come to: the runs, the mutants, and the numbers of each topic."""
    counts = _counts(sheet, sheet.pages)
    parts = [part for run in sheet.evidence.runs for part in run["parts"]]
    topics = [page for page in sheet.pages if is_results(page.name)]
    shown = [name for name in SYMBOLS if counts[name]]
    return render(
        "totals.html",
        sheet=sheet,
        words=sheet.words,
        symbols=SYMBOLS,
        counts=counts,
        shown=shown,
        heads=[sheet.words.topic, *(f"{SYMBOLS[n]} {sheet.words.names[n]}" for n in shown)],
        parts=[_run(sheet, part) for part in parts],
        score=Markup(score.told(sheet.evidence.root, sheet.words)),
        left_out=[(p, c) for p in sheet.pages for c in p.items("commands") if c.mark == "not-run"],
        topics=[(page, _counts(sheet, _of(sheet, page))) for page in topics],
    )


def previews(sheet: Sheet) -> str:
    """Return the sentences that are not so on a version to come, as far as one was tried."""
    told = [_preview(sheet, *preview) for preview in sheet.evidence.previews]
    return render("previews.html", previews=told, words=sheet.words)


def of_topic(sheet: Sheet) -> str:
    """Return every sentence of the topic that the page is named after, with its results."""
    words, runs = sheet.words, sheet.evidence.runs
    heads = [Markup("{}<br>{}").format(_version(r), words.sources[r["image_source"]]) for r in runs]
    lessons = [
        (page, [_row(sheet, page, *item) for item in said(page).items()])
        for page in _of(sheet, next(p for p in sheet.pages if p.name == sheet.page))
        if page.items("claims")
    ]
    heads = [words.statement, *heads, words.test]
    return render("topic.html", words=words, heads=heads, lessons=lessons, br=Markup("<br>"))


def _preview(sheet: Sheet, run: states.Run, seen: dict[str, Seen]) -> dict[str, Any]:
    fits = {claim: s for claim, s in seen.items() if not s.changed}
    tried = [claim for claim, s in fits.items() if s.outcome in ("passed", "failed")]
    # what fails today as well is no difference between the two
    fails = {
        c for c in tried if fits[c].outcome == "failed" and sheet.state(c).name != "failed"
    }
    told = sheet.words.preview.format(
        version=_version(run),
        source=sheet.words.sources[run["image_source"]],
        date=run["started"][:10],
        number=len(fails),
        total=len(tried),
    )
    said_of = [(page, *item) for page in sheet.pages for item in said(page).items()]
    listed = [(c, _place(sheet, page, c), text) for page, c, text in said_of if c in fails]
    return {"told": told, "files": [_file(sheet, p) for p in run["parts"]], "failing": listed}


def _of(sheet: Sheet, results: Page) -> list[Page]:
    """Return the lessons of the topic that a page of results is named after."""
    topic = results.name.rpartition("/")[2]
    return [page for page in sheet.pages if page.name.startswith(f"{topic}/")]


def _counts(sheet: Sheet, pages: list[Page]) -> Counter[str]:
    return Counter(sheet.state(c.text).name for page in pages for c in page.items("claims"))


def _run(sheet: Sheet, run: states.Run) -> dict[str, Any]:
    words = sheet.words
    told = words.run.format(
        version=_version(run),
        source=words.sources[run["image_source"]],
        date=run["started"][:10],
        seconds=round(run["seconds"]),
        commit=run["commit"][:12] + (words.dirty if run["dirty"] else ""),
    )
    cgroup = run.get("cgroup", "unknown")
    accepted = cgroup == "v1" and run.get("fail_cgroup_v1") is False
    nodes = words.cgroup["v1-accepted" if accepted else cgroup]
    return {"told": told, "nodes": nodes, "images": run["stand_ins"], **_file(sheet, run)}


def _file(sheet: Sheet, part: states.Run) -> dict[str, Any]:
    name = sheet.words.kept if part["name"].startswith("kept/") else sheet.words.evidence
    return {"name": name, "address": sheet.relative(f"evidence/{part['name']}")}


def _version(run: states.Run) -> str:
    return str(run["kubernetes"].lstrip("v"))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _row(sheet: Sheet, page: Page, claim: str, text: str) -> dict[str, Any]:
    seen = {(_minor(s.version), s.source): s for s in sheet.state(claim).seen}
    runs = [(run["minor"], run["image_source"]) for run in sheet.evidence.runs]
    return {
        "claim": claim,
        "text": text,
        "place": _place(sheet, page, claim),
        "test": sheet.test(claim),
        "cells": [_cell(sheet, claim, seen.get(run)) for run in runs],
    }


def _place(sheet: Sheet, page: Page, claim: str) -> str:
    return f"{sheet.to(page.name)}#{claim.lower()}"


def _cell(sheet: Sheet, claim: str, seen: Seen | None) -> dict[str, Any]:
    if not seen:
        return {"name": "unverified", "lines": [SYMBOLS["unverified"]], "date": ""}
    name = "stale" if seen.changed else _CELLS.get(seen.outcome, "unverified")
    if seen.outcome not in ("passed", "failed"):
        return {"name": name, "lines": [f"{SYMBOLS[name]} {sheet.why(claim, seen)}"], "date": ""}
    day = seen.date[:10]
    lines = [f"{SYMBOLS[name]} {day}", f"{seen.seconds:.1f} s", sheet.changes(seen.changed)]
    return {"name": name, "lines": [*filter(None, lines)], "date": day}
