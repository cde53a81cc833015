"""The repository's own Python and YAML is in form."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from k8s_basic import ROOT

# its module run with -m would do nothing, and end well
ARROWS = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet", "scripts", "tests"],
        ["ruff", "format", "--quiet", "--diff", "scripts", "tests"],
        ["mypy", "--no-error-summary"],
        ["yamllint", "--strict", "."],
    ],
    ids=lambda command: "-".join(command[:2]).rstrip("-"),
)
def test_tool_has_no_complaint(command: list[str]) -> None:
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def arrows(root: Path) -> subprocess.CompletedProcess[str]:
    """Judge the imports of the package that lies in `root`, by its pyproject.toml."""
    env = {**os.environ, "PYTHONPATH": str(root / "scripts")}
    return subprocess.run(ARROWS, cwd=root, env=env, capture_output=True, text=True, check=False)


def test_rooms_import_each_other_along_the_arrows_only() -> None:
    found = arrows(ROOT)
    assert not found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("content/claims.py", "from k8s_basic import live"),
        ("cluster/versions.py", "from k8s_basic.content import claims"),
        ("site/build.py", "from k8s_basic import mutation"),
    ],
)
def test_import_against_an_arrow_is_found(tmp_path: Path, file: str, line: str) -> None:
    shutil.copytree(ROOT / "scripts/k8s_basic", tmp_path / "scripts/k8s_basic")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "scripts/k8s_basic" / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    assert "BROKEN" in arrows(tmp_path).stdout
