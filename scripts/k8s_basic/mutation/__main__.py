"""`./scripts/mutate`: would the live tests notice if an example were wrong?"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from typing import Any

import yaml

from .. import EXAMPLES, ROOT, processes, run_tests
from ..evidence.record import newest
from ..evidence.states import EvidenceError
from ..steps import say
from . import report, whole
from .choice import ListError, Subject, mutants, subjects
from .mutants import REMOVED, Mutant
from .plugin import ERROR, FOLDER

USABLE = (0, 1, 2)  # pytest's codes with outcomes: passed, failed, interrupted
BAD_CALL = 4  # pytest's code for a command line that makes no sense
DESCRIPTION = """\
Changes one field of an example at a time and runs the live tests that use it: one of them must
fail. Goes on where the last run stopped: what has been judged is run again when its example or a
test of it changed. Fails when a mutant survives, or when a test could not be judged.
"""


def main(arguments: list[str]) -> int:
    """Run or list the chosen mutants and return the exit code."""
    options, rest = _options(arguments)
    try:
        return _whole(options, rest) if options.whole else _mutants(options, rest)
    except (ListError, LookupError, EvidenceError) as problem:
        say(f"error: {problem}")
        return BAD_CALL


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        "./scripts/mutate", description=DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("--list", action="store_true", help="print what would be run")
    parser.add_argument("--again", action="store_true", help="also what has been judged")
    parser.add_argument("--limit", type=int, help="run only the first so many")
    kinds = parser.add_mutually_exclusive_group()
    for name, text in (
        (whole.NOTHING, "apply nothing instead: every test must fail"),
        (whole.FOREIGN, "put another lesson's objects beside: every test must pass"),
    ):
        kinds.add_argument(f"--{name}", dest="whole", action="store_const", const=name, help=text)
    parser.epilog = (
        "Examples' paths choose examples; other options are those of ./scripts/test --live."
    )
    options, rest = parser.parse_known_args(arguments)
    options.examples = {name for a in rest if (name := _example(a))}
    return options, [a for a in rest if not _example(a)]


def _example(argument: str) -> str:
    path = (ROOT / argument).resolve()
    return path.relative_to(EXAMPLES).as_posix() if EXAMPLES in path.parents else ""


def _mutants(options: argparse.Namespace, rest: list[str]) -> int:
    all_of = subjects(ROOT)
    if unknown := options.examples - all_of.keys():
        raise LookupError(f"no live test uses {', '.join(sorted(unknown))}; name another example")
    every, equal = mutants(ROOT, all_of)
    keys = {mutant.id: _key(mutant, all_of[mutant.example]) for mutant in every}
    known = report.load()
    done = {n for n, r in known.items() if r.get("key") == keys.get(n) and not options.again}
    chosen = [m for m in every if not options.examples or m.example in options.examples]
    chosen = [mutant for mutant in chosen if mutant.id not in done][: options.limit]
    if options.list:
        print("\n".join([*(mutant.id for mutant in chosen), f"{len(chosen)} of {len(every)}"]))
        return 0
    entries = _written(chosen, all_of, keys)
    code = _tried(entries, rest) if entries else 0
    if code not in USABLE:
        return code
    seen = report.outcomes() if entries else []
    passed = report.baselines(seen)
    judged = ((entry["id"], report.decide(entry, seen, passed)) for entry in entries)
    new = {name: record for name, record in judged if record}
    whole_report = report.write({**known, **new}, keys, equal)
    print("\n".join(report.lines(new, len(entries), whole_report)))
    bad = {report.SURVIVED, ERROR} & {record["class"] for record in new.values()}
    return 1 if bad or len(new) < len(entries) else code


def _key(mutant: Mutant, subject: Subject) -> str:
    """Return what changes when the mutant, its example or one of its tests changes."""
    tests = {test: of_test[0].digest for test, of_test in sorted(subject.tests.items())}
    parts = [mutant.id, mutant.of(subject.documents), tests]
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _whole(options: argparse.Namespace, rest: list[str]) -> int:
    excused = whole.exceptions(ROOT, options.whole)
    entries = whole.entries(ROOT, options.whole, options.examples)
    if not entries:
        raise LookupError("no test is tried as a whole with these examples; name others")
    if options.list:
        print("\n".join([*(entry["id"] for entry in entries), f"{len(entries)} tests"]))
        return 0
    code = _tried(entries, rest)
    if code not in USABLE:
        return code
    lines = whole.verdicts(options.whole, entries, report.outcomes(), excused)
    print("\n".join([*lines, f"{options.whole}: {len(entries)} tests, {len(excused)} excused"]))
    return 1 if lines else code


def _tried(entries: list[dict[str, Any]], rest: list[str]) -> int:
    """Run the tests of these entries and return pytest's code."""
    listed = FOLDER / "mutants.json"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    files = sorted({test.split("::")[0] for entry in entries for test in entry["tests"]})
    mine = [f"--mutants={listed}", f"--junitxml={FOLDER / 'junit.xml'}"]
    return run_tests.run_tier("live", [*files, *mine, *rest])


def _written(
    chosen: list[Mutant], all_of: dict[str, Subject], keys: dict[str, str]
) -> list[dict[str, Any]]:
    """Write each mutant's file, and return what the plugin has to know of each."""
    folder = FOLDER / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = {t["test"]: float(t["seconds"]) for t in (newest() or {"tests": []})["tests"]}
    entries = []
    for mutant in chosen:
        subject, key = all_of[mutant.example], keys[mutant.id]
        file = folder / f"{key}.yaml"
        text = yaml.safe_dump_all(mutant.of(subject.documents), sort_keys=False)
        file.write_text(text, encoding="utf-8")
        alone = mutant.value is REMOVED and mutant.path.endswith(".host")  # such a route takes all
        tests = _order(subject, set(mutant.claims), seconds)
        about = {"id": mutant.id, "example": mutant.example, "file": str(file), "key": key}
        entries.append({**about, "alone": alone, "tests": tests})
    return entries


def _order(subject: Subject, claims: set[str], seconds: dict[str, float]) -> list[str]:
    """Return the tests of an example: those that should kill the mutant first, then the quickest.

    `seconds` are those that each test took in the last live run.
    """

    def likely(test: str) -> tuple[bool, float]:
        expected = any(proof.claim in claims for proof in subject.tests[test])
        return not expected, seconds.get(test, 0.0)

    return sorted(subject.tests, key=likely)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
