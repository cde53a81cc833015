"""./scripts/evidence [1.37-packages …]: keep in tests/evidence what full green live runs saw.

Without names every file of build/evidence is taken. A run that was partial, red, made with
uncommitted changes, of another commit, or older than what is kept is refused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import ROOT, processes
from ..content.claims import Proof, proofs
from ..errors import ClusterError
from ..evidence import FOLDER, KEPT
from ..evidence.commits import edited_since
from ..evidence.hashes import current, of_run
from ..evidence.states import EvidenceError, Run, put, states, valid
from .repeat import all_tests, tests_of

LISTED = 5  # names in a sentence
LARGEST = 150_000  # bytes of a kept file


def main(names: list[str]) -> int:
    """Keep the named runs, or all; return 1 when one was refused or none is there."""
    if {"-h", "--help"} & set(names):
        print(__doc__)
        return 0
    files = [FOLDER / f"{name}.json" for name in names] or sorted(FOLDER.glob("*.json"))
    if not files:
        print(f"error: no run has left evidence in {FOLDER}; run ./scripts/test --live first")
        return 1
    refused = False
    try:
        tests = all_tests()
        for file in files:
            refused = not _kept(file, tests) or refused
    except ClusterError as problem:
        print(f"error: {problem}")
        return 1
    return int(refused)


def _kept(file: Path, tests: set[str]) -> bool:
    try:
        if valid(file).get("preview"):
            print(f"{file.name}: a preview proves no sentence of today, so it's not kept")
            return True
        kept = keep(ROOT, file, tests)
    except EvidenceError as refusal:
        print(f"error: not kept: {refusal}")
        return False
    print(f"{kept.relative_to(ROOT)}: {kept.stat().st_size / 1000:.0f} KB; commit it")
    return True


def keep(root: Path, file: Path, tests: set[str]) -> Path:
    """Write the short form of a full green run to the repository and return its file.

    `tests` are the ids of all live tests. Raises EvidenceError with why a run is refused.
    """
    run = valid(file)
    again = f"run ./scripts/test --live --kubernetes {run['minor']} "
    again += f"--image-source {run['image_source']}"
    for wrong in _wrong(root, run, tests):
        raise EvidenceError(f"{file.name}: {wrong}; {again}")
    target = root / KEPT / f"{run['minor']}-{run['image_source']}.json"
    if target.exists() and valid(target)["started"] > run["started"]:
        raise EvidenceError(f"{file.name} is older than {KEPT}/{target.name}; {again}")
    put(target, text_of(shortened(run, tests)))
    return target


def _wrong(root: Path, run: Run, tests: set[str]) -> Iterator[str]:
    """Yield why a run proves less than it would as the last full green run of this commit."""
    mine = tests_of(run)
    if missing := tests - {test["test"] for test in mine}:
        yield (
            f"the run was partial, {len(missing)} of {len(tests)} tests are not of it, such as "
            f"{min(missing)}, and only a whole one is kept"
        )
    mine = [test for test in mine if test["test"] in tests]
    for outcome, what in (("failed", "was red, failed"), ("skipped", "skipped undeclared")):
        if names := sorted(test["test"] for test in mine if test["outcome"] == outcome):
            yield f"the run {what}: {_some(names)}; mend what is wrong"
    if run["dirty"]:
        yield "the run was made with uncommitted changes in what it rests on; commit them"
    if mirror := run.get("registry_mirror"):
        yield f"the images are what {mirror} serves under the public names, whosever they are"
    edited = edited_since(root, run["commit"])
    if edited is None:
        yield f"the run is of commit {run['commit'][:12]}, which is not in this repository"
    if edited:
        yield (
            f"the run is of another commit, {run['commit'][:12]}, since which was edited: "
            f"{_some(edited)}"
        )
    marks = states([{**run, "tests": mine}], current(root))
    if stale := [claim for claim, state in marks.items() if state.name == "stale"]:
        yield f"since the run, what {_some(stale)} stands on was edited"
    if unproved := [claim for claim, state in marks.items() if not state.seen]:
        yield f"no test of the run is about {_some(unproved)}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return " ".join(names[:LISTED]) + more


def shortened(run: Run, tests: set[str]) -> Run:
    """Return of a run what the site shows: results of claims, without waits and messages."""
    told = ("test", "outcome", "reason", "date", "seconds", "hashes")
    short = []
    for test in run["tests"]:
        if test["test"] in tests and test["claims"]:
            claims = {
                c: {k: v for k, v in about.items() if v} for c, about in test["claims"].items()
            }
            kept = {key: test[key] for key in told if test.get(key) not in (None, "")}
            short.append({**kept, "claims": claims})
    left_out = ("tests", "recordings", "sha256")
    about = {key: value for key, value in run.items() if key not in left_out}
    data = {**about, "tests": short}
    return {"sha256": of_run(data), **data}


def text_of(run: Run) -> str:
    """Return a short run as JSON with one test a line, so that a difference can be read."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    head = "".join(f"{line(key)}:{line(run[key])},\n" for key in run if key != "tests")
    return "{\n" + head + '"tests":[\n' + ",\n".join(map(line, run["tests"])) + "\n]}\n"


def problems(root: Path) -> list[str]:
    """Return what is wrong with the kept files, each in a sentence."""
    found = []
    for file in sorted((root / KEPT).glob("*")):
        try:
            run = valid(file)
        except EvidenceError as problem:
            found.append(str(problem))
            continue
        name = f"{run['minor']}-{run['image_source']}.json"
        if file.name != name:
            found.append(f"{file} holds {name}; give it that name")
        if "sha256" not in run:
            found.append(f"{file} has no sha256: only ./scripts/evidence writes such files")
        if (size := file.stat().st_size) > LARGEST:
            found.append(f"{file} has {size} bytes and {LARGEST} are allowed; shorten its form")
    return found


def summary(root: Path) -> list[str]:
    """Return, for each kept run, how many claims it proves today and how to renew the others."""
    files = sorted((root / KEPT).glob("*.json"), reverse=True)
    if not files:
        return [f"none in {KEPT}; ./scripts/evidence keeps that of a full green live run"]
    now, known = current(root), {proof.claim: proof for proof in proofs(root)[0]}
    lines = []
    for file in files:
        try:
            lines.append(_told(valid(file), now, known))
        except EvidenceError as problem:
            lines.append(str(problem))
    return lines


def _told(run: Run, now: dict[str, Any], known: dict[str, Proof]) -> str:
    by_state: dict[str, list[str]] = {}
    for claim, state in states([run], now).items():
        by_state.setdefault(state.name, []).append(claim)
    proved = len(by_state.pop("verified", []))
    version = run["kubernetes"].lstrip("v")
    text = (
        f"{proved} of {len(now)} claims proved on {version} with images from "
        f"{run['image_source']} ({run['started'][:10]})"
    )
    for name, claims in by_state.items():
        text += f", {len(claims)} {name}: {_some(claims)}"
    old = by_state.get("stale", []) + by_state.get("unverified", [])
    if old:
        paths = sorted({known[claim].path for claim in old})
        text += f"; run ./scripts/test --live {_some(paths)}"
    return text


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
