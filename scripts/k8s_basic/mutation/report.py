"""What became of each mutant: decided from the outcomes of a run, merged over nights, counted."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .classes import Chosen, Subject
from .judge import ECHO, ERROR, KILLED, PASSED, REFUSED, SKIPPED
from .plugin import FOLDER, UNCHANGED

REPORT = FOLDER / "report.json"
SURVIVED = "survived"
NOT_ENFORCEABLE = "not enforceable"  # a test that might notice cannot run on this source
COUNTED = (KILLED, SURVIVED, ECHO, ERROR)  # what the score is made of
NOT_PASSED = "the unchanged example did not pass this test in the same run"

Outcome = dict[str, Any]
Record = dict[str, Any]


def decide(tests: list[str], outcomes: list[Outcome], baseline: dict[str, bool]) -> Record | None:
    """Return what became of one mutant; None when its tests were not all run.

    `baseline` tells of each test whether it passed with the unchanged example in the same run.
    """
    trusted = [o for o in outcomes if baseline.get(o["test"])]
    if found := _first(trusted, KILLED) or _first(outcomes, REFUSED):
        return found
    ran = {o["test"] for o in outcomes}
    if ran < set(tests):
        return None
    if found := _first(trusted, ERROR) or _first(trusted, ECHO):
        return found
    skipped = sorted(o["test"] for o in outcomes if o["result"] == SKIPPED)
    if doubtful := sorted(ran - {*skipped, *(o["test"] for o in trusted)}):
        return {"class": ERROR, "by": doubtful[0], "message": NOT_PASSED}
    if skipped:
        return {"class": NOT_ENFORCEABLE, "by": skipped[0], "message": ""}
    return {"class": SURVIVED, "by": "", "message": ""}


def _first(outcomes: list[Outcome], result: str) -> Record | None:
    found = next((o for o in outcomes if o["result"] == result), None)
    return {"class": result, "by": found["test"], "message": found["message"]} if found else None


def baselines(outcomes: Iterable[Outcome]) -> dict[str, bool]:
    """Return, of each test that ran unchanged, whether it passed every time."""
    found: dict[str, bool] = {}
    for outcome in outcomes:
        if outcome["mutant"] == UNCHANGED:
            passed = outcome["result"] == PASSED
            found[outcome["test"]] = found.get(outcome["test"], True) and passed
    return found


def records(
    root: Path, entries: list[dict[str, Any]], outcomes: list[Outcome], subjects: dict[str, Subject]
) -> dict[str, Record]:
    """Return mutant → what became of it in this run, with time and digests."""
    passed, by_mutant = baselines(outcomes), defaultdict(list)
    for outcome in outcomes:
        by_mutant[outcome["mutant"]].append(outcome)
    found = {}
    for entry in entries:
        mine, tests = by_mutant[entry["id"]], subjects[entry["example"]].tests
        record = decide(entry["tests"], mine, passed)
        if record is None:
            continue
        killer = tests.get(record["by"], [])
        found[entry["id"]] = record | {
            "claims": [proof.claim for proof in killer],
            "expected": entry["claims"],
            "tests": sorted({o["test"] for o in mine}),
            "seconds": round(sum(o["seconds"] for o in mine), 1),
            "date": datetime.date.today().isoformat(),
            "example": digest(root / "examples" / entry["example"]),
            "digests": {o["test"]: tests[o["test"]][0].digest for o in mine},
        }
    return found


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def load() -> dict[str, Record]:
    """Return the report of earlier runs; empty without one."""
    return json.loads(REPORT.read_text(encoding="utf-8"))["mutants"] if REPORT.exists() else {}


def merge(
    before: dict[str, Record], new: dict[str, Record], chosen: list[Chosen]
) -> dict[str, Any]:
    """Return the whole report: new results replace old ones; what is no mutant now is dropped."""
    kept = {c.mutant.id for c in chosen if not c.reason}
    ran = {name: record for name, record in (before | new).items() if "date" in record}
    mutants = {name: record for name, record in ran.items() if name in kept}
    mutants |= {c.mutant.id: {"class": c.name, "reason": c.reason} for c in chosen if c.reason}
    counted = Counter(str(record["class"]) for record in mutants.values())
    not_run = len(kept - set(mutants))
    figures = {"score": score(mutants.values()), "not run yet": not_run}
    return {**figures, "counted": dict(counted), "mutants": dict(sorted(mutants.items()))}


def score(found: Iterable[Record]) -> float | None:
    """Return killed ÷ (killed + survived + field echo + error); None when nothing was run."""
    classes = [record["class"] for record in found if record["class"] in COUNTED]
    return round(classes.count(KILLED) / len(classes), 4) if classes else None


def write(report: dict[str, Any]) -> None:
    """Write build/mutation/report.json."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def summary(
    new: dict[str, Record], asked: int, report: dict[str, Any], seconds: float
) -> list[str]:
    """Return the lines that tell a run's result; `asked` mutants were to run, in `seconds`."""
    lines = []
    for name, record in sorted(new.items()):
        if record["class"] in (SURVIVED, ECHO, ERROR):
            by = record["by"] or " ".join(t.rpartition("::")[2] for t in record["tests"])
            lines += [
                f"{record['class']}: {name}",
                f"    {by}",
                f"    {record['message']}".rstrip(),
            ]
        elif record["expected"] and not set(record["expected"]) & set(record["claims"]):
            # the tests of the expected claims run first, so they let it pass
            wanted, found = " ".join(record["expected"]), " ".join(record["claims"])
            lines.append(f"not by {wanted}: {name}: {record['class']} by {found}")
    counted = Counter(str(record["class"]) for record in new.values())
    figures = ", ".join(f"{number} {name}" for name, number in counted.most_common())
    times = [record["seconds"] for record in new.values()] or [0.0]
    lines.append(
        f"{len(new)} of {asked} mutants: {figures or 'none'}; score {_percent(score(new.values()))}"
    )
    lines.append(
        f"time: {sum(times) / len(times):.1f} s per mutant on average, {max(times):.1f} s at most, "
        f"{seconds:.0f} s in all"
    )
    totals = ", ".join(f"{number} {name}" for name, number in sorted(report["counted"].items()))
    totals += f", {report['not run yet']} not run yet"
    lines.append(f"all runs: {totals}; score {_percent(report['score'])}")
    return [line for line in lines if line.strip()]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
