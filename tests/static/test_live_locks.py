"""Tests share the cluster, and an exclusive one has it for itself, also between processes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from k8s_basic import ROOT
from k8s_basic.live.locks import cluster_lock, exclusive_lock

CODE = """\
import pathlib, sys, time
from k8s_basic.live.locks import cluster_lock
with cluster_lock(pathlib.Path(sys.argv[1]), exclusive=True):
    print(flush=True)
    time.sleep(60)
"""
SOON, LONG = 0.1, 60.0  # seconds: to see that something waits, and to wait for what must come


class Test(threading.Thread):
    """A test that takes a lock, and holds it until it is told to end."""

    __test__ = False

    def __init__(self, lock: AbstractContextManager[None]):
        super().__init__(daemon=True)
        self.lock, self.held, self.end = lock, threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self.lock:
            self.held.set()
            self.end.wait(LONG)

    def waits(self) -> bool:
        """Tell whether it has no lock yet, a little later."""
        return not self.held.wait(SOON)


def is_locked(file: Path) -> bool:
    """Tell whether somebody has an exclusive lock on a file."""
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_sharers_run_beside_each_other_and_an_exclusive_test_beside_none(tmp_path: Path) -> None:
    first, second = (Test(cluster_lock(tmp_path, exclusive=False)) for _ in range(2))
    assert first.held.wait(LONG) and second.held.wait(LONG)
    alone = Test(cluster_lock(tmp_path, exclusive=True))
    while not is_locked(tmp_path / "entrance.lock"):
        time.sleep(SOON)
    later = Test(cluster_lock(tmp_path, exclusive=False))
    assert later.waits() and not alone.held.is_set()
    first.end.set()
    second.end.set()
    assert alone.held.wait(LONG) and later.waits(), "the exclusive one came first"
    alone.end.set()
    assert later.held.wait(LONG)
    later.end.set()


def test_process_that_dies_lets_go_and_a_test_that_fails_as_well(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"\n"
        test = Test(cluster_lock(tmp_path, exclusive=False))
        assert test.waits()
        process.kill()
        assert test.held.wait(LONG)
        test.end.set()
    with pytest.raises(ZeroDivisionError), cluster_lock(tmp_path, exclusive=True):
        _ = 1 / 0
    with cluster_lock(tmp_path, exclusive=True):
        pass


def test_part_is_held_by_one_test_and_does_not_hold_up_what_names_another(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path, "a"):
        same, other = (Test(exclusive_lock(tmp_path, part)) for part in ("a", "b"))
        assert other.held.wait(LONG) and same.waits()
    assert same.held.wait(LONG)
    for test in (same, other):
        test.end.set()
