"""./scripts/repeat runs the live suite again and again, keeps each run, and tells what they say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.errors import ClusterError
from k8s_basic.live import repeat

# In place of the live suite: two tests, of which a run sees one, and which hang until a signal.
SUITE = """\
import json, sys, time
from pathlib import Path
from k8s_basic import processes
from k8s_basic.evidence.record import now

here = Path(sys.argv[1])
if "--collect-only" in sys.argv:
    print("a::one", "a::two", sep="\\n")
    sys.exit()
if "--no-such-option" in sys.argv:
    sys.exit(4)
processes.end_by_signals()
seen = {"test": "a::one", "outcome": "passed", "waits": [], "date": now()}
older = {**seen, "test": "a::two", "date": "2026-01-01T00:00:00+00:00"}
evidence = {"started": now(), "seconds": 1, "commit": "abcdef01" * 5, "dirty": False,
            "kubernetes": "v1.37.2", "image_source": "packages", "tests": [seen, older]}
(here / "evidence").mkdir(exist_ok=True)
(here / "evidence/1.37-packages.json").write_text(json.dumps(evidence))
try:
    while "--hang" in sys.argv:
        (here / "begun").touch()
        time.sleep(0.05)
except KeyboardInterrupt:
    sys.exit(2)
"""
COMMAND = """\
import sys
from pathlib import Path
from k8s_basic import processes
from k8s_basic.evidence import record
from k8s_basic.live import repeat

here = Path(sys.argv[1])
repeat.SUITE = [sys.executable, str(here / "suite.py"), str(here)]
repeat.LIST = [*repeat.SUITE, "--collect-only"]
repeat.KEPT, record.FOLDER = here / "kept", here / "evidence"
processes.command(lambda: repeat.main(sys.argv[2:]))
"""
Command = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Starts ./scripts/repeat on the suite of this file."""
    (tmp_path / "suite.py").write_text(SUITE)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def start(*arguments: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", COMMAND, str(tmp_path), *arguments]
        began.append(subprocess.Popen(line, env=env, **pipes))
        return began[-1]

    began: list[subprocess.Popen[str]] = []
    yield start
    for process in began:  # whatever the test found: nothing of it stays
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.kill()


def kept(folder: Path) -> list[dict[str, Any]]:
    """Return what the files of kept runs hold, oldest first."""
    return [json.loads(file.read_text()) for file in sorted((folder / "kept").glob("*.json"))]


def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started and that are there."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [line.split() for line in done.stdout.splitlines()]
    return [int(pid) for pid, of in pairs if int(of) == parent]


def is_alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def a_run(failed: bool, seconds: float) -> dict[str, Any]:
    """A kept run of two tests, the first of which failed or waited for so many seconds of 60."""
    forms = [("becomes", "slow", seconds, 60), ("http", "quick", 1, 30), ("http", "at once", 0, 0)]
    names = ("wait", "what", "seconds", "bound")
    waits = [dict(zip(names, form)) for form in (*forms, ("stays", "held", 15, 15))]
    ends = {"a::one": "failed" if failed else "passed", "a::two": "passed"}
    tests = [{"test": name, "outcome": end, "waits": waits[:]} for name, end in ends.items()]
    tests[1]["waits"] = []
    about = {"started": "2026-12-01T00:00:00+00:00", "seconds": 9.0, "commit": "abcdef01" * 5}
    about |= {"dirty": False, "kubernetes": "v1.37", "image_source": "registry", "load": 2}
    return {**about, "code": int(failed), "tests": tests, "missing": []}


def test_failures_and_close_waits_of_all_runs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    repeat.show([a_run(False, 30), a_run(True, 50), a_run(False, 40)])
    assert capsys.readouterr().out.splitlines()[4:] == [
        "  2026-12-01T00:00:00+00:00  v1.37 registry, 2 busy loops: green, 2 tests, 0 not run, 9 s",
        "  failed in 1 of 3: a::one",
        # neither the hold, nor the quick one, nor the one without a bound
        "  close to its bound (83% of 60 s): a::one: becomes slow",
        "  2 of 3 green; in a row at the end: 1",
    ]


def test_run_of_a_part_of_the_suite_is_not_green_and_is_kept(
    command: Command, tmp_path: Path
) -> None:
    process = command("2")
    assert "0 of 2 green; in a row at the end: 0" in process.communicate()[0]
    runs = kept(tmp_path)
    assert (process.returncode, [repeat.verdict(run) for run in runs]) == (1, ["partial"] * 2)
    assert runs[0]["missing"] == ["a::two"], "its result is of an earlier run"


def test_interrupted_run_is_kept_as_such_and_leaves_neither_suite_nor_load(
    command: Command, tmp_path: Path
) -> None:
    process = command("5", "--load", "--hang")
    until((tmp_path / "begun").exists)
    started = children(process.pid)
    assert len(started) == 1 + (os.cpu_count() or 1), "the suite and one loop for each core"
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert not [pid for pid in started if is_alive(pid)]
    (run,) = kept(tmp_path)
    assert (repeat.verdict(run), run["load"]) == ("interrupted", os.cpu_count())


def test_load_ends_by_itself_when_whoever_started_it_is_killed() -> None:
    code = "from k8s_basic.live.repeat import busy\nwith busy(1): print(flush=True); input()"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=env, **pipes) as process:
        assert process.stdout and process.stdout.readline()
        (loop,) = children(process.pid)
        process.kill()
    until(lambda: not is_alive(loop))


def test_what_cannot_be_run_or_read_is_a_sentence(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = command()
    assert "no run is kept; ./scripts/repeat 1" in process.communicate()[1]
    assert process.returncode == 1
    process = command("2", "--no-such-option")
    assert "ended with code 4 and ran no test" in process.communicate()[1]
    assert (process.returncode, kept(tmp_path)) == (4, [])
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "19990101T000000-abcdef01.json").write_text('{"code": 0, "te')
    told = "19990101T000000-abcdef01.json does not hold a whole run; delete it"
    assert told in command().communicate()[1]
    monkeypatch.setattr(repeat, "LIST", ["sh", "-c", "echo no such module; exit 2"])
    with pytest.raises(ClusterError, match=r"(?s)cannot be listed.*no such module"):
        repeat.all_tests()


@pytest.mark.parametrize(
    ("code", "outcomes", "missing", "counts_as"),
    [
        (0, ["passed", "not-enforceable"], [], "green"),
        (0, ["passed", "failed"], [], "red"),
        (1, ["passed"], [], "red"),  # such as an error after the last test
        (0, [], ["a"], "partial"),
        (1, ["failed"], ["a"], "red"),
        (2, ["passed"], [], "interrupted"),
        (-15, ["passed"], [], "interrupted"),
    ],
)
def test_only_a_whole_run_without_a_failure_counts_as_green(
    code: int, outcomes: list[str], missing: list[str], counts_as: str
) -> None:
    tests = [{"test": str(n), "outcome": outcome} for n, outcome in enumerate(outcomes)]
    assert repeat.verdict({"code": code, "tests": tests, "missing": missing}) == counts_as
