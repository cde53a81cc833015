"""The repository's own Python and YAML is in form."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from k8s_basic import ROOT

CHECKERS = ("ruff check", "ruff format", "mypy", "yamllint")  # see conftest.py
# its module run with -m would do nothing, and end well
ARROWS = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]


@pytest.mark.parametrize("name", CHECKERS)
def test_tool_has_no_complaint(name: str, checkers: dict[str, subprocess.Popen[str]]) -> None:
    out, err = checkers[name].communicate()
    if checkers[name].returncode:
        pytest.fail(out + err, pytrace=False)


def arrows(root: Path) -> subprocess.CompletedProcess[str]:
    """Judge the imports of the package that lies in `root`, by its pyproject.toml."""
    env = {**os.environ, "PYTHONPATH": str(root / "scripts")}
    return subprocess.run(ARROWS, cwd=root, env=env, capture_output=True, text=True, check=False)


def test_rooms_import_each_other_along_the_arrows_only() -> None:
    found = arrows(ROOT)
    assert not found.returncode, found.stdout + found.stderr


def test_import_against_each_arrow_is_found(tmp_path: Path) -> None:
    package = shutil.copytree(ROOT / "scripts/k8s_basic", tmp_path / "scripts/k8s_basic")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in (
        ("content/claims.py", "from k8s_basic import live"),
        ("cluster/kind.py", "from k8s_basic.content import claims"),
        ("packages/image.py", "from k8s_basic.cluster import kind"),
        ("live/lab.py", "from k8s_basic.packages import toolchain"),
        ("site/build.py", "from k8s_basic import mutation"),
    ):
        with (package / file).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")
    found = arrows(tmp_path).stdout
    assert "0 kept, 5 broken" in found
    for arrow in ("content.claims -> k8s_basic.live", "site.build -> k8s_basic.mutation"):
        assert f"k8s_basic.{arrow}" in found
