"""How commands end, and with them every program that they started.

The standard library alone, as it's used before anything is installed.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

AGAIN = 2.0  # seconds in which a second signal is the first once more, come another way
PATIENCE = 30.0  # seconds that a program may take to end before it is killed
INTERRUPTED = 130  # exit code, as shells have it


def end_by_signals() -> Callable[[], bool]:
    """Let SIGTERM end this process as Ctrl-C does: by KeyboardInterrupt, so that it tidies up.

    A terminal, `timeout` and a parent may each pass the same wish on, so a signal that comes
    AGAIN seconds later at most does not break off the tidying; a later one does. Returns a
    function that tells whether one has come, as libraries may have swallowed the exception.
    """
    asked = -math.inf

    def interrupt(*_: object) -> None:
        nonlocal asked
        if time.monotonic() - asked > AGAIN:
            asked = time.monotonic()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return lambda: asked > -math.inf


def command(main: Callable[[], int]) -> NoReturn:
    """Run the `main` of a command and exit with its code, or with INTERRUPTED after a signal."""
    end_by_signals()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def run(
    command: Sequence[str | Path],
    *,
    input: str | None = None,
    timeout: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Do what subprocess.run does with text, and leave nothing running.

    Whatever the program has started ends with it when `timeout` (seconds) is over or a signal
    comes. So it has a process group of its own, and can't read from the terminal.
    """
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    process: subprocess.Popen[str] | None = None
    try:
        with _held_back():
            process = subprocess.Popen(command, process_group=0, stdin=stdin, text=True, **options)
        out, err = process.communicate(input, timeout)
    except BaseException:
        if process:
            _end(process)
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def _held_back() -> Iterator[None]:
    """Let a signal wait: an exception inside of Popen would leave a program that nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.signal(n, lambda number, _: came.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def run_to_its_end(command: Sequence[str | Path], cwd: Path) -> int:
    """Run a program that tidies up itself and return its code: a signal is passed on to it."""
    with subprocess.Popen(command, cwd=cwd) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.terminate()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process group: first asked, then, PATIENCE seconds later at most, killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
