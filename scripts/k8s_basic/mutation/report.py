"""Mutants of single fields: which are still to be tried, and what was found out about all."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import yaml

from ..evidence.record import newest
from .choice import Subject, mutants, subjects
from .mutants import REMOVED, Mutant
from .trials import FOLDER, Outcome, Trial

REPORT = FOLDER / "report.json"  # of the repository; the site shows it


class Fields:
    """The mutants of one run, and the report that it adds to."""

    bad = ("survived", "error")
    excused: frozenset[str] = frozenset()

    def __init__(self, root: Path, examples: set[str], again: bool, limit: int | None):
        """Choose up to `limit` mutants, of `examples` if any are named, and write their files.

        What has been judged is left out until its example or a test of it changes, or with
        `again`. Raises LookupError for an example that no test uses, ListError as `mutants` does.
        """
        all_of = subjects(root)
        if unknown := examples - all_of.keys():
            text = ", ".join(sorted(unknown))
            raise LookupError(f"no live test uses {text}; name another example")
        every, self.equal = mutants(root, all_of)
        seconds = {t["test"]: float(t["seconds"]) for t in (newest() or {"tests": []})["tests"]}
        self.report, self.keys, self.trials = root / REPORT, {}, []
        known = {(name, record.get("key")) for name, record in self._known().items()}
        shutil.rmtree(folder := root / FOLDER / "examples", ignore_errors=True)
        folder.mkdir(parents=True)
        for mutant in every:
            trial = _trial(mutant, all_of[mutant.example], seconds, folder)
            self.keys[trial.id] = trial.key
            is_asked = not examples or mutant.example in examples
            if is_asked and (again or (trial.id, trial.key) not in known):
                self.trials.append(trial)
        self.trials = self.trials[:limit]

    def kept(self, ends: dict[str, Outcome]) -> str:
        """Add how trials ended to build/mutation/report.json; return the figures of all.

        The report holds the mutants that there are now, and no others.
        """
        today, known = str(datetime.date.today()), self._known()
        for name, end in ends.items():
            about = {"class": end.result, "by": end.test, "message": end.message}
            known[name] = {**about, "key": self.keys[name], "date": today}
        mine = {n: known[n] for n, key in self.keys.items() if known.get(n, {}).get("key") == key}
        equal = {name: {"class": "equivalent", "reason": why} for name, why in self.equal.items()}
        counted = Counter(record["class"] for record in (*mine.values(), *equal.values()))
        judged = counted["killed"] + counted["survived"] + counted["error"]
        report = {
            "score": round(counted["killed"] / judged, 4) if judged else None,
            "not run yet": len(self.keys) - len(mine),
            "counted": counted,
            "mutants": dict(sorted({**mine, **equal}.items())),
        }
        text = json.dumps(report, indent=1, ensure_ascii=False)
        self.report.write_text(f"{text}\n", encoding="utf-8")
        numbers = (f"{number} {name}" for name, number in sorted(counted.items()))
        return (
            f"all: {', '.join(numbers)}; not run: {report['not run yet']}; score: {report['score']}"
        )

    def _known(self) -> dict[str, dict[str, str]]:
        """Return what was found out about mutants, by id; empty before the first run."""
        text = self.report.read_text(encoding="utf-8") if self.report.exists() else "{}"
        known: dict[str, dict[str, str]] = json.loads(text).get("mutants", {})
        return known


def _trial(mutant: Mutant, subject: Subject, seconds: dict[str, float], folder: Path) -> Trial:
    """Write the mutant's file into a folder and return how it is tried.

    The tests that should kill it come first, then the quickest by their `seconds` in the last run.
    """

    def likely(test: str) -> tuple[bool, float]:
        expected = any(proof.claim in mutant.claims for proof in subject.tests[test])
        return not expected, seconds.get(test, 0.0)

    text = yaml.dump_all(mutant.of(subject.documents), Dumper=yaml.CSafeDumper, sort_keys=False)
    digests = {test: of_test[0].digest for test, of_test in sorted(subject.tests.items())}
    key = hashlib.sha256(f"{mutant.id}\n{text}{digests}".encode()).hexdigest()[:16]
    file = folder / f"{key}.yaml"
    file.write_text(text, encoding="utf-8")
    alone = mutant.value is REMOVED and mutant.path.endswith(".host")  # such a route takes all
    tests = sorted(subject.tests, key=likely)
    return Trial(mutant.id, tests, key, {mutant.example: str(file)}, alone=alone)
