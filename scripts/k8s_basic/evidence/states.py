"""What the evidence says of each claim today: does what was seen still fit what stands here."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from . import KEPT
from .hashes import of_run

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

    `name` is one of verified, failed, not-reached, stale, not-enforceable and unverified.
    """

    name: str = "unverified"
    seen: tuple[Seen, ...] = ()
    since: str = ""

    def with_outcome(self, *outcomes: str) -> list[Seen]:
        """Return what was seen with one of these outcomes, as far as the state rests on it."""
        counts = [seen for seen in self.seen if self.name == "stale" or not seen.changed]
        return [seen for seen in counts if seen.outcome in outcomes]

    @property
    def changed(self) -> list[Change]:
        """All that was edited since it was seen, each once."""
        return sorted({change for seen in self.seen for change in seen.changed})

    @property
    def date(self) -> str:
        """The day of the oldest result that counts (UTC), or nothing."""
        return min((s.date[:10] for s in self.with_outcome("passed", "failed")), default="")


def homes(root: Path) -> dict[str, Path]:
    """Return where evidence lies, by what its names begin with on the site.

    That is what this machine's runs left and what the repository keeps; or, alone, the folder that
    `K8S_BASIC_EVIDENCE` names. Raises EvidenceError when there is no such folder.
    """
    chosen = os.environ.get("K8S_BASIC_EVIDENCE")
    if not chosen:
        # in this order: of two results of the same second, the one of this machine counts
        return {"kept/": root / KEPT, "": root / "build" / "evidence"}
    if not Path(chosen).is_dir():
        raise EvidenceError(f"K8S_BASIC_EVIDENCE names {chosen}, which is no folder; unset it")
    return {"": Path(chosen)}


def read(places: dict[str, Path]) -> list[Run]:
    """Return every run in `places` (see `homes`), merged per minor and source.

    The newest Kubernetes comes first. Of a test that stands in several files the newest result is
    kept; `parts` of a merged run are the runs whose results count. Raises EvidenceError.
    """
    found = [
        {**valid(file), "name": prefix + file.relative_to(home).as_posix(), "path": file}
        for prefix, home in places.items()
        for file in sorted(home.rglob("*.json"))
    ]
    alike: dict[tuple[str, str, bool], list[Run]] = defaultdict(list)
    for run in sorted(found, key=lambda run: str(run["started"])):
        alike[run["minor"], run["image_source"], run.get("preview", False)].append(run)
    merged = map(_merged, alike.values())
    return sorted(merged, key=lambda run: number(run["minor"]), reverse=True)


def _merged(runs: list[Run]) -> Run:
    """Return what runs, the oldest first, say together: of each test, its newest result."""
    results = [(test, run["name"]) for run in runs for test in run["tests"]]
    results.sort(key=lambda result: str(result[0]["date"]))
    newest = {test["test"]: (test, name) for test, name in results}
    counting = {name for _, name in newest.values()}
    parts = [run for run in runs if run["name"] in counting]
    return {**runs[-1], "tests": [test for test, _ in newest.values()], "parts": parts}


def parsed(file: Path) -> Run:
    """Return the JSON of a file; raises EvidenceError when it is cut off or something else."""
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise EvidenceError(f"{file} can't be read: {problem.strerror}; {advice(file)}") from None
    except ValueError as problem:
        raise _no_evidence(file, f"not JSON, or cut off ({problem})") from None
    if not isinstance(run, dict):
        raise _no_evidence(file, "not a JSON object")
    return run


def valid(file: Path) -> Run:
    """Return the run that an evidence file holds, whole or shortened; raises EvidenceError."""
    run = parsed(file)
    if wrong := next(_validator().iter_errors(run), None):
        place = "/".join(map(str, wrong.instance_path)) or "the top"
        raise _no_evidence(file, f"at {place}, {wrong.message[:200]}")
    if not run["kubernetes"].startswith(f"v{run['minor']}."):
        raise _no_evidence(file, f"{run['kubernetes']} is not {run['minor']}")
    if run.get("sha256") not in (None, of_run(run)):
        text = f"{file} was edited after it was written: its sha256 does not fit; {advice(file)}"
        raise EvidenceError(text)
    for test in run["tests"]:
        test["kubernetes"] = run["kubernetes"]  # of merged runs the patch versions may differ
    return run


def _no_evidence(file: Path, why: str) -> EvidenceError:
    return EvidenceError(f"{file} is no evidence: {why}; {advice(file)}")


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))


def advice(file: Path) -> str:
    """Return what to do about a file that cannot be used."""
    if file.parent.as_posix().endswith(KEPT):
        return "take it from git again, or keep that of a new run with ./scripts/evidence"
    return "remove the file, or run ./scripts/test --live again"


def put(file: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old or the new one, and never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)


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
    # the file still has results under the old name of a test that was renamed: the newest count
    return {
        claim: max(functions.values(), key=lambda cases: max(str(c["date"]) for c in cases))
        for claim, functions in found.items()
    }


_WORST_FIRST = ("failed", "not-reached", "skipped", "not-enforceable", "not-applicable", "passed")


def _outcome(claim: str, test: Run) -> str:
    """Return what a test saw of one of its claims; older evidence has one outcome for them all."""
    outcome: str = test["claims"][claim].get("outcome", test["outcome"])
    return "passed" if outcome == "held" else outcome


def _seen(claim: str, tests: list[Run], source: str, now: dict[str, Any]) -> Seen:
    worst = min(tests, key=lambda test: _WORST_FIRST.index(_outcome(claim, test)))
    changed = {change for test in tests for change in _changes(claim, test, now)}
    return Seen(
        worst["kubernetes"],
        source,
        _outcome(claim, worst),
        min(str(test["date"]) for test in tests),
        round(sum(float(test["seconds"]) for test in tests), 1),
        worst.get("reason", ""),
        tuple(sorted(changed)),
    )


def _changes(claim: str, test: Run, now: dict[str, Any]) -> Iterator[Change]:
    """Yield all that no longer has the hash it had when the test ran, came since or is gone."""
    if _outcome(claim, test) not in ("passed", "failed"):
        return  # nothing was seen that could no longer fit
    if test["hashes"]["test"] != now["test"]:
        yield "test", ""
    then = {"recordings": {}, "examples": test["hashes"]["examples"], **test["claims"][claim]}
    for kind in ("examples", "sentences", "recordings"):
        for name in then[kind].keys() | now[kind].keys():
            # a missing file has an empty hash; missing then and now isn't "as it was"
            if not then[kind].get(name) or then[kind][name] != now[kind].get(name):
                yield kind.removesuffix("s"), name


def _state(seen: list[Seen]) -> State:
    """Return the state that the results which still fit make; it is stale where none is left."""
    outcomes = {s.outcome for s in seen if not s.changed}
    name = next((o for o in ("failed", "not-reached", "skipped", "passed") if o in outcomes), "")
    if name in ("", "skipped") and any(s.changed for s in seen):
        name = "stale"
    elif not name:
        name = "not-enforceable" if "not-enforceable" in outcomes else "unverified"
    names = {"passed": "verified", "skipped": "unverified"}
    return State(names.get(name, name), tuple(seen), _since(seen))


def _since(seen: list[Seen]) -> str:
    """Return the first minor that the claim holds on, when an older one was seen without it."""
    minors = {o: [number(s.version) for s in seen if s.outcome == o] for o in _WORST_FIRST}
    first = min(minors["passed"], default=None)
    older = first and any(minor < first for minor in minors["not-applicable"])
    return ".".join(map(str, first)) if first and older else ""
