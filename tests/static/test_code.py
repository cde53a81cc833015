"""The repository's own Python and YAML is in form."""

from __future__ import annotations

import subprocess
import sys

import pytest
from k8s_basic import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet", "scripts", "tests"],
        ["ruff", "format", "--quiet", "--diff", "scripts", "tests"],
        ["mypy", "--no-error-summary"],
        ["importlinter.cli", "lint-imports"],
        ["yamllint", "--strict", "."],
    ],
    ids=lambda command: "-".join(command[:2]).rstrip("-"),
)
def test_tool_has_no_complaint(command: list[str]) -> None:
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
