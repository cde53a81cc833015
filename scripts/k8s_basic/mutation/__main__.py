"""`./scripts/mutate`: would the live tests notice if an example were wrong?"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import yaml

from .. import EXAMPLES, ROOT, processes, run_tests
from ..content.fields import keys_of
from ..evidence.record import newest
from ..evidence.states import EvidenceError
from ..steps import say
from . import report, whole
from .classes import Chosen, ListError, Subject, choose, spills, subjects
from .judge import ECHO, ERROR, KILLED, REFUSED, SKIPPED
from .mutants import Mutant, at
from .plugin import FOLDER, OUTCOMES

NIGHTS = 7
DONE = (KILLED, REFUSED)
USABLE = (0, 1, 2)  # pytest's codes with outcomes: passed, failed, interrupted
BAD_CALL = 4  # pytest's code for a command line that makes no sense
DESCRIPTION = """\
Changes one field of an example at a time and runs the live tests that use it: one of them must
fail, of an assertion on status, traffic, events, logs or a refusal. Fails when a mutant survives.
"""


def main(arguments: list[str]) -> int:
    """Run or list the chosen mutants and return the exit code."""
    options, rest = _options(arguments)
    try:
        if options.whole:
            return _run_whole(options, rest)
        everything = subjects(ROOT)
        chosen = choose(ROOT, everything)
        asked = _asked(chosen, everything, options)
    except (ListError, LookupError) as problem:
        say(f"error: {problem}")
        return BAD_CALL
    if options.list:
        _print_list(asked)
        return 0
    to_run = [c.mutant for c in asked if not c.reason]
    if options.limit is not None and options.limit < len(to_run):
        say(f"{options.limit} of {len(to_run)} mutants, chosen with --seed {options.seed}")
        to_run = random.Random(options.seed).sample(to_run, options.limit)
    if not to_run:
        say("no mutant to run")
        return 0
    try:
        return _run(to_run, chosen, everything, rest)
    except EvidenceError as problem:
        say(f"error: {problem}")
        return BAD_CALL


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        "./scripts/mutate", description=DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("--list", action="store_true", help="print the mutants and run none")
    parser.add_argument(
        "--changed", nargs="?", const="", metavar="REV",
        help="only examples that differ from REV, or whose tests do (default: origin/main, HEAD~1)",
    )  # fmt: skip
    parser.add_argument(
        "--night", type=int, choices=range(1, NIGHTS + 1), help=f"one of {NIGHTS} parts of all"
    )
    parser.add_argument(
        "--left", action="store_true", help="only those that no run has seen killed or refused yet"
    )
    parser.add_argument("--curated", action="store_true", help="only those of mutations.yaml")
    parser.add_argument("--limit", type=int, help="run only so many, chosen at random")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of --limit")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--nothing", dest="whole", action="store_const", const=whole.NOTHING,
        help="apply nothing instead: every test must fail",
    )  # fmt: skip
    kinds.add_argument(
        "--foreign", dest="whole", action="store_const", const=whole.FOREIGN,
        help="put another lesson's objects beside: every test must pass",
    )  # fmt: skip
    parser.epilog = (
        "Examples' paths choose examples; other options are those of ./scripts/test --live."
    )
    options, rest = parser.parse_known_args(arguments)
    options.examples = [name for a in rest if (name := _example(a))]
    return options, [a for a in rest if not _example(a)]


def _example(argument: str) -> str:
    path = (ROOT / argument).resolve()
    return path.relative_to(EXAMPLES).as_posix() if EXAMPLES in path.parents else ""


def _asked(
    chosen: list[Chosen], everything: dict[str, Subject], options: argparse.Namespace
) -> list[Chosen]:
    """Return the mutants that the command line asks for; raises LookupError."""
    names = set(options.examples)
    if unknown := names - set(everything):
        raise LookupError(f"no live test uses {', '.join(sorted(unknown))}; name another example")
    if options.changed is not None:
        files = _changed(options.changed)
        names |= {
            name
            for name, subject in everything.items()
            if f"examples/{name}" in files or files & {t.split("::")[0] for t in subject.tests}
        }
    restricted = names or options.examples or options.changed is not None
    found = [c for c in chosen if not restricted or c.mutant.example in names]
    if options.curated:
        found = [c for c in found if c.mutant.claims]
    if options.left:
        done = {name for name, record in report.load().items() if record["class"] in DONE}
        found = [c for c in found if c.mutant.id not in done]
    return [c for c in found if options.night in (None, night_of(c.mutant.id))]


def night_of(name: str) -> int:
    """Return the night, 1 to 7, in which a mutant is run; it stays the same."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % NIGHTS + 1


def _changed(revision: str) -> set[str]:
    """Return the files that differ from a revision, and new ones; raises LookupError."""
    known = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "origin/main"], cwd=ROOT, capture_output=True
    )
    revision = revision or ("HEAD~1" if known.returncode else "origin/main")
    found: set[str] = set()
    for command in (["diff", "--name-only", revision], ["ls-files", "-o", "--exclude-standard"]):
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise LookupError(f"git knows no revision {revision}; name another after --changed")
        found |= set(done.stdout.splitlines())
    return found


