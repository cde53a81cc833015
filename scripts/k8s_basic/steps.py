"""Steps that say what they do and how long it took, and commands that fail in one sentence."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import Signals

from . import processes
from .errors import ClusterError

HEARTBEAT = 30.0  # seconds between two signs of life of a long step


def say(text: str) -> None:
    """Print a line of progress at once, on stderr, so that output of commands stays clean."""
    print(text, file=sys.stderr, flush=True)


def _beat(what: str, started: float, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT):
        say(f"  … {what}: {time.monotonic() - started:.0f} s")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce `what`, show that it is alive each 30 seconds, and print its time in seconds."""
    started, done = time.monotonic(), threading.Event()
    say(f"• {what}")
    threading.Thread(target=_beat, args=(what, started, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
    say(f"  {what}: {time.monotonic() - started:.1f} s")


def run(
    *command: str | Path,
    what: str = "",
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    words: Callable[[str], str] | None = None,
) -> str:
    """Run a command and return its standard output.

    `timeout` is in seconds. Raises ClusterError with the command's last words when it fails,
    is missing or takes too long; `what` names the failing thing in that sentence, and `words`
    picks what matters from output whose last lines do not say it.
    """
    args = [str(part) for part in command]
    what = what or " ".join(args[:3])
    try:
        done = processes.run(
            args, input=stdin, env=env, cwd=cwd, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        raise ClusterError(f"{what}: the program {args[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{what}: no end after {timeout:.0f} s") from None
    if done.returncode:
        ended = (
            f"was ended by {Signals(-done.returncode).name}" if done.returncode < 0 else "failed"
        )
        raise ClusterError(f"{what} {ended}: {(words or last_words)(done.stderr or done.stdout)}")
    return done.stdout


def last_words(text: str, lines: int = 6) -> str:
    """Return the last lines of a command's output, which is where tools say what went wrong."""
    if "no space left on device" in text.lower():  # Go writes a small n, libc a capital one
        return "no space left on the disk; free some and run again"
    return "\n  ".join(text.strip().splitlines()[-lines:]) or "it said nothing"


def digest(*parts: str | bytes | Path | Sequence[str]) -> str:
    """Return a short hash of texts, files and folders: the key under which a result is cached."""
    total = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            total.update(piece)
            total.update(b"\0")
    return total.hexdigest()[:12]


def _pieces(part: str | bytes | Path | Sequence[str]) -> Iterator[bytes]:
    if isinstance(part, Path):
        files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
        for file in files:
            yield str(file.relative_to(part.parent)).encode()
            yield file.read_bytes()
    elif isinstance(part, bytes):
        yield part
    elif isinstance(part, str):
        yield part.encode()
    else:
        yield from (item.encode() for item in part)
