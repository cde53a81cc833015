"""What the commands, the site and the tests of this repository share."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
TESTS = ROOT / "tests"
BUILD = ROOT / "build"  # results and screenshots of a run; never committed


def cache_dir() -> Path:
    """Return the folder, outside the repository, for what is made once and used again.

    `K8S_BASIC_CACHE` names it; else it is `k8s-basic` in the user's cache folder (XDG).
    """
    chosen = os.environ.get("K8S_BASIC_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "k8s-basic"
