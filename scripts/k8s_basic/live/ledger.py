"""The namespaces that a run made, so that an interrupted one leaves none on a kept cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

STRUCK = "-"  # no namespace's name begins with it
DELETE = 60.0  # seconds in which the API server takes the orders to delete


class Ledger:
    """A file beside the cluster, in which every process of a run notes before it makes."""

    def __init__(self, folder: Path):
        """`folder` is the one in which the run's workers take turns."""
        self.file = folder / "namespaces"

    def note(self, *names: str) -> None:
        """Note namespaces that are about to be made."""
        with self.file.open("a", encoding="utf-8") as lines:
            lines.writelines(f"{name}\n" for name in names)  # one write: processes do not mix

    def forget(self, *names: str) -> None:
        """Strike out namespaces whose deletion the API server has taken on."""
        self.note(*(f"{STRUCK}{name}" for name in names))

    def names(self) -> list[str]:
        """Return every name that was noted and not struck out, each once."""
        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        noted = set(text.split())
        return sorted(n for n in noted if not n.startswith(STRUCK) and f"{STRUCK}{n}" not in noted)

    def settle(
        self, kubectl: Path, env: dict[str, str], run: Callable[..., Any] = subprocess.run
    ) -> None:
        """Order the deletion of what was noted and is still there, and forget it."""
        names = self.names()
        if names:
            order = ("delete", "namespace", "--ignore-not-found", "--wait=false", *names)
            run([str(kubectl), *order], env=env, capture_output=True, timeout=DELETE, check=False)
        self.file.unlink(missing_ok=True)
