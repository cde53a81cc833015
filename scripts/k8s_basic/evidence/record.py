"""The results of a live run, test by test, and the file that the build of the site reads."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from .. import ROOT
from . import FOLDER
from .commits import edited_since, state
from .hashes import current
from .states import EvidenceError, number, parsed, put

SCHEMA = 1
HELD, FAILED, NOT_REACHED = "held", "failed", "not-reached"  # what became of one claim of a test


def charge(claims: list[str], parts: dict[str, str], outcome: str) -> dict[str, str]:
    """Return claim → what became of it, for the `claims` of a test that ended with `outcome`.

    `parts` says how the part of the test that proves a claim ended, as `lab.proves` notes it. When
    a test of several claims fails, one without such a note was not reached: nothing was seen of it.
    """
    if outcome == "failed" and len(claims) > 1:
        return {claim: parts.get(claim, NOT_REACHED) for claim in claims}
    return dict.fromkeys(claims, {"passed": HELD, "failed": FAILED}.get(outcome, outcome))


def unproved(claims: list[str], parts: dict[str, str]) -> list[str]:
    """Return the claims of a test that passed whose parts did not; one claim needs no part."""
    return [claim for claim in claims if len(claims) > 1 and parts.get(claim) != HELD]


class Results:
    """What one run saw; `note` takes pytest's reports, `write` leaves the evidence."""

    def __init__(self) -> None:
        """Nothing is seen yet; what is tested is what the files say now, not when the run ends."""
        self._hashes = current(ROOT)
        self._commit, self._edited = state(ROOT)
        self.tests: list[dict[str, Any]] = []
        self.lost: set[str] = set()  # tests that ended without a result: their worker crashed
        # differences from recordings that are of another minor or source
        self.elsewhere: dict[str, str] = {}
        self.not_run: dict[str, int] = {}  # page → command blocks that a reader runs and we do not
        self.started = datetime.datetime.now(datetime.UTC)

    def note(self, report: pytest.TestReport) -> None:
        """Keep the outcome of one test, of its call or of what went wrong before it."""
        about: dict[str, Any] = dict(report.user_properties)
        if "elsewhere" in about:
            self.elsewhere[report.nodeid] = about["elsewhere"]
        if about.get("not run"):
            self.not_run[report.nodeid] = len(about["not run"])
        if report.passed and report.when != "call":
            return
        # what goes wrong after a test has passed has the last word on it
        self.tests = [t for t in self.tests if t["test"] != report.nodeid]
        if "claims" not in about:
            self.lost.add(report.nodeid)
            return
        instead = about.get("instead", report.outcome) if report.skipped else report.outcome
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        self.tests.append(
            {
                "test": report.nodeid,
                "claims": about["claims"],
                "outcome": instead,
                "reason": reason.removeprefix("Skipped: "),
                "date": now(),
                "seconds": round(report.duration, 2),
                "waits": about.get("waits", []),
                "message": report.longreprtext[-4000:] if report.failed else "",
            }
        )

    def claims(self, end: str) -> list[str]:
        """Return the claims of which this became (HELD, FAILED, NOT_REACHED), sorted."""
        return sorted({c for t in self.tests for c, became in t["claims"].items() if became == end})

    def write(self, cluster: dict[str, Any], folder: Path = FOLDER) -> Path:
        """Write the evidence and return its file; tests of earlier runs that were not run stay.

        `cluster` is what the image source says of itself (see `ImageSource.record`).
        """
        minor = ".".join(map(str, number(cluster["kubernetes"])))
        file = folder / f"{minor}-{cluster['image_source']}.json"
        before = _before(file)
        if before.get("preview") != cluster.get("preview"):
            before = {}  # what a pre-release did says nothing of the release
        run_again = self.lost | {test["test"] for test in self.tests}
        tests = [test for test in before.get("tests", []) if test["test"] not in run_again]
        at_the_end = current(ROOT)
        tests += [self._record(test, at_the_end) for test in self.tests]
        took = datetime.datetime.now(datetime.UTC) - self.started
        data = {
            "schema": SCHEMA,
            "minor": minor,
            **cluster,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(took.total_seconds(), 1),
            "commit": self._commit,
            "dirty": self._edited or edited_since(ROOT, self._commit) != [],
            "tests": sorted(tests, key=lambda test: str(test["test"])),
        }
        put(file, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
        return file

    def _record(self, test: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        """Return a test with the hashes of what it rests on, `after` being those at the end."""
        known = {claim: self._hashes[claim] for claim in test["claims"] if claim in self._hashes}
        first = next(iter(known.values()), {"test": "", "examples": {}})  # a test's are all alike
        claims = {
            # the run itself may have written recordings: they count as they are at its end
            claim: {"sentences": h["sentences"], "recordings": after.get(claim, h)["recordings"]}
            for claim, h in known.items()
        }
        if test["outcome"] == "failed":  # any other outcome is that of each claim
            for claim, about in claims.items():
                about["outcome"] = test["claims"][claim]
        hashes = {"test": first["test"], "examples": first["examples"]}
        return {**test, "commit": self._commit, "hashes": hashes, "claims": claims}


def now() -> str:
    """Return the time in UTC, to the second (RFC 3339)."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _before(file: Path) -> dict[str, Any]:
    """Return what earlier runs left; a file that can't be read is not worth losing a run for."""
    try:
        return parsed(file) if file.exists() else {}
    except EvidenceError as problem:
        print(f"\nerror: results of earlier runs are lost: {problem}")
        return {}


def newest() -> dict[str, Any] | None:
    """Return the evidence of the run that began last, or None; raises EvidenceError."""
    runs = [parsed(file) for file in FOLDER.glob("*.json")]
    return max(runs, key=lambda run: str(run["started"]), default=None)
