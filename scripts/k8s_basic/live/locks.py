"""Locks on the cluster, between processes: most tests share it, some have it for themselves.

All are files in the folder that the processes of a run share. The system takes the locks back from
a process that ends, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def cluster_lock(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the cluster while the block runs: beside others, or `exclusive` of all others.

    One exclusive test waits until all sharers have left. If new ones could come in meanwhile, it
    might wait for ever; so it keeps the entrance locked, through which everybody goes.
    """
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    with (folder / "entrance.lock").open("a") as entrance, (folder / "cluster.lock").open("a") as c:
        fcntl.flock(entrance, mode)
        fcntl.flock(c, mode)
        if not exclusive:
            fcntl.flock(entrance, fcntl.LOCK_UN)
        yield


@contextmanager
def exclusive_lock(folder: Path, part: str) -> Iterator[None]:
    """Hold one part of the cluster, which tests call by the same name, exclusive of each other.

    To be taken while the cluster is shared: tests that do not name this part go on.
    """
    with (folder / f"{part}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
