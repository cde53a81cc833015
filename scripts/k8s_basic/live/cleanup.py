"""The namespaces that a run made, so that an interrupted one leaves none on a kept cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

DELETED = "-"  # stands before the name of a namespace that is gone; no name begins with it
TIMEOUT = 60.0  # seconds in which the API server takes the orders to delete


class CleanupJournal:
    """A file beside the cluster, in which every process of a run notes what it is about to make."""

    def __init__(self, folder: Path):
        """`folder` is the one that the processes of the run share."""
        self.file = folder / "namespaces"

    def note(self, *names: str) -> None:
        """Note namespaces that are about to be made."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}\n" for name in names))  # one write: processes don't mix

    def forget(self, *names: str) -> None:
        """Note that the API server has taken on the deletion of these namespaces."""
        self.note(*(f"{DELETED}{name}" for name in names))

    def names(self) -> list[str]:
        """Return every name that was noted and not forgotten, sorted."""
        noted = set(self.file.read_text(encoding="utf-8").split() if self.file.exists() else ())
        return sorted(n for n in noted if n[0] != DELETED and f"{DELETED}{n}" not in noted)

    def clean_up(
        self, kubectl: Path, env: dict[str, str], run: Callable[..., Any] = subprocess.run
    ) -> None:
        """Order the deletion of what was noted and is still there, and begin a new journal.

        Raises TimeoutExpired when the API server is too slow to take the order.
        """
        if names := self.names():
            order = ("delete", "namespace", "--ignore-not-found", "--wait=false", *names)
            run([str(kubectl), *order], env=env, capture_output=True, timeout=TIMEOUT, check=False)
        self.file.unlink(missing_ok=True)
