"""`./scripts/repeat`: the live suite again and again, and what the kept runs say of each test."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from .. import BUILD, ROOT, TESTS, processes
from ..errors import ClusterError
from ..evidence.commits import state
from ..evidence.record import newest, now
from ..evidence.states import EvidenceError, put
from ..steps import say

Run = dict[str, Any]

KEPT = BUILD / "runs"
SUITE = [str(ROOT / "scripts" / "test"), "--live"]
LIST = [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TESTS / "live")]
FAILED, INTERRUPTED = 1, 2  # pytest's codes; with a greater one no test was run
CLOSE = 0.5  # a wait that took a greater share of the time it may take is listed
# A busy loop that looks whether its parent is still the one that started it: so it ends even when
# that was killed and could end nothing any more.
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): sum(range(100_000))"


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep `count` cores busy while the block runs."""
    command = [sys.executable, "-c", BUSY, str(os.getpid())]
    # a session of their own: Ctrl-C is for the suite, which ends before the load does
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.terminate()
            loop.wait()


def all_tests() -> set[str]:
    """Return the names of all tests of the suite; raises ClusterError when they can't be listed."""
    done = subprocess.run(LIST, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-5:])
        raise ClusterError(f"the live tests cannot be listed, so none was run:\n{last}")
    return {line for line in done.stdout.splitlines() if "::" in line}


def tests_of(evidence: Run) -> list[Run]:
    """Return the tests of the run that wrote the evidence; others in it are of earlier runs."""
    return [t for t in evidence["tests"] if t["date"] >= evidence["started"]]


def record(started: str, code: int, load: int, every: set[str]) -> Run:
    """Return what is kept of a run that began at `started` (RFC 3339, UTC) and ended with `code`.

    `every` names all tests of the suite: what the run did not come to is kept as `missing`. A run
    that was interrupted early has left no evidence and is kept without a test.
    """
    commit, dirty = state(ROOT)
    nothing = {"commit": commit, "dirty": dirty, "kubernetes": "", "image_source": "", "tests": []}
    evidence = newest() or {}
    if evidence.get("started", "") < started:
        evidence = {**nothing, "started": started, "seconds": 0}
    about = ("started", "seconds", "commit", "dirty", "kubernetes", "image_source")
    tests = [{k: t[k] for k in ("test", "outcome", "waits")} for t in tests_of(evidence)]
    missing = sorted(every - {test["test"] for test in tests})
    run = {key: evidence[key] for key in about}
    return {**run, "load": load, "code": code, "tests": tests, "missing": missing}


def keep(run: Run) -> None:
    """Write a run to a file of its own, whole or not at all."""
    begun = run["started"].partition("+")[0].replace(":", "").replace("-", "")
    file = KEPT / f"{begun}-{run['commit'][:8]}.json"
    while file.exists():  # of the same second: it sorts behind the other one
        file = file.with_stem(f"{file.stem}_")
    put(file, json.dumps(run, separators=(",", ":"), ensure_ascii=False))


def kept() -> list[Run]:
    """Return the kept runs, oldest first; raises ClusterError for a file that holds none."""
    runs = []
    for file in sorted(KEPT.glob("*.json")):
        try:
            runs.append(json.loads(file.read_text(encoding="utf-8")))
            verdict(runs[-1])
        except (ValueError, LookupError, TypeError):
            raise ClusterError(f"{file} does not hold a whole run; delete it") from None
    return runs


def verdict(run: Run) -> str:
    """Return what a run counts as: interrupted, red, partial or green."""
    if run["code"] == INTERRUPTED or run["code"] < 0:
        return "interrupted"
    if run["code"] or any(test["outcome"] == "failed" for test in run["tests"]):
        return "red"
    return "partial" if run["missing"] else "green"


def failures(runs: list[Run]) -> list[str]:
    """Return a line for each test that failed: how often, and of how many runs of it."""
    tests = [test for run in runs for test in run["tests"]]
    ran = Counter(test["test"] for test in tests)
    failed = Counter(test["test"] for test in tests if test["outcome"] == "failed")
    return [f"failed in {failed[name]} of {ran[name]}: {name}" for name in sorted(failed)]


def close_waits(runs: list[Run]) -> list[str]:
    """Return a line for each wait that used more than CLOSE of its bound, the closest first.

    Of all runs the worst is told. A hold lasts as long as it is meant to, so it is none.
    """
    worst: dict[str, tuple[float, float]] = {}
    waits = ((t["test"], wait) for run in runs for t in run["tests"] for wait in t["waits"])
    for test, wait in waits:
        if wait["wait"] != "stays" and wait["bound"]:
            name = f"{test}: {wait['wait']} {wait['what']}"
            seen = wait["seconds"] / wait["bound"], wait["bound"]
            worst[name] = max(worst.get(name, seen), seen)
    return [
        f"close to its bound ({share:.0%} of {bound:.0f} s): {name}"
        for name, (share, bound) in sorted(worst.items(), key=lambda item: -item[1][0])
        if share > CLOSE
    ]


def show(runs: list[Run]) -> None:
    """Print what the kept runs say, commit by commit."""
    by_commit: dict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in runs:
        by_commit[run["commit"], run["dirty"]].append(run)
    for (commit, dirty), mine in by_commit.items():
        print(f"\n{commit[:8]}{', with changes' if dirty else ''}")
        for run in mine:
            about = f"{run['kubernetes']} {run['image_source']}, {run['load']} busy loops"
            counts = f"{len(run['tests'])} tests, {len(run['missing'])} not run"
            print(f"  {run['started']}  {about}: {verdict(run)}, {counts}, {run['seconds']:.0f} s")
        for line in (*failures(mine), *close_waits(mine)):
            print(f"  {line}")
        green = [verdict(run) == "green" for run in mine]
        in_a_row = len(list(takewhile(bool, reversed(green))))
        print(f"  {sum(green)} of {len(mine)} green; in a row at the end: {in_a_row}")


def run_again(count: int, load: int, options: list[str]) -> int:
    """Run the suite `count` times beside `load` busy loops; return the code that tells how."""
    every, code = all_tests(), 0
    for number in range(1, count + 1):
        say(f"\n=== run {number} of {count}")
        started = now()
        with busy(load):
            ended = processes.run_to_its_end([*SUITE, *options], ROOT)  # passes signals on
        if ended > INTERRUPTED:
            say(f"error: ./scripts/test --live ended with code {ended} and ran no test; see above")
            return ended
        run = record(started, ended, load, every)
        keep(run)
        say(f"=== run {number} of {count}: {verdict(run)}")
        if verdict(run) == "interrupted":
            return INTERRUPTED
        code = code if verdict(run) == "green" else FAILED
    return code


def main(arguments: list[str]) -> int:
    """Run as often as wanted, print the tables, and return 0 when all that was run is green."""
    parser = argparse.ArgumentParser(prog="./scripts/repeat", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=0, help="0: show what is kept")
    parser.add_argument("--load", action="store_true", help="keep all cores busy beside the runs")
    asked, options = parser.parse_known_args(arguments)
    load = (os.cpu_count() or 1) if asked.load else 0
    try:
        code = run_again(asked.runs, load, options) if asked.runs else 0
        runs = kept()
    except (ClusterError, EvidenceError) as error:
        say(f"error: {error}")
        return FAILED
    show(runs)
    if not runs:
        say("no run is kept; ./scripts/repeat 1 runs the live suite once and keeps the run")
    return code or int(not runs)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
