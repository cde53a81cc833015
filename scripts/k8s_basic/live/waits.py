"""`./scripts/waits`: where the time of the last live run went."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from ..evidence.record import newest
from ..evidence.states import EvidenceError

SHOWN = 12  # tests in the table


def chain(test: dict[str, Any]) -> float:
    """Return the seconds of one test that no speed could save: its holds, one after the other."""
    return float(sum(w["seconds"] for w in test["waits"] if w["wait"] == "stays"))


def waited(test: dict[str, Any]) -> float:
    """Return the seconds that one test waited."""
    return float(sum(w["seconds"] for w in test["waits"]))


def main() -> int:
    """Print the figures; return 1 when there is no run to speak of."""
    try:
        run = newest()
    except EvidenceError as problem:
        print(f"error: {problem}")
        return 1
    if not run:
        print("no live run has left evidence yet; run ./scripts/test --live")
        return 1
    last = [t for t in run["tests"] if t["date"] >= run["started"]]  # others are of earlier runs
    tests = sorted(last, key=waited, reverse=True)
    table = Table("test", "seconds", "waited", "of it holds")
    for test in tests[:SHOWN]:
        name = test["test"].removeprefix("tests/live/")
        figures = (test["seconds"], waited(test), chain(test))
        table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    console = Console()
    console.print(table)
    total, longest = sum(map(waited, tests)), max(map(chain, tests), default=0.0)
    console.print(
        f"wall time of the run {run['seconds']:.0f} s, with the cluster's; sum of all waits "
        f"{total:.0f} s; longest chain of unavoidable holds {longest:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
