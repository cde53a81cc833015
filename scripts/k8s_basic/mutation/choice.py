"""Which mutants there are, and which of them a person has found to make no difference."""

from __future__ import annotations

from collections.abc import Iterator
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

    example: str
    documents: list[Document]
    tests: dict[str, list[Proof]] = field(default_factory=dict)

    @property
    def lesson(self) -> str:
        """The file of the tests of its lesson."""
        return min(self.tests).partition("::")[0]


class ListError(ValueError):
    """An entry of a reviewed list that fits nothing."""


def subjects(root: Path) -> dict[str, Subject]:
    """Return the examples that live tests apply, by name."""
    found: dict[str, Subject] = {}
    for proof in proofs(root)[0]:
        for name in proof.examples:
            file = root / "examples" / name
            if file.exists():
                subject = found.setdefault(name, Subject(name, load(file)))
                subject.tests.setdefault(f"{proof.path}::{proof.test}", []).append(proof)
    return dict(sorted(found.items()))


def mutants(root: Path, all_of: dict[str, Subject]) -> tuple[list[Mutant], dict[str, str]]:
    """Return every mutant to run, and the reviewed ones that make no difference, with the reason.

    Those that people wrote down come first, then one for each kind and place of a field in each
    lesson. Raises ListError for an entry of a reviewed list that fits nothing.
    """
    found = {mutant.id: mutant for mutant in curated(root, all_of)}
    seen = set()
    for name, subject in all_of.items():
        for mutant in generate(name, subject.documents):
            kind = subject.documents[mutant.document]["kind"]
            path = place_of(keys_of(mutant.path))
            place = (subject.lesson, kind, path, mutant.value is REMOVED)
            if place not in seen:
                seen.add(place)
                found.setdefault(mutant.id, mutant)
    equal = dict(_equivalents(root, {m.id for m in found.values() if not m.claims}))
    return [mutant for name, mutant in found.items() if name not in equal], equal


def curated(root: Path, all_of: dict[str, Subject]) -> Iterator[Mutant]:
    """Yield the mutants that people wrote down; raises ListError."""
    for entry in entries(root / CURATED) or []:
        name, claims = entry["example"], tuple(entry["claims"])
        value = REMOVED if entry.get("remove") else entry.get("value")
        mutant = Mutant(name, entry.get("document", 0), entry["path"], value, claims)
        if (subject := all_of.get(name)) is None:
            raise ListError(f"{CURATED}: no live test uses examples/{name}; mend the entry")
        proved = {p.claim for of_test in subject.tests.values() for p in of_test}
        if missing := set(claims) - proved or (set() if claims else {"any claim"}):
            text = f"no test that uses {name} proves {', '.join(sorted(missing))}"
            raise ListError(f"{CURATED}: {mutant.id}: {text}; mend the entry")
        try:
            if mutant.of(subject.documents) == subject.documents:
                raise LookupError("this is what the example says already")
        except (LookupError, ValueError) as problem:
            raise ListError(f"{CURATED}: {mutant.id}: {problem}; mend the entry") from None
        yield mutant


def _equivalents(root: Path, generated: set[str]) -> Iterator[tuple[str, str]]:
    for reason, names in (entries(root / EQUIVALENTS) or {}).items():
        for name in names:
            if name not in generated:
                text = f"there is no generated mutant {name}{closest(name, generated)}"
                raise ListError(f"{EQUIVALENTS}: {text}; mend or remove the entry")
            yield name, reason


def entries(file: Path) -> Any:
    """Return a reviewed list; None where there is no file."""
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
