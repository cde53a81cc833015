"""`./scripts/build`: the whole site as it is published, each step with its time."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .. import ROOT
from ..cluster.steps import step
from ..content.pages import read_pages
from . import cards

DEFAULT = ROOT / "build" / "site"


def main(arguments: list[str]) -> int:
    """Build into a folder and return the exit code, that of `mkdocs build` if it fails."""
    parser = argparse.ArgumentParser("./scripts/build", description=__doc__)
    parser.add_argument("--site-dir", type=Path, default=DEFAULT, help="where the site goes")
    options = parser.parse_args(arguments)
    site: Path = options.site_dir.resolve()
    with step("build the pages"):
        code = _pages(site)
    if code:
        return code
    with step("draw the cards"):
        draw_cards(ROOT, site)
    return 0


def _pages(site: Path) -> int:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run([*command, "--site-dir", str(site)], cwd=ROOT, env=env).returncode


def draw_cards(root: Path, site: Path) -> None:
    """Draw a card for each page of the repository at `root` into the built site."""
    for page in read_pages(root):
        file = site / cards.FOLDER / page.language / f"{page.name}.png"
        cards.write(file, "K8s Basic", str(page.meta["title"]), str(page.meta["description"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
