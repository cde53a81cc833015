"""`./scripts/repeat`: the live suite again and again, and what the kept runs say of each test."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from .. import BUILD, ROOT, TESTS, processes
from ..errors import ClusterError
from ..evidence import FOLDER
from ..evidence.commits import state
from ..evidence.record import newest, now
from ..evidence.states import EvidenceError, parsed
from ..steps import say

Run = dict[str, Any]

KEPT = BUILD / "runs"
SUITE = [str(ROOT / "scripts" / "test"), "--live"]
LIST = [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TESTS / "live")]
FAILED, INTERRUPTED = 1, 2  # pytest's codes; with a greater one no test was run
CLOSE = 0.5  # the share of its bound from which on a wait is listed
SLOWEST = 12  # tests in the table of the last run
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
    tests = tests_of(evidence)
    about = ("started", "seconds", "commit", "dirty", "kubernetes", "image_source")
    kinds = ("test", "outcome", "seconds", "waits")
    return {
        **{key: evidence[key] for key in about},
        "load": load,
        "code": code,
        "missing": sorted(every - {t["test"] for t in tests}),
        "tests": [{key: t[key] for key in kinds} for t in tests],
    }


def keep(run: Run) -> None:
    """Write a run to its file, whole or not at all."""
    KEPT.mkdir(parents=True, exist_ok=True)
    begun = run["started"].partition("+")[0].replace(":", "").replace("-", "")
    file = KEPT / f"{begun}-{run['commit'][:8]}.json"
    while file.exists():  # another run of the same second; `_` sorts behind the first
        file = file.with_stem(f"{file.stem}_")
    part = file.with_suffix(".part")
    part.write_text(json.dumps(run, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    part.replace(file)


def kept() -> tuple[list[Run], list[str]]:
    """Return the kept runs, oldest first, and a sentence for each file that holds none."""
    runs, problems = [], []
    for file in sorted(KEPT.glob("*.json")):
        try:
            run = json.loads(file.read_text(encoding="utf-8"))
            verdict(run)
            runs.append(run)
        except (ValueError, LookupError, TypeError, AttributeError):
            name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
            problems.append(f"error: {name} does not hold a whole run and is left out; delete it")
    return runs, problems


def red(run: Run) -> list[str]:
    """Return the tests of a run that failed."""
    return [t["test"] for t in run["tests"] if t["outcome"] == "failed"]


def verdict(run: Run) -> str:
    """Return what a run counts as: interrupted, red, partial or green."""
    if run["code"] == INTERRUPTED or run["code"] < 0:
        return "interrupted"
    if run["code"] or red(run):
        return "red"
    return "partial" if run["missing"] else "green"


def last_green(runs: list[Run]) -> int:
    """Return how many of the runs are green in a row, counted from the last one."""
    others = [n for n, run in enumerate(runs) if verdict(run) != "green"]
    return len(runs) - 1 - max(others, default=-1)


def chain(test: Run) -> float:
    """Return the seconds of one test that no speed could save: its holds, one after the other."""
    return float(sum(w["seconds"] for w in test["waits"] if w["wait"] == "stays"))


def waited(test: Run) -> float:
    """Return the seconds that one test waited."""
    return float(sum(w["seconds"] for w in test["waits"]))


def closest(runs: Iterable[Run]) -> list[tuple[float, Run, Run]]:
    """Return the waits that used more than CLOSE of their bound: share, wait, test; worst first.

    Of several runs the worst one counts. A hold lasts as long as it is meant to, so it is none.
    """
    found: dict[tuple[str, str, str], tuple[float, Run, Run]] = {}
    for test in (test for run in runs for test in run["tests"]):
        for wait in (w for w in test["waits"] if w["wait"] != "stays" and w["bound"]):
            share = wait["seconds"] / wait["bound"]
            key = test["test"], wait["wait"], wait["what"]
            if share > CLOSE and share > found.get(key, (0.0,))[0]:
                found[key] = share, wait, test
    return sorted(found.values(), key=lambda of: -of[0])


def short(test: str) -> str:
    """Return a test's name without the folder that all of them lie in."""
    return test.removeprefix("tests/live/")


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """Return a table in which no name is cut off."""
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row))
    return made


def of_runs(runs: list[Run]) -> Table:
    """Return one row for each run of a commit."""
    columns = (
        "begun", "Kubernetes", "images", "busy loops", "counts as", "tests", "red", "not run",
        "seconds", "waited", "longest holds",
    )  # fmt: skip
    rows = (
        (
            run["started"].partition("+")[0], run["kubernetes"], run["image_source"], run["load"],
            verdict(run), len(run["tests"]), len(red(run)), len(run["missing"]),
            *(f"{s:.0f}" for s in (run["seconds"], sum(map(waited, run["tests"])),
                                   max(map(chain, run["tests"]), default=0.0))),
        )
        for run in runs
    )  # fmt: skip
    return table("runs", columns, rows)


def of_reds(runs: list[Run]) -> Table:
    """Return one row for each test that failed in a run."""
    names = sorted({name for run in runs for name in red(run)})
    ran = {name: sum(any(t["test"] == name for t in r["tests"]) for r in runs) for name in names}
    fell = {name: sum(name in red(run) for run in runs) for name in names}
    rows = ((short(name), f"{fell[name]} of {ran[name]}") for name in names)
    return table("tests that failed", ("test", "runs"), rows)


def of_close(runs: list[Run]) -> Table:
    """Return one row for each wait that came close to its bound in a run."""
    rows = (
        (short(test["test"]), f"{wait['wait']} {wait['what']}", float(wait["seconds"]),
         float(wait["bound"]), f"{share:.0%}")
        for share, wait, test in closest(runs)
    )  # fmt: skip
    title = f"waits that used more than {CLOSE:.0%} of their bound, the longest of all runs"
    return table(title, ("test", "wait", "seconds", "bound", "share"), rows)


def of_slowest(tests: list[Run]) -> Table:
    """Return one row for each of the tests that waited longest."""
    worst = sorted(tests, key=waited, reverse=True)[:SLOWEST]
    rows = ((short(t["test"]), float(t["seconds"]), waited(t), chain(t)) for t in worst)
    title = "the last live run: tests that waited longest"
    return table(title, ("test", "seconds", "waited", "of it holds"), rows)


def show(runs: list[Run]) -> None:
    """Print the tables of the kept runs, by commit, and where the time of the last run went."""
    console = Console()
    by_commit: dict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in runs:
        by_commit[run["commit"], run["dirty"]].append(run)
    parts: tuple[Callable[[list[Run]], Table], ...] = (of_runs, of_reds, of_close)
    for (commit, dirty), of_commit in by_commit.items():
        console.rule(f"{commit[:8]}{', with changes' if dirty else ''}")
        for made in (part(of_commit) for part in parts):
            if made.row_count:
                console.print(made)
        green = sum(verdict(run) == "green" for run in of_commit)
        console.print(
            f"{green} of {len(of_commit)} runs green; green in a row at the end: "
            f"{last_green(of_commit)}\n"
        )
    last = newest()
    if last and (tests := tests_of(last)):
        console.print(of_slowest(tests))


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
        runs, problems = kept()
        show(runs)
    except (ClusterError, EvidenceError) as error:
        say(f"error: {error}")
        return FAILED
    for problem in problems:
        say(problem)
    if not runs:
        say("no run is kept; ./scripts/repeat 1 runs the live suite once and keeps the run")
    return code or int(bool(problems) or not runs)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
