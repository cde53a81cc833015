"""`./scripts/repeat`: the live suite again and again, and what the kept runs say of each test."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from .. import BUILD, ROOT, TESTS, processes
from ..errors import ClusterError
from ..evidence import FOLDER
from ..evidence.commits import state
from ..evidence.record import now
from ..evidence.states import EvidenceError, parsed, put
from ..steps import say

Run = dict[str, Any]

KEPT = BUILD / "runs"
SUITE = [str(ROOT / "scripts" / "test"), "--live"]
LIST = [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TESTS / "live")]
FAILED, INTERRUPTED = 1, 2  # pytest's codes; with a greater one no test was run
CLOSE = 0.5  # the share of its bound from which on a wait is listed
# ends by itself, also when nobody is left to end it
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


def run_suite(options: list[str]) -> int:
    """Run the suite and return its exit code; Ctrl-C and SIGTERM end it tidily."""
    return processes.run_to_its_end([*SUITE, *options], ROOT)


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


def left_since(started: str) -> Run | None:
    """Return the evidence of a run that began at `started` (RFC 3339, UTC) or later, if any."""
    found = (parsed(file) for file in FOLDER.glob("*.json"))
    runs = [evidence for evidence in found if evidence["started"] >= started]
    return max(runs, key=lambda evidence: str(evidence["started"]), default=None)


def record(started: str, code: int, load: int, every: set[str]) -> Run:
    """Return what is kept of a run that began at `started` and ended with `code`.

    `every` names all tests of the suite: what the run did not come to is kept as `missing`.
    """
    commit, dirty = state(ROOT)
    nothing = {"commit": commit, "dirty": dirty, "kubernetes": "", "image_source": "", "tests": []}
    evidence = left_since(started) or {**nothing, "started": started, "seconds": 0}
    about = ("started", "seconds", "commit", "dirty", "kubernetes", "image_source")
    run: Run = {key: evidence[key] for key in about} | {"load": load, "code": code}
    kinds = ("test", "outcome", "waits")
    run["tests"] = [{key: test[key] for key in kinds} for test in tests_of(evidence)]
    run["missing"] = sorted(every - {test["test"] for test in run["tests"]})
    return run


def keep(run: Run) -> None:
    """Write a run to a file of its own, whole or not at all."""
    KEPT.mkdir(parents=True, exist_ok=True)
    begun = run["started"].partition("+")[0].replace(":", "").replace("-", "")
    file = KEPT / f"{begun}-{run['commit'][:8]}.json"
    while file.exists():  # another run of the same second; `_` sorts behind the first
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


def in_a_row(runs: list[Run]) -> int:
    """Return how many of the runs are green, counted back from the last one to the first other."""
    return len(list(takewhile(lambda run: verdict(run) == "green", reversed(runs))))


def reds(runs: list[Run]) -> Iterator[tuple[str, str]]:
    """Yield each test that failed, and how often of how many runs of it."""
    outcomes: dict[str, list[str]] = defaultdict(list)
    for test in (test for run in runs for test in run["tests"]):
        outcomes[test["test"]].append(test["outcome"])
    for name, seen in sorted(outcomes.items()):
        if failed := seen.count("failed"):
            yield name, f"{failed} of {len(seen)}"


def close(runs: list[Run]) -> list[tuple[str, str, str]]:
    """Return the waits that used more than CLOSE of their bound, with the worst of all runs.

    A hold lasts as long as it is meant to, so it is none.
    """
    worst: dict[tuple[str, str], tuple[float, str]] = {}
    for test in (test for run in runs for test in run["tests"]):
        for wait in (w for w in test["waits"] if w["wait"] != "stays" and w["bound"]):
            share = wait["seconds"] / wait["bound"]
            key = test["test"], f"{wait['wait']} {wait['what']}"
            told = f"{share:.0%} of {wait['bound']:.0f} s"
            worst[key] = max(worst.get(key, (0.0, "")), (share, told))
    listed = sorted(worst.items(), key=lambda item: -item[1][0])
    return [(*key, told) for key, (share, told) in listed if share > CLOSE]


def show(runs: list[Run]) -> None:
    """Print what the kept runs say, commit by commit."""
    by_commit: dict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in runs:
        by_commit[run["commit"], run["dirty"]].append(run)
    for (commit, dirty), of_commit in by_commit.items():
        print(f"\n{commit[:8]}{', with changes' if dirty else ''}")
        for run in of_commit:
            about = f"{run['kubernetes']} {run['image_source']}, {run['load']} busy loops"
            counts = f"{len(run['tests'])} tests, {len(run['missing'])} not run"
            print(f"  {run['started']}  {about}: {verdict(run)}, {counts}, {run['seconds']:.0f} s")
        for name, told in reds(of_commit):
            print(f"  failed in {told}: {name}")
        for name, wait, told in close(of_commit):
            print(f"  close to its bound ({told}): {name}: {wait}")
        green = sum(verdict(run) == "green" for run in of_commit)
        print(f"  {green} of {len(of_commit)} green; in a row at the end: {in_a_row(of_commit)}")


def run_again(count: int, load: int, options: list[str]) -> int:
    """Run the suite `count` times beside `load` busy loops; return the code that tells how."""
    every, code = all_tests(), 0
    for number in range(1, count + 1):
        say(f"\n=== run {number} of {count}")
        started = now()
        with busy(load):
            ended = run_suite(options)
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
