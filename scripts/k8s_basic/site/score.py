"""What the page of verified claims says of the mutants: score, counts, and each that got away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .templating import render

# Written by k8s_basic.mutation.report, which needs pytest: the build of the site does without.
REPORT = Path("build/mutation/report.json")


def told(root: Path, words: Any) -> str:
    """Return the score with its dates and counts, and the lists of what no test has noticed."""
    file = root / REPORT
    report: dict[str, Any] = {"score": None}
    if file.is_file():
        report = json.loads(file.read_text(encoding="utf-8"))
    mutants = [{"id": name, **record} for name, record in report.get("mutants", {}).items()]
    return render("score.html", report=report, mutants=mutants, words=words)
