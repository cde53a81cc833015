"""Which mutants are run: those without effect and the reviewed equivalents are counted apart."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

import yaml

from ..content.checks import CLUSTER_FILES
from ..content.claims import Proof, proofs
from ..content.fields import Keys, keys_of
from .mutants import REMOVED, Document, Mutant, at, generate

CURATED = "tests/live/mutations.yaml"
EQUIVALENTS = "tests/live/mutation-equivalents.yaml"


@dataclass
class Subject:
    """An example, the tests that use it, and all that may refer to its fields.

    `tests` is the node id of each test → its proofs. `beside` are the documents of the examples
    that these tests use, `text` is their source and that of the pages that show the example.
    """

    example: str
    documents: list[Document]
    tests: dict[str, list[Proof]] = field(default_factory=dict)
    beside: list[Document] = field(default_factory=list)
    text: str = ""


@dataclass(frozen=True)
class Chosen:
    """A mutant with what was decided about it; without `reason` it is run."""

    mutant: Mutant
    name: str  # of its class: to run, without effect, equivalent
    reason: str = ""


class ListError(ValueError):
    """An entry of one of the two reviewed lists that fits nothing."""


def subjects(root: Path) -> dict[str, Subject]:
    """Return the examples that live tests use, by name."""
    by_test: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs(root)[0]:
        by_test[f"{proof.path}::{proof.test}"].append(proof)
    names = {name for found in by_test.values() for proof in found for name in proof.examples}
    names = {n for n in names - set(CLUSTER_FILES) if (root / "examples" / n).exists()}
    documents = {name: load(root / "examples" / name) for name in names}
    pages = [file.read_text(encoding="utf-8") for file in sorted((root / "docs").rglob("*.md"))]
    found = {}
    for name in sorted(names):
        tests = {t: p for t, p in by_test.items() if name in p[0].examples}
        used = {n for p in tests.values() for n in p[0].examples if n in names}
        files = sorted({p[0].path for p in tests.values()})
        text = [(root / file).read_text(encoding="utf-8") for file in files]
        text += [page for page in pages if name in page]
        beside = [d for n in sorted(used) for d in documents[n]]
        found[name] = Subject(name, documents[name], tests, beside, "\n".join(text))
    return found


def load(file: Path) -> list[Document]:
    """Return the documents of an example file."""
    return [d for d in yaml.safe_load_all(file.read_text(encoding="utf-8")) if d]


def choose(root: Path, all_of: dict[str, Subject]) -> list[Chosen]:
    """Return every mutant of these examples with its class.

    Raises ListError for an entry of a reviewed list that fits no example, field, claim or mutant.
    """
    mutants: dict[str, Mutant] = {}
    for mutant in curated(root, all_of):
        mutants[mutant.id] = mutant
    for name, subject in all_of.items():
        for mutant in generate(name, subject.documents):
            mutants.setdefault(mutant.id, mutant)
    reviewed = _reviewed(root, list(mutants.values()))
    return [_classed(m, all_of[m.example], reviewed) for m in mutants.values()]


def _classed(mutant: Mutant, subject: Subject, reviewed: dict[str, str]) -> Chosen:
    # what people wrote down is run; only an added document may be one that this source ignores
    if mutant.claims and mutant.path:
        return Chosen(mutant, "to run")
    if reason := reviewed.get(mutant.id):
        return Chosen(mutant, "equivalent", reason)
    if reason := without_effect(mutant, subject):
        return Chosen(mutant, "without effect", reason)
    return Chosen(mutant, "to run")


def curated(root: Path, all_of: dict[str, Subject]) -> list[Mutant]:
    """Return the mutants that people wrote down; raises ListError."""
    found = []
    for entry in _entries(root / CURATED):
        name, claims = entry["example"], tuple(entry["claims"])
        value = REMOVED if entry.get("remove") else entry.get("value")
        mutant = Mutant(name, entry.get("document", 0), entry["path"], value, "curated", claims)
        subject = all_of.get(name)
        if subject is None:
            raise ListError(f"{CURATED}: no live test uses examples/{name}; mend the entry")
        proved = {p.claim for proofs_ in subject.tests.values() for p in proofs_}
        if missing := set(claims) - proved or (set() if claims else {"any claim"}):
            text = f"no test that uses {name} proves {', '.join(sorted(missing))}"
            raise ListError(f"{CURATED}: {mutant.id}: {text}; mend the entry")
        try:
            if mutant.of(subject.documents) == subject.documents:
                raise LookupError("this is what the example says already")
        except (LookupError, ValueError) as problem:
            raise ListError(f"{CURATED}: {mutant.id}: {problem}; mend the entry") from None
        found.append(mutant)
    return found


def _reviewed(root: Path, mutants: list[Mutant]) -> dict[str, str]:
    """Return mutant → reason, from the reviewed list; raises ListError."""
    found: dict[str, str] = {}
    for entry in _entries(root / EQUIVALENTS):
        fitting = [m for m in mutants if not (m.claims and m.path) and _fits(entry, m)]
        if not fitting or not entry.get("reason"):
            what = {k: v for k, v in entry.items() if k != "reason"}
            text = "no generated mutant is like this" if not fitting else "a reason is missing"
            raise ListError(f"{EQUIVALENTS}: {what}: {text}; mend or remove the entry")
        found |= {mutant.id: str(entry["reason"]) for mutant in fitting}
    return found


def _fits(entry: dict[str, Any], mutant: Mutant) -> bool:
    return (
        fnmatch(mutant.example, entry["example"])
        and fnmatch(mutant.path, entry["path"])
        and entry.get("document", mutant.document) == mutant.document
        and entry.get("old", mutant.old) == mutant.old
        and entry.get("operator", mutant.operator) == mutant.operator
        and entry.get("value", mutant.value) == mutant.value
    )


def _entries(file: Path) -> list[dict[str, Any]]:
    return (yaml.safe_load(file.read_text(encoding="utf-8")) or []) if file.exists() else []


def without_effect(mutant: Mutant, subject: Subject) -> str:
    """Return why no test can see this change, or nothing."""
    keys = keys_of(mutant.path)
    old = at(subject.documents[mutant.document], keys) if keys else None
    last = keys[-1] if keys else ""
    holder = keys[-3:-2]
    if _is_container_port(keys, old) and not _named_ports(old, subject):
        return "containerPort is only information: nothing refers to this port by its name"
    if last == "name" and holder == ("ports",) and not _is_port_name(str(old), subject):
        return "nothing refers to this port by its name"
    if last == "protocol" and old == "TCP" and mutant.value is REMOVED:
        return "TCP is the default"
    if holder and holder[0] in {"containers", "initContainers"} and last == "name":
        name = re.escape(str(old))
        named = rf"(-c |--container[= ]|container=\"){name}\b| {name}=(\{{|[\w.-]+[/:])"
        is_named = re.search(named, subject.text)
        return "" if is_named else "nothing refers to this container by its name"
    if label := _label(keys, old):
        is_selected = any(_is_selected(*pair, subject) for pair in label.items())
        return "" if is_selected else "nothing selects by this label"
    return ""


def spills(mutant: Mutant, subject: Subject) -> bool:
    """Tell whether the mutant reaches what other tests use: a route without a host takes all."""
    kind = subject.documents[mutant.document]["kind"] if mutant.path else ""
    return kind == "Ingress" and mutant.path.endswith(".host") and mutant.value is REMOVED


def _is_container_port(keys: Keys, old: Any) -> bool:
    """Tell whether this is a container's port list, one of it, or its number and no more."""
    parts = [str(key) for key in keys]
    if "ports" not in parts or "containers" not in parts:
        return False
    ports = old if isinstance(old, list) else [old]
    plain = {"name", "containerPort", "protocol"}
    return parts[-1] == "containerPort" or all(
        isinstance(p, dict) and set(p) <= plain for p in ports
    )


