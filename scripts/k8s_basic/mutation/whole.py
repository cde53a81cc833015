"""Trials of a whole test: nothing is applied, or another lesson's objects are there as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..content.claims import Proof, proofs
from ..content.fields import load
from .choice import ListError, entries, names
from .mutants import leaves
from .trials import Outcome, Trial

NOTHING, FOREIGN = "nothing", "foreign"
EXCEPTIONS = "tests/live/mutation-exceptions.yaml"


class Whole:
    """A trial of each test that uses an example, and the trials that may end badly."""

    def __init__(self, root: Path, kind: str, examples: set[str]):
        """Choose the tests, of `examples` if any are named.

        Raises ListError for a wrong list of exceptions, LookupError without a trial.
        """
        # without its objects a test may fail in any way; beside others in none
        self.bad = ("survived",) if kind == NOTHING else ("killed", "refused", "error")
        tests = {f"{proof.path}::{proof.test}": proof for proof in proofs(root)[0]}
        listed = entries(root / EXCEPTIONS)
        found = names(EXCEPTIONS, listed[kind], tests.keys())
        # a test that applies no example can't fail for want of one
        unlisted = {test for test, proof in tests.items() if not proof.examples} - found.keys()
        if kind == NOTHING and unlisted:
            text = "apply no example; list them with what they look at instead"
            raise ListError(f"{EXCEPTIONS}: {', '.join(sorted(unlisted))} {text}")
        self.excused = {f"{kind} {test}" for test in found}
        self.trials = []
        for test, proof in tests.items():
            if proof.examples and (not examples or examples & set(proof.examples)):
                beside = foreign(root, proof, listed["beside"]) if kind == FOREIGN else ""
                trial = Trial(f"{kind} {test}", [test], applies=kind != NOTHING, beside=beside)
                self.trials.append(trial)
        if not self.trials:
            raise LookupError("no test is tried as a whole with these examples; name others")

    def kept(self, ends: dict[str, Outcome]) -> str:
        """Keep nothing; return how many trials may end badly."""
        return f"{len(self.excused)} are excused in {EXCEPTIONS}"


def foreign(root: Path, proof: Proof, others: list[str]) -> str:
    """Return the first of `others` of another topic that shares no name and no label with a test.

    Raises LookupError when there is none.
    """
    topic = Path(proof.path).parent.name
    own = {mark for name in proof.examples for mark in _marks(root / "examples" / name)}
    for name in others:
        if not name.startswith(f"{topic}/") and not _marks(root / "examples" / name) & own:
            return name
    raise LookupError(f"{proof.test} shares names or labels with each of {', '.join(others)}")


def _marks(file: Path) -> set[tuple[Any, ...]]:
    """Return the names and labels of an example's objects, also of those that they make."""
    return {
        (*keys[-2:], value)
        for document in (load(file) if file.exists() else [])
        for keys, value in leaves(document)
        if keys[-2:-1] == ("labels",) or keys == ("metadata", "name")
    }