def _print_list(asked: list[Chosen]) -> None:
    for one in asked:
        name = "curated" if one.mutant.claims else one.name
        detail = one.reason or " ".join(one.mutant.claims) or one.mutant.operator
        print(f"{name:<14} {one.mutant.id}  ({detail})")
    counted = Counter("curated" if c.mutant.claims else c.name for c in asked)
    print(", ".join(f"{number} {name}" for name, number in sorted(counted.items())))


def _run(
    mutants: list[Mutant], chosen: list[Chosen], everything: dict[str, Subject], rest: list[str]
) -> int:
    before, started = report.load(), time.monotonic()
    entries = _written(mutants, everything, before)
    code, outcomes = _tried(entries, rest)
    if outcomes is None:
        return code
    new = report.records(ROOT, entries, outcomes, everything)
    merged = report.merge(before, new, chosen)
    report.write(merged)
    for line in report.summary(new, len(entries), merged, time.monotonic() - started):
        print(line)
    print(f"report: {report.REPORT.relative_to(ROOT)}")
    bad = {report.SURVIVED, ECHO, ERROR} & {str(record["class"]) for record in new.values()}
    return 1 if bad or len(new) < len(entries) else code


def _run_whole(options: argparse.Namespace, rest: list[str]) -> int:
    """Try every test as a whole; raises ListError or LookupError."""
    excused = whole.exceptions(ROOT, options.whole)
    entries = whole.entries(ROOT, options.whole, set(options.examples))
    if not entries:
        raise LookupError("no test is tried as a whole with these examples; name others")
    if options.list:
        print("\n".join([*(entry["id"] for entry in entries), f"{len(entries)} tests"]))
        return 0
    code, outcomes = _tried(entries, rest)
    if outcomes is None:
        return code
    lines = whole.verdicts(options.whole, entries, outcomes, excused)
    judged = {outcome["mutant"] for outcome in outcomes if outcome["result"] != SKIPPED}
    unknown = [entry["id"] for entry in entries if entry["id"] not in judged]
    told = f"{len(entries)} tests, {len(excused)} excused, {len(unknown)} not judged"
    told = f"{options.whole}: {told}"
    print("\n".join([*lines, told, *(f"    not judged here: {name}" for name in unknown)]))
    return 1 if lines else code


def _tried(
    entries: list[dict[str, Any]], rest: list[str]
) -> tuple[int, list[report.Outcome] | None]:
    """Run the tests of these entries; return pytest's code and the outcomes, None without any."""
    list_of_all = FOLDER / "mutants.json"
    list_of_all.parent.mkdir(parents=True, exist_ok=True)
    list_of_all.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    files = sorted({test.split("::")[0] for entry in entries for test in entry["tests"]})
    mine = [f"--mutants={list_of_all}", f"--junitxml={FOLDER / 'junit.xml'}"]
    code = run_tests.run_tier("live", [*files, *mine, *rest])
    if code not in USABLE or not OUTCOMES.exists():
        return code, None
    return code, json.loads(OUTCOMES.read_text(encoding="utf-8"))


def _written(
    mutants: list[Mutant], everything: dict[str, Subject], before: dict[str, Any]
) -> list[dict[str, Any]]:
    """Write each mutant's file, and return what the plugin has to know of each."""
    folder = FOLDER / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = {t["test"]: t["seconds"] for t in (newest() or {"tests": []})["tests"]}
    entries = []
    for mutant in mutants:
        subject = everything[mutant.example]
        file = folder / f"{hashlib.sha256(mutant.id.encode()).hexdigest()[:16]}.yaml"
        text = yaml.safe_dump_all(mutant.of(subject.documents), sort_keys=False)
        file.write_text(text, encoding="utf-8")
        killer = before.get(mutant.id, {}).get("by")
        order = _order(subject, set(mutant.claims), killer, seconds)
        entries.append(
            {
                "id": mutant.id,
                "example": mutant.example,
                "file": str(file),
                "adds": _adds(mutant, subject),
                "claims": list(mutant.claims),
                "alone": spills(mutant, subject),
                "tests": order,
            }
        )
    return entries


def _adds(mutant: Mutant, subject: Subject) -> bool:
    """Tell whether the mutant sets a field that the example leaves to its default."""
    try:
        at(subject.documents[mutant.document], keys_of(mutant.path))
    except (LookupError, ValueError):
        return True
    return False


def _order(
    subject: Subject, claims: set[str], killer: str | None, seconds: dict[str, float]
) -> list[str]:
    """Return the tests of an example: those that should kill the mutant first, then the quickest.

    `seconds` are those that each test took in the last live run.
    """

    def likely(test: str) -> tuple[bool, bool, float]:
        expected = any(proof.claim in claims for proof in subject.tests[test])
        return not expected, test != killer, seconds.get(test, 0.0)

    return sorted(subject.tests, key=likely)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
