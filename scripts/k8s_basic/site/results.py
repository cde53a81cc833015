"""The results of all claims: totals by topic, and for each topic a page with its sentences.

The search has no part in them and finds the sentences on their own pages.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..content.claims import said
from ..content.pages import Page, is_results
from ..evidence.states import number
from .marks import SYMBOLS, Sheet
from .templating import render

ALL_RESULTS = "reference/verified-claims"
# Written by k8s_basic.mutation.report, which needs pytest: the build of the site does without.
MUTANTS = Path("build/mutation/report.json")

# What does not apply to a version is as little a proof there as what cannot be enforced.
_CELLS = {
    "passed": "verified",
    "failed": "failed",
    "not-reached": "not-reached",
    "not-enforceable": "not-enforceable",
    "not-applicable": "not-enforceable",
}


def proof(sheet: Sheet) -> str:
    """Return for the front page how much was confirmed, on which versions and when."""
    runs, counts = sheet.evidence.runs, _counts(sheet, sheet.pages)
    versions = dict.fromkeys(run["kubernetes"].lstrip("v") for run in runs)
    day = max((run["started"][:10] for run in runs), default="")
    return render("proof.html", sheet=sheet, counts=counts, versions=versions, day=day)


def totals(sheet: Sheet) -> str:
    """Return what all results come to: the runs, the mutants, and the numbers of each topic."""
    pages, counts = sheet.pages, _counts(sheet, sheet.pages)
    topics = [page for page in pages if is_results(page.name)]
    return render(
        "totals.html",
        sheet=sheet,
        symbols=SYMBOLS,
        counts=counts,
        shown=[name for name in SYMBOLS if counts[name]],
        runs=[part for run in sheet.evidence.runs for part in run["parts"]],
        score=_score(sheet),
        left_out=[(p, c) for p in pages for c in p.items("commands") if c.mark == "not-run"],
        topics=[(page, _counts(sheet, _lessons(sheet, page.name))) for page in topics],
    )


def previews(sheet: Sheet) -> str:
    """Return the sentences that are not so on a version to come, as far as one was tried."""
    sentences = [(page, *item) for page in sheet.pages for item in said(page).items()]
    told = []
    for run, seen in sheet.evidence.previews:
        tried = {c: s.outcome for c, s in seen.items() if not s.changed}
        tried = {c: outcome for c, outcome in tried.items() if outcome in ("passed", "failed")}
        # what fails today as well is no difference between the two
        fails = {c for c in tried if tried[c] == "failed" and sheet.state(c).name != "failed"}
        told.append((run, len(tried), len(fails), [s for s in sentences if s[1] in fails]))
    return render("previews.html", sheet=sheet, previews=told)


def of_topic(sheet: Sheet) -> str:
    """Return every sentence of the topic that the page is named after, with its results."""
    runs, lessons = sheet.evidence.runs, []
    for page in (page for page in _lessons(sheet, sheet.page) if page.items("claims")):
        rows = []
        for claim, text in said(page).items():
            seen = {(*number(s.kubernetes), s.source): s for s in sheet.state(claim).seen}
            keys = [(*number(run["minor"]), run["image_source"]) for run in runs]
            rows.append((claim, text, [seen.get(key) for key in keys]))
        lessons.append((page, rows))
    shown = {"symbols": SYMBOLS, "cells": _CELLS, "br": Markup("<br>")}
    return render("topic.html", sheet=sheet, runs=runs, lessons=lessons, **shown)


def _score(sheet: Sheet) -> Markup:
    """Return the score of the mutants with its dates and counts, and what no test has noticed."""
    file = sheet.evidence.root / MUTANTS
    report: dict[str, Any] = {"score": None}
    if file.is_file():
        report = json.loads(file.read_text(encoding="utf-8"))
    mutants = [{"id": name, **record} for name, record in report.get("mutants", {}).items()]
    return render("score.html", report=report, mutants=mutants, words=sheet.words)


def _lessons(sheet: Sheet, results: str) -> list[Page]:
    """Return the lessons of the topic that a page of results is named after."""
    topic = results.rpartition("/")[2]
    return [page for page in sheet.pages if page.name.startswith(f"{topic}/")]


def _counts(sheet: Sheet, pages: list[Page]) -> Counter[str]:
    return Counter(sheet.state(c.text).name for page in pages for c in page.items("claims"))
