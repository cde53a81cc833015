"""`./scripts/mutate`: would the live tests notice if an example were wrong?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .. import ROOT, processes, run_tests
from ..evidence.states import EvidenceError
from ..steps import say
from .choice import ListError
from .report import Fields
from .trials import FOLDER, NOT_PASSED, Outcome, Trial, decide, outcomes
from .whole import FOREIGN, NOTHING, Whole

USABLE = (0, 1, 2)  # pytest's codes with outcomes: passed, failed, interrupted
BAD_CALL = 4  # pytest's code for a command line that makes no sense
USAGE = "./scripts/mutate [examples/….yaml …] [options] [options of ./scripts/test --live]"
DESCRIPTION = """\
Changes one field of an example at a time and runs the live tests that use it: one of them must
fail. Goes on where the last run stopped: what has been judged is run again when its example or a
test of it changed. Fails when a mutant survives, or when one could not be judged.
"""


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run or list the chosen trials of the repository at `root` and return the exit code."""
    options, rest = _options(arguments)
    chosen = {a: a.removeprefix("examples/") for a in rest if a.startswith("examples/")}
    examples = {*chosen.values()}
    run: Whole | Fields
    try:
        if options.whole:
            run = Whole(root, options.whole, examples)
        else:
            run = Fields(root, examples, options.again, options.limit)
    except (ListError, LookupError, EvidenceError) as problem:
        say(f"error: {problem}")
        return BAD_CALL
    if options.list:
        print("\n".join([*(trial.id for trial in run.trials), f"{len(run.trials)} to run"]))
        return 0
    code = _tried(root, run.trials, [a for a in rest if a not in chosen]) if run.trials else 0
    if code not in USABLE:
        return code
    ends = decide(run.trials, seen := outcomes(root) if run.trials else [])
    bad = list(_bad(run, ends))
    elsewhere = {o.test for o in seen if o.result == "skipped"}  # not for this cluster
    missing = [t for t in run.trials if t.id not in ends and elsewhere.isdisjoint(t.tests)]
    print("\n".join([*bad, f"{len(ends)} of {len(run.trials)} judged; {run.kept(ends)}"]))
    return 1 if bad or missing else code


def _bad(run: Whole | Fields, ends: dict[str, Outcome]) -> Iterator[str]:
    """Yield a line for each trial that did not end as it should."""
    for name, end in ends.items():
        is_bad, is_excused = end.result in run.bad, name in run.excused
        if end.message == NOT_PASSED or (is_bad and not is_excused):
            yield f"{end.result}: {name}\n    {end.test} {end.message}"
        elif is_excused and not is_bad:
            yield f"no exception any more, remove it from the list: {name}"


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(usage=USAGE, description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--list", action="store_true", help="print what would be run")
    parser.add_argument("--again", action="store_true", help="also what has been judged")
    parser.add_argument("--limit", type=int, metavar="N", help="run only the first N mutants")
    kinds = parser.add_mutually_exclusive_group()
    for name, text in (
        (NOTHING, "apply nothing instead: every test must fail"),
        (FOREIGN, "put another lesson's objects beside: every test must pass"),
    ):
        kinds.add_argument(f"--{name}", dest="whole", action="store_const", const=name, help=text)
    return parser.parse_known_args(arguments)


def _tried(root: Path, trials: list[Trial], rest: list[str]) -> int:
    """Run the tests of these trials and return pytest's code."""
    listed = root / FOLDER / "mutants.json"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(json.dumps([asdict(trial) for trial in trials], indent=1), encoding="utf-8")
    files = sorted({test.split("::")[0] for trial in trials for test in trial.tests})
    mine = [f"--mutants={listed}", f"--junitxml={listed.with_name('junit.xml')}"]
    return run_tests.run_tier("live", [*files, *mine, *rest])


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
