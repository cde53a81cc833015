"""What became of each mutant: decided from the outcomes of a run, kept over runs, counted."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from typing import Any

from .plugin import ERROR, FOLDER, KILLED, OUTCOMES, PASSED, REFUSED, UNCHANGED

REPORT = FOLDER / "report.json"
SURVIVED, EQUIVALENT = "survived", "equivalent"
NOT_PASSED = "the unchanged example did not pass this test in the same run"

Outcome = dict[str, Any]
Record = dict[str, Any]


def outcomes() -> list[Outcome]:
    """Return the outcomes of the last run, also of one that was interrupted."""
    lines = OUTCOMES.read_text(encoding="utf-8").splitlines() if OUTCOMES.exists() else []
    return [json.loads(line) for line in lines]


def baselines(seen: list[Outcome]) -> dict[str, bool]:
    """Return, of each test that ran unchanged, whether it passed every time."""
    found: dict[str, bool] = {}
    for one in seen:
        if one["mutant"] == UNCHANGED:
            found[one["test"]] = found.get(one["test"], True) and one["result"] == PASSED
    return found


def decide(entry: dict[str, Any], seen: list[Outcome], passed: dict[str, bool]) -> Record | None:
    """Return what became of one mutant; None when its tests were not all run.

    `passed` tells of each test whether it passed with the unchanged example in the same run.
    """
    mine = [one for one in seen if one["mutant"] == entry["id"]]
    trusted = [one for one in mine if passed.get(one["test"])]
    for result, among in ((KILLED, trusted), (REFUSED, mine)):
        if found := next((one for one in among if one["result"] == result), None):
            return _record(entry, result, mine, found)
    if {one["test"] for one in mine} < set(entry["tests"]):
        return None
    if found := next((one for one in trusted if one["result"] != PASSED), None):
        return _record(entry, ERROR, mine, found)
    if doubtful := next((one for one in mine if one not in trusted), None):
        return _record(entry, ERROR, mine, {**doubtful, "message": NOT_PASSED})
    return _record(entry, SURVIVED, mine, {"test": "", "message": ""})


def _record(entry: dict[str, Any], name: str, mine: list[Outcome], by: Outcome) -> Record:
    return {
        "class": name,
        "by": by["test"],
        "message": by["message"],
        "key": entry["key"],
        "seconds": round(sum(one["seconds"] for one in mine), 1),
        "date": datetime.date.today().isoformat(),
    }


def load() -> dict[str, Record]:
    """Return what earlier runs have found out; empty without one."""
    return json.loads(REPORT.read_text(encoding="utf-8"))["mutants"] if REPORT.exists() else {}


def write(known: dict[str, Record], keys: dict[str, str], equal: dict[str, str]) -> dict[str, Any]:
    """Write build/mutation/report.json and return it: of the mutants there are now, no others.

    `keys` holds the key of each mutant that is to run, `equal` the reason of each that is not.
    """
    valid = {n: r for n, r in known.items() if n in keys and r.get("key") == keys[n]}
    listed = {name: {"class": EQUIVALENT, "reason": reason} for name, reason in equal.items()}
    counted = Counter(str(record["class"]) for record in (*valid.values(), *listed.values()))
    judged = counted[KILLED] + counted[SURVIVED] + counted[ERROR]
    report = {
        "score": round(counted[KILLED] / judged, 4) if judged else None,
        "not run yet": len(keys) - len(valid),
        "counted": dict(counted),
        "mutants": dict(sorted({**valid, **listed}.items())),
    }
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def lines(new: dict[str, Record], asked: int, report: dict[str, Any]) -> list[str]:
    """Return what a run tells: each mutant that got away, and the figures of all runs."""
    told = []
    for name, record in sorted(new.items()):
        if record["class"] in (SURVIVED, ERROR):
            told += [f"{record['class']}: {name}", f"    {record['by']} {record['message']}"]
    counts = Counter(record["class"] for record in new.values())
    told.append(f"{len(new)} of {asked} judged: {_list(counts)}")
    score = "none" if report["score"] is None else f"{report['score']:.1%}"
    told.append(f"all: {_list(report['counted'])}, {report['not run yet']} not run; score {score}")
    return told


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
