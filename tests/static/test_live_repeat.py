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

# A suite of its own that leaves evidence as the live suite does. How it ends depends on the number
# of the run, which it counts in a file.
SUITE = """\
import time
from pathlib import Path

HERE = Path(__file__).parent

def noted(kind, what, seconds, bound):
    return {"wait": kind, "what": what, "seconds": seconds, "bound": bound}

def test_flaky(request):
    run = len((HERE / "runs").read_text())
    waits = [noted("becomes", "pod/slow", 20 + 10 * run, 60), noted("http", "quick", 1, 30)]
    request.node.user_properties.append(("waits", [*waits, noted("stays", "held", 15, 15)]))
    assert run != 2

def test_steady(request):
    request.node.user_properties.append(("waits", [noted("http", "at once", 0, 0)]))

def test_long():
    while (HERE / "hang").exists():
        (HERE / "begun").touch()
        time.sleep(0.05)
"""
PLUGIN = """\
from pathlib import Path
from k8s_basic import processes
from k8s_basic.evidence import record

HERE = Path(__file__).parent
record.current = lambda root: {}
record.state = lambda root: ("abcdef01" * 5, False)
record.edited_since = lambda root, commit: []
results = record.Results()

def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties.append(("claims", []))

def pytest_runtest_logreport(report):
    results.note(report)

def pytest_sessionstart(session):
    if not session.config.option.collectonly:
        with (HERE / "runs").open("a") as runs:
            runs.write("x")

def pytest_configure():
    processes.end_by_signals()  # as all suites do

def pytest_sessionfinish():
    if results.tests:
        about = {"kubernetes": "v1.37.0", "image_source": "packages"}
        results.write(about, HERE / "evidence")
"""
COMMAND = """\
import sys
from pathlib import Path
from k8s_basic import processes
from k8s_basic.evidence import record
from k8s_basic.live import repeat

here = Path(sys.argv[1])
pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={here}"]
pytest += ["-c", str(here / "pytest.ini"), str(here)]
repeat.SUITE, repeat.LIST = pytest, [*pytest, "--collect-only"]
repeat.KEPT, repeat.FOLDER = here / "kept", here / "evidence"
repeat.state = lambda root: ("abcdef01" * 5, False)
processes.command(lambda: repeat.main(sys.argv[2:]))
"""

Command = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Starts ./scripts/repeat on the suite of this file."""
    texts = {"test_it.py": SUITE, "conftest.py": PLUGIN, "pytest.ini": "[pytest]\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "COLUMNS": "160"}

    def start(*arguments: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", COMMAND, str(tmp_path), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        began.append(subprocess.Popen(line, env=env, text=True, **pipes))  # type: ignore[call-overload]
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


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for a condition; raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def test_reds_and_close_waits_of_all_runs_are_told_and_can_be_read_again(
    command: Command, tmp_path: Path
) -> None:
    process = command("3")
    out, err = process.communicate()
    assert process.returncode == 1, err
    assert [repeat.verdict(run) for run in kept(tmp_path)] == ["green", "red", "green"]
    for printed in (out, command().communicate()[0]):
        assert "failed in 1 of 3: test_it.py::test_flaky\n" in printed
        # of 30, 40 and 50 seconds; neither the hold, nor the quick one, nor the one without a bound
        close = [line.strip() for line in printed.splitlines() if "bound" in line]
        wait = "test_it.py::test_flaky: becomes pod/slow"
        assert close == [f"close to its bound (83% of 60 s): {wait}"]
        assert "2 of 3 green; in a row at the end: 1" in printed
    assert len(kept(tmp_path)) == 3


def test_run_of_a_part_of_the_suite_is_not_green(command: Command, tmp_path: Path) -> None:
    process = command("1", "-k", "steady")
    out, _ = process.communicate()
    assert process.returncode == 1
    (run,) = kept(tmp_path)
    assert repeat.verdict(run) == "partial"
    assert run["missing"] == ["test_it.py::test_flaky", "test_it.py::test_long"]
    assert "0 of 1 green; in a row at the end: 0" in out


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
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


def test_interrupted_run_is_kept_as_such_and_leaves_neither_suite_nor_load(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "hang").touch()
    process = command("5", "--load")
    until((tmp_path / "begun").exists)
    started = children(process.pid)
    assert len(started) == 1 + (os.cpu_count() or 1), "the suite and one loop for each core"
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert not [pid for pid in started if is_alive(pid)]
    (run,) = kept(tmp_path)
    assert (repeat.verdict(run), run["load"]) == ("interrupted", os.cpu_count())
    assert {t["outcome"] for t in run["tests"]} == {"passed"}
    assert "0 of 1 green" in out


def test_load_ends_by_itself_when_whoever_started_it_is_killed() -> None:
    code = "from k8s_basic.live.repeat import busy\nwith busy(1): print(flush=True); input()"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout and process.stdout.readline()
        (loop,) = children(process.pid)
        process.kill()
    until(lambda: not is_alive(loop))


def test_file_that_was_cut_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "19990101T000000-abcdef01.json").write_text('{"code": 0, "te')
    process = command()
    _, err = process.communicate()
    assert process.returncode == 1
    assert "19990101T000000-abcdef01.json does not hold a whole run; delete it" in err


def test_suite_that_did_not_start_leaves_no_run_and_a_sentence(
    command: Command, tmp_path: Path
) -> None:
    process = command("2", "--no-such-option")
    _, err = process.communicate()
    assert process.returncode == 4
    assert "ended with code 4 and ran no test" in err
    assert kept(tmp_path) == []


def test_tests_that_cannot_be_listed_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat, "LIST", ["sh", "-c", "echo no such module; exit 2"])
    with pytest.raises(ClusterError, match=r"(?s)cannot be listed.*no such module"):
        repeat.all_tests()


@pytest.mark.parametrize(
    ("code", "outcomes", "missing", "counts_as"),
    [
        (0, ["passed", "not-enforceable"], [], "green"),
        (0, ["passed", "failed"], [], "red"),
        (1, ["passed"], [], "red"),  # such as an error after the last test
        (0, ["passed"], ["a"], "partial"),
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


def test_without_a_kept_run_there_is_a_sentence_and_a_failure(command: Command) -> None:
    process = command()
    _, err = process.communicate()
    assert process.returncode == 1
    assert "no run is kept; ./scripts/repeat 1" in err
