"""What the page of verified claims says of the mutants: score, counts, and each that got away."""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Written by k8s_basic.mutation.report, which needs pytest: the build of the site does without.
REPORT = Path("build/mutation/report.json")
NOT_NOTICED = ("survived", "error")


def told(root: Path, words: SimpleNamespace) -> str:
    """Return the score with its dates and counts, and the lists of what no test has noticed."""
    file = root / REPORT
    report = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if report.get("score") is None:
        return str(words.no_mutation)
    counted = {**report["counted"], "not run yet": report["not run yet"]}
    counts = ", ".join(f"{n} {counted[k]}" for k, n in words.mutants.items() if counted.get(k))
    days = sorted(m["date"] for m in report["mutants"].values() if "date" in m)
    dates = " – ".join(dict.fromkeys((days[0], days[-1])))
    said = words.mutation.format(score=f"{report['score']:.1%}", dates=dates, counts=counts)
    return "".join((said, *_lists(report["mutants"], words)))


def _lists(mutants: dict[str, Any], words: SimpleNamespace) -> Iterator[str]:
    """Yield a folded list of each class that is not as it should be, and one of the equivalents."""
    for name in (*NOT_NOTICED, "equivalent"):
        by_reason: dict[str, list[str]] = defaultdict(list)
        for mutant, record in mutants.items():
            if record["class"] == name:
                # what a test said is of no use without its run; a reason was written for readers
                by_reason[record.get("reason", "")].append(f"<code>{html.escape(mutant)}</code>")
        if by_reason:
            items = "".join(_item(*pair) for pair in by_reason.items())
            # ids and reasons are in English, as in the reviewed list
            listed = f'<ul lang="en">{items}</ul>'
            yield f"<details><summary>{words.mutants[name]}</summary>{listed}</details>"


def _item(reason: str, mutants: list[str]) -> str:
    start = f"{html.escape(reason)}: " if reason else ""
    return f"<li>{start}{', '.join(mutants)}</li>"
