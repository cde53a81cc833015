"""What git says of the commit that a run was of, and of what was edited since."""

from __future__ import annotations

import subprocess
from pathlib import Path

# What a live run rests on. Pages are judged by their sentences' hashes, so that a slip of the pen
# elsewhere on a page doesn't make a run worthless.
RESTS_ON = (
    "examples",
    "scripts/k8s_basic/cluster",
    "scripts/k8s_basic/packages",
    "scripts/k8s_basic/versions.yaml",
    "scripts/k8s_basic/live",
    "tests/live",
)
UNKNOWN = "0" * 40


def state(root: Path) -> tuple[str, bool]:
    """Return the commit that is checked out, and whether what a run rests on differs from it.

    Where git can't tell, the commit is `UNKNOWN` and all counts as edited.
    """
    commit = _git(root, "rev-parse", "HEAD")
    return (commit[0] if commit else UNKNOWN), edited_since(root, "HEAD") != []


def edited_since(root: Path, commit: str) -> list[str] | None:
    """Return the files below `RESTS_ON` that differ from a commit; None where git can't tell."""
    tracked = _git(root, "diff", "--name-only", commit, "--", *RESTS_ON)
    new = _git(root, "ls-files", "--others", "--exclude-standard", "--", *RESTS_ON)
    return None if tracked is None or new is None else sorted({*tracked, *new})


def _git(root: Path, *args: str) -> list[str] | None:
    command = ["git", "-c", "core.quotePath=false", *args]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return None if done.returncode else done.stdout.splitlines()
