"""What a run made is noted before it is made, and removed when the cluster stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8s_basic.live.ledger import Ledger


def test_noted_namespaces_are_deleted_once_and_forgotten(tmp_path: Path) -> None:
    orders: list[list[str]] = []

    def run(command: list[str], **_: Any) -> None:
        orders.append(command)

    Ledger(tmp_path).note("b", "a")
    Ledger(tmp_path).note("a", "c")
    Ledger(tmp_path).forget("c")
    Ledger(tmp_path).settle(Path("kubectl"), {}, run)
    Ledger(tmp_path).settle(Path("kubectl"), {}, run)

    delete = ["kubectl", "delete", "namespace", "--ignore-not-found", "--wait=false"]
    assert orders == [[*delete, "a", "b"]]
    assert Ledger(tmp_path).names() == []
