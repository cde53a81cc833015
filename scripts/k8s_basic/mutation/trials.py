"""A trial is one change of what tests apply; how it ends is decided from the ends of its tests."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

FOLDER = Path("build/mutation")  # of the repository
UNCHANGED = "unchanged"  # the trial in which every test runs without a change
NOT_PASSED = "the unchanged example did not pass this test in the same run"

Result = Literal["killed", "refused", "error", "survived", "passed", "skipped"]
WEIGHT: tuple[Result, ...] = ("killed", "refused", "error", "passed")  # the first one decides


@dataclass(frozen=True)
class Trial:
    """One change and the tests that meet it, the likeliest to notice first.

    `overlay` names the files that are read in place of examples; without `applies`, nothing is
    applied; the example `beside` is applied before the test begins. `alone` is for what others on
    the cluster would feel. `key` changes with everything that the end of the trial depends on.
    """

    id: str
    tests: Sequence[str] = ()
    key: str = ""
    overlay: dict[str, str] | None = None
    applies: bool = True
    beside: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one test ended in one trial; `message` is the first line of what it said."""

    trial: str
    test: str
    result: Result
    message: str = ""


def outcomes_file(root: Path) -> Path:
    """Return the file to which each outcome of a run is added, as a line of JSON."""
    return root / FOLDER / "outcomes.jsonl"


def outcomes(root: Path) -> list[Outcome]:
    """Return the outcomes of the last run so far, also of one that was broken off."""
    file = outcomes_file(root)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


def decide(trials: Iterable[Trial], seen: Sequence[Outcome]) -> dict[str, Outcome]:
    """Return the outcome that decides about each trial, by its id: "survived" if no test noticed.

    Left out are trials without a kill or refusal of which a test did not run or is not for this
    cluster. What a test says that did not pass unchanged in the same run is an error.
    """
    of: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in seen:
        if outcome.result != "skipped":
            of[outcome.trial].append(outcome)
    sound = {o.test for o in of[UNCHANGED]} - {
        o.test for o in of[UNCHANGED] if o.result != "passed"
    }
    found = {}
    for trial in trials:
        ends = [
            o if o.test in sound else replace(o, result="error", message=NOT_PASSED)
            for o in of[trial.id]
        ]
        by = min(ends, key=lambda o: WEIGHT.index(o.result), default=None)
        if by and (by.result in WEIGHT[:2] or {o.test for o in ends} >= {*trial.tests}):
            found[trial.id] = replace(by, result="survived") if by.result == "passed" else by
    return found
