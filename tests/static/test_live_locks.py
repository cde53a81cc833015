"""Tests share the cluster, and one that wants it alone has it alone, also between processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from k8s_basic.live import locks
from k8s_basic.live.locks import apart, turn

CODE = """\
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("locks", sys.argv[1])
locks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(locks)
with locks.turn(pathlib.Path(sys.argv[2]), alone=sys.argv[3] == "alone"):
    print(flush=True)
    input()
"""
SOON, LONG = 0.1, 10.0  # seconds: to see that something waits, and to wait for what must come


@contextmanager
def elsewhere(folder: Path, how: str) -> Iterator[subprocess.Popen[bytes]]:
    """A test in another process that has its turn until it is killed."""
    command = [sys.executable, "-S", "-c", CODE, str(locks.__file__), str(folder), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"\n"
        yield process
        process.kill()


class Test(threading.Thread):
    """A test in a thread, which holds its turn until it is told to end."""

    __test__ = False

    def __init__(self, folder: Path, *, alone: bool):
        super().__init__(daemon=True)
        self.folder, self.alone = folder, alone
        self.began, self.end = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with turn(self.folder, alone=self.alone):
            self.began.set()
            self.end.wait(LONG)


def test_tests_that_share_run_beside_each_other(tmp_path: Path) -> None:
    with elsewhere(tmp_path, "beside"):
        first, second = Test(tmp_path, alone=False), Test(tmp_path, alone=False)
        assert first.began.wait(LONG) and second.began.wait(LONG)
        first.end.set()
        second.end.set()


@pytest.mark.parametrize(("there", "here"), [("alone", False), ("alone", True), ("beside", True)])
def test_test_that_is_alone_waits_for_others_and_they_for_it_between_processes(
    tmp_path: Path, there: str, here: bool
) -> None:
    with elsewhere(tmp_path, there) as process:
        test = Test(tmp_path, alone=here)
        assert not test.began.wait(SOON)
        process.kill()  # a test whose process dies holds nobody up
        assert test.began.wait(LONG)
        test.end.set()


def test_test_that_waits_to_be_alone_goes_before_those_that_come_later(tmp_path: Path) -> None:
    running = Test(tmp_path, alone=False)
    assert running.began.wait(LONG)
    alone = Test(tmp_path, alone=True)
    time.sleep(SOON)  # until it stands at the gate
    later = Test(tmp_path, alone=False)
    assert not later.began.wait(SOON)
    running.end.set()
    assert alone.began.wait(LONG)
    assert not later.began.wait(SOON)
    alone.end.set()
    assert later.began.wait(LONG)
    later.end.set()


def test_turn_ends_with_a_test_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), turn(tmp_path, alone=True):
        _ = 1 / 0
    with elsewhere(tmp_path, "alone"):
        pass


def test_turns_of_another_cluster_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with elsewhere(tmp_path / "a", "alone"):
        test = Test(tmp_path / "b", alone=True)
        assert test.began.wait(LONG)
        test.end.set()


def test_tests_that_hold_the_same_part_follow_each_other_and_others_go_on(tmp_path: Path) -> None:
    held = []

    def hold(name: str) -> None:
        with apart(tmp_path, name):
            held.append(name)

    with apart(tmp_path, "one"):
        same = threading.Thread(target=hold, args=("one",), daemon=True)
        other = threading.Thread(target=hold, args=("other",), daemon=True)
        same.start()
        other.start()
        other.join(LONG)
        same.join(SOON)
        assert held == ["other"]
    same.join(LONG)
    assert held == ["other", "one"]
