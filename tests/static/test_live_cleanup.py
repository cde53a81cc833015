"""What a run is about to make is in its journal, and goes when the cluster stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8s_basic.live.cleanup import CleanupJournal


def test_noted_namespaces_are_deleted_once_and_forgotten(tmp_path: Path) -> None:
    orders: list[list[str]] = []

    def run(command: list[str], **_: Any) -> None:
        orders.append(command)

    CleanupJournal(tmp_path).note("b", "a")
    CleanupJournal(tmp_path).note("a", "c")
    CleanupJournal(tmp_path).forget("c")
    for _ in range(2):
        CleanupJournal(tmp_path).clean_up(Path("kubectl"), {}, run)
    delete = ["kubectl", "delete", "namespace", "--ignore-not-found", "--wait=false"]
    assert orders == [[*delete, "a", "b"]]
