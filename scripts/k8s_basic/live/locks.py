"""Which tests may run beside which: sharers together, an exclusive test alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the cluster as one of many, or `alone`; works between processes.

    A test that wants the cluster alone closes the gate first, so that a stream of others cannot
    keep it waiting for ever.
    """
    mode = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with (folder / "gate").open("a") as gate, (folder / "turn").open("a") as place:
        fcntl.flock(gate, mode)
        fcntl.flock(place, mode)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def apart(folder: Path, name: str) -> Iterator[None]:
    """Hold the part of the cluster called `name`, one test at a time; works between processes.

    To be taken inside one's turn: the others go on beside it.
    """
    with (folder / f"apart-{name}").open("a") as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
