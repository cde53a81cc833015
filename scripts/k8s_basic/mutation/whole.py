"""Mutants of a whole test: nothing is applied, or another lesson's objects are there as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ..content.claims import Proof, proofs
from ..content.fields import load
from .choice import ListError
from .mutants import leaves
from .plugin import PASSED, SKIPPED
from .report import Outcome, baselines

NOTHING, FOREIGN = "nothing", "foreign"
EXCEPTIONS = "tests/live/mutation-exceptions.yaml"
# What stands beside a test: the first of another topic that shares no name and no label with it.
OTHERS = ("network/clusterip/service-multiport.yaml", "workloads/replicaset/replicaset.yaml")


def entries(root: Path, kind: str, examples: set[str]) -> list[dict[str, Any]]:
    """Return the runs of one kind, one per test that uses an example (one of `examples`, if any).

    Raises LookupError when every example of `OTHERS` is too like those of a test.
    """
    found = []
    for test, proof in _tests(root).items():
        if proof.examples and (not examples or examples & set(proof.examples)):
            name = f"{kind} {test.removeprefix('tests/live/').replace('::', ' ')}"
            how = {"applies": False} if kind == NOTHING else {"foreign": foreign(root, proof)}
            found.append({"id": name, "alone": False, "tests": [test], **how})
    return found


def foreign(root: Path, proof: Proof) -> str:
    """Return the example that stands beside a test; raises LookupError."""
    topic = Path(proof.path).parent.name
    own = {mark for name in proof.examples for mark in _marks(root / "examples" / name)}
    for name in OTHERS:
        if not name.startswith(f"{topic}/") and not _marks(root / "examples" / name) & own:
            return name
    raise LookupError(f"{proof.test} shares names or labels with each of {', '.join(OTHERS)}")


def exceptions(root: Path, kind: str) -> dict[str, str]:
    """Return test → reason, of the reviewed list; raises ListError.

    A test that applies no example cannot fail for want of one, so each of them must be listed.
    """
    listed = yaml.safe_load((root / EXCEPTIONS).read_text(encoding="utf-8"))[kind]
    found = {f"tests/live/{entry['test']}": str(entry.get("reason", "")) for entry in listed}
    tests = _tests(root)
    wrong = dict.fromkeys(found.keys() - tests.keys(), "no claim has this test")
    wrong |= {test: "a reason is missing" for test, reason in found.items() if not reason}
    if kind == NOTHING:
        unlisted = {test for test, proof in tests.items() if not proof.examples} - found.keys()
        wrong |= dict.fromkeys(unlisted, "it applies no example; say what it looks at instead")
    if wrong:
        lines = (f"{EXCEPTIONS}: {kind}: {test}: {text}" for test, text in sorted(wrong.items()))
        raise ListError("\n".join(lines))
    return found


def verdicts(
    kind: str, tried: list[dict[str, Any]], outcomes: list[Outcome], excused: dict[str, str]
) -> list[str]:
    """Return a line for each test that did not end as it should, or was not judged."""
    passed, lines = baselines(outcomes), []
    for entry in tried:
        [test] = entry["tests"]
        mine = [o for o in outcomes if o["mutant"] == entry["id"]]
        if mine and all(o["result"] == SKIPPED for o in mine):
            continue  # not one for this cluster
        # nothing at all may be noticed in any way; beside others, a test fails by what it demands
        fell = next((o for o in mine if o["result"] != PASSED), None)
        as_wanted = (fell is not None) == (kind == NOTHING)
        if not mine or not passed.get(test):
            lines.append(f"not judged, as it was not run or does not pass unchanged: {test}")
        elif as_wanted and test in excused:
            lines.append(f"no exception any more, remove it from {EXCEPTIONS}: {test}")
        elif not as_wanted and test not in excused:
            what = f"{fell['result']} beside others" if fell else "passes though nothing is there"
            lines += [f"{what}: {test}", *([f"    {fell['message']}"] if fell else [])]
    return lines


def _tests(root: Path) -> dict[str, Proof]:
    return {f"{proof.path}::{proof.test}": proof for proof in proofs(root)[0]}


def _marks(file: Path) -> set[tuple[Any, ...]]:
    """Return the names and labels of an example's objects, also of those that they make."""
    return {
        (*keys[-2:], value)
        for document in (load(file) if file.exists() else [])
        for keys, value in leaves(document)
        if keys[-2:-1] == ("labels",) or keys == ("metadata", "name")
    }
