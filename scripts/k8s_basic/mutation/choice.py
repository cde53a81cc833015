"""Which mutants there are, and which of them a person has found to make no difference."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..content.claims import Proof, proofs
from ..content.fields import keys_of, load
from ..content.problems import closest
from .mutants import REMOVED, Document, Mutant, generate, place_of

CURATED = "tests/live/mutations.yaml"
EQUIVALENTS = "tests/live/mutation-equivalents.yaml"


@dataclass
class Subject:
    """An example and the tests that use it: node id → proofs."""

    documents: list[Document]
    tests: dict[str, list[Proof]] = field(default_factory=dict)


class ListError(ValueError):
    """An entry of a reviewed list that fits nothing."""


def subjects(root: Path) -> dict[str, Subject]:
    """Return the examples that live tests apply, by name."""
    found: dict[str, Subject] = {}
    for proof in proofs(root)[0]:
        for name in proof.examples:
            if name not in found and (file := root / "examples" / name).exists():
                found[name] = Subject(load(file))
            if name in found:
                found[name].tests.setdefault(f"{proof.path}::{proof.test}", []).append(proof)
    return dict(sorted(found.items()))


def mutants(root: Path, all_of: dict[str, Subject]) -> tuple[list[Mutant], dict[str, str]]:
    """Return every mutant to run, and the reviewed ones that make no difference, with the reason.

    Those that people wrote down come first, then one for each kind and place of a field in each
    lesson. Raises ListError for an entry of a reviewed list that fits nothing.
    """
    found = {mutant.id: mutant for mutant in _curated(root, all_of)}
    seen = set()
    for name, subject in all_of.items():
        lesson = min(subject.tests).partition("::")[0]
        for mutant in generate(name, subject.documents):
            kind = subject.documents[mutant.document]["kind"]
            place = (lesson, kind, place_of(keys_of(mutant.path)), mutant.value is REMOVED)
            if place not in seen:
                seen.add(place)
                found.setdefault(mutant.id, mutant)
    generated = {name for name, mutant in found.items() if not mutant.claims}
    equal = names(EQUIVALENTS, entries(root / EQUIVALENTS), generated)
    return [mutant for name, mutant in found.items() if name not in equal], equal


def _curated(root: Path, all_of: dict[str, Subject]) -> Iterator[Mutant]:
    """Yield the mutants that people wrote down; raises ListError."""
    for entry in entries(root / CURATED):
        value = REMOVED if entry.get("remove") else entry.get("value")
        place = (entry["example"], entry.get("document", 0), entry["path"])
        mutant = Mutant(*place, value, tuple(entry["claims"]))
        if wrong := _wrong(mutant, all_of.get(mutant.example)):
            raise ListError(f"{CURATED}: {mutant.id}: {wrong}; mend the entry")
        yield mutant


def _wrong(mutant: Mutant, subject: Subject | None) -> str:
    """Return why no test can fail by a mutant, or nothing."""
    if not subject:
        return "no live test uses this example"
    proved = {proof.claim for of_test in subject.tests.values() for proof in of_test}
    if not mutant.claims or not proved.issuperset(mutant.claims):
        return f"its tests prove other claims: {', '.join(sorted(proved))}"
    try:
        same = mutant.of(subject.documents) == subject.documents
    except LookupError as problem:
        return str(problem)
    return "this is what the example says already" if same else ""


def entries(file: Path) -> Any:
    """Return a reviewed list; an empty one where there is no file."""
    return yaml.load(file.read_text("utf-8"), yaml.CSafeLoader) if file.exists() else {}


def names(file: str, listed: dict[str, list[str]], known: Set[str]) -> dict[str, str]:
    """Return name → reason of a list by reasons; raises ListError for a name that is not known."""
    found = {name: reason for reason, those in listed.items() for name in those}
    for name in found.keys() - known:
        raise ListError(
            f"{file}: there is no {name}{closest(name, known)}; mend or remove the entry"
        )
    return found