def _named_ports(old: Any, subject: Subject) -> bool:
    ports = old if isinstance(old, list) else [old]
    names = [p["name"] for p in ports if isinstance(p, dict) and "name" in p]
    return any(_is_port_name(name, subject) for name in names)


def _is_port_name(name: str, subject: Subject) -> bool:
    """Tell whether a target port, probe or backend of these examples, or a text, uses the name."""
    used = {str(v) for k, v in _pairs(subject.beside) if k in {"targetPort", "port"}}
    return name in used or f"_{name}._" in subject.text


def _label(keys: Keys, old: Any) -> dict[str, Any]:
    """Return the labels that a change of this field concerns."""
    if keys[-1:] == ("labels",) and isinstance(old, dict):
        return old
    return {str(keys[-1]): old} if keys[-2:-1] == ("labels",) else {}


def _is_selected(label: str, value: Any, subject: Subject) -> bool:
    """Tell whether a selector of these examples, or one written in a text, asks for the label."""
    selectors = [s for k, s in _pairs(subject.beside) if k in {"selector", "matchLabels"}]
    if any(isinstance(s, dict) and s.get(label) == value for s in selectors):
        return True
    name = re.escape(label)
    written = rf"\b{name}\s*(!?==?\s*{re.escape(str(value))}\b|(not)?\s?in\s*\()|['\"!]{name}['\"]"
    return bool(re.search(written, subject.text))


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """Return every key and value in nested data."""
    if isinstance(value, list):
        return [pair for item in value for pair in _pairs(item)]
    if isinstance(value, dict):
        return [*value.items(), *(pair for item in value.values() for pair in _pairs(item))]
    return []
