"""What the evidence says of each claim today: does what was seen still fit what stands here."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

SCHEMA = Path(__file__).with_name("schema.json")
NOT_ENFORCEABLE = "tests/live/not-enforceable.yaml"
Run = dict[str, Any]
Change = tuple[str, str]  # what kind of thing no longer fits (example, test, …), and its name


class EvidenceError(ValueError):
    """An evidence file that cannot be used, told in one sentence."""


@dataclass(frozen=True)
class Seen:
    """What the newest run on one version and image source saw of a claim."""

    kubernetes: str
    source: str
    outcome: str
    date: str
    seconds: float
    reason: str
    changed: tuple[Change, ...] = ()

    @property
    def version(self) -> str:
        """The version without its v."""
        return self.kubernetes.lstrip("v")


@dataclass(frozen=True)
class State:
    """A claim's state; `seen` has the newest Kubernetes first.

    `name` is one of verified, failed, stale, not-enforceable and unverified.
    """

    name: str = "unverified"
    seen: tuple[Seen, ...] = ()
    since: str = ""

    def with_outcome(self, *outcomes: str) -> list[Seen]:
        """Return what was seen with one of these outcomes."""
        return [seen for seen in self.seen if seen.outcome in outcomes]

    @property
    def changed(self) -> list[Change]:
        """All that was edited since it was seen, each once."""
        return sorted({change for seen in self.seen for change in seen.changed})

    @property
    def date(self) -> str:
        """The day of the oldest result that counts (UTC), or nothing."""
        return min((s.date[:10] for s in self.with_outcome("passed", "failed")), default="")


def folder(root: Path) -> Path:
    """Return where the evidence lies: `K8S_BASIC_EVIDENCE`, else build/evidence."""
    chosen = os.environ.get("K8S_BASIC_EVIDENCE")
    return Path(chosen) if chosen else root / "build" / "evidence"


def read(home: Path) -> list[Run]:
    """Return every run below `home`, merged per minor and source, the newest Kubernetes first.

    Of a test that stands in several files the newest result is kept. Raises EvidenceError.
    """
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    merged: dict[tuple[str, str, bool], Run] = {}
    found = [(_valid(file, validator), file) for file in sorted(home.rglob("*.json"))]
    for run, file in sorted(found, key=lambda pair: str(pair[0]["started"])):
        for test in run["tests"]:
            test["kubernetes"] = run["kubernetes"]  # of a merged run the patch versions may differ
        key = (run["minor"], run["image_source"], run.get("preview", False))
        before = merged.get(key, {"tests": [], "files": []})
        tests = sorted(before["tests"] + run["tests"], key=lambda test: str(test["date"]))
        merged[key] = {
            **run,
            "tests": list({test["test"]: test for test in tests}.values()),
            "files": [*before["files"], file.relative_to(home).as_posix()],
        }
    return sorted(merged.values(), key=lambda run: number(run["minor"]), reverse=True)


def _valid(file: Path, validator: Any) -> Run:
    advice = "remove the file, or run ./scripts/test --live again"
    try:
        run: Run = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise EvidenceError(f"{file} is no evidence: not JSON ({problem}); {advice}") from None
    wrong = next(validator.iter_errors(run), None)
    if wrong:
        place = "/".join(map(str, wrong.instance_path)) or "the top"
        text = f"{file} is no evidence: at {place}, {wrong.message[:200]}; {advice}"
        raise EvidenceError(text)
    return run


def number(version: str) -> list[int]:
    """Return major and minor of a Kubernetes version, with `v` or without."""
    return [int(part) for part in version.lstrip("v").split(".")[:2]]


def not_enforceable(root: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return (claim, image source) → why it can't be enforced there, in each language.

    This is the one reviewed list, tests/live/not-enforceable.yaml.
    """
    listed = yaml.safe_load((root / NOT_ENFORCEABLE).read_text(encoding="utf-8"))
    return {(entry["claim"], entry["image_source"]): entry["reason"] for entry in listed}


def states(runs: list[Run], current: dict[str, Any]) -> dict[str, State]:
    """Return claim → state for each claim of `current`, the hashes as they are now.

    A preview does not count: what a version to come does makes no sentence of today false.
    """
    seen: dict[str, list[Seen]] = defaultdict(list)
    for run in runs:
        for claim, result in seen_in(run, current).items() if not run.get("preview") else ():
            seen[claim].append(result)
    return {claim: _state(seen[claim]) for claim in current}


def seen_in(run: Run, current: dict[str, Any]) -> dict[str, Seen]:
    """Return claim → what one run saw of it, for each claim of `current`."""
    return {
        claim: _seen(claim, tests, run["image_source"], current[claim])
        for claim, tests in _by_claim(run["tests"]).items()
        if claim in current
    }


def _by_claim(tests: Iterable[Run]) -> dict[str, list[Run]]:
    """Return claim → the results of its test; the cases of one function stay together."""
    found: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for test in tests:
        for claim in test["claims"]:
            found[claim][test["test"].partition("[")[0]].append(test)
    # a test that was renamed leaves its old name behind
    return {
        claim: max(functions.values(), key=lambda cases: max(str(c["date"]) for c in cases))
        for claim, functions in found.items()
    }


_WORST_FIRST = ("failed", "skipped", "not-enforceable", "not-applicable", "passed")


def _seen(claim: str, tests: list[Run], source: str, now: dict[str, Any]) -> Seen:
    worst = min(tests, key=lambda test: _WORST_FIRST.index(test["outcome"]))
    changed = {change for test in tests for change in _changes(claim, test, now)}
    return Seen(
        worst["kubernetes"],
        source,
        worst["outcome"],
        min(str(test["date"]) for test in tests),
        round(sum(float(test["seconds"]) for test in tests), 1),
        worst["reason"],
        tuple(sorted(changed)),
    )


def _changes(claim: str, test: Run, now: dict[str, Any]) -> Iterator[Change]:
    """Yield all that no longer has the hash it had when the test ran."""
    if test["outcome"] not in ("passed", "failed"):
        return
    if test["hashes"]["test"] != now["test"]:
        yield "test", ""
    then = {"examples": test["hashes"]["examples"], **test["claims"][claim]}
    for kind in ("examples", "sentences", "recordings"):
        for name, digest in then[kind].items():
            if now[kind].get(name) != digest:
                yield kind.removesuffix("s"), name


def _state(seen: list[Seen]) -> State:
    outcomes = {s.outcome for s in seen}
    if any(s.outcome == "failed" and not s.changed for s in seen):
        name = "failed"
    elif any(s.changed for s in seen):
        name = "stale"
    else:
        name = next((o for o in ("skipped", "passed", "not-enforceable") if o in outcomes), "")
    names = {"passed": "verified", "skipped": "unverified", "": "unverified"}
    return State(names.get(name, name), tuple(seen), _since(seen))


def _since(seen: list[Seen]) -> str:
    """Return the first minor that the claim holds on, when an older one was seen without it."""
    minors = {o: [number(s.version) for s in seen if s.outcome == o] for o in _WORST_FIRST}
    first = min(minors["passed"], default=None)
    older = first and any(minor < first for minor in minors["not-applicable"])
    return ".".join(map(str, first)) if first and older else ""
