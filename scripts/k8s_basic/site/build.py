"""`./scripts/build`: the whole site as it is published, each step with its time."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .. import ROOT, processes
from ..content.pages import read_pages
from ..steps import step
from . import cards, plain

DEFAULT = ROOT / "build" / "site"
OFFLINE_ARCHIVE = "downloads/k8s-basic-offline.zip"
OFFLINE_README = (Path(__file__).parent / "templates" / "offline-readme.txt").read_text("utf-8")


def main(arguments: list[str]) -> int:
    """Build into a folder and return the exit code, that of `mkdocs build` if it fails."""
    parser = argparse.ArgumentParser("./scripts/build", description=__doc__)
    parser.add_argument("--site-dir", type=Path, default=DEFAULT, help="where the site goes")
    site: Path = parser.parse_args(arguments).site_dir.resolve()
    with step("build the pages"):
        code = pages(site)
    return code or later_steps(site)


def later_steps(site: Path) -> int:
    """Add to the built pages what is made of them; return the exit code of mkdocs."""
    with step("draw the cards"):
        draw_cards(ROOT, site)
    with step("pack the offline copy"):
        return pack_offline(site)


def pages(site: Path, builder: str = "mkdocs", **more: str) -> int:
    """Build the pages alone, with more variables of the environment; return the exit code."""
    command = [sys.executable, "-m", builder, "build", "--strict", "--quiet"]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", **more}
    return processes.run([*command, "--site-dir", str(site)], cwd=ROOT, env=env).returncode


def pack_offline(site: Path) -> int:
    """Pack a copy that is read from a folder into the site and return mkdocs' exit code."""
    with tempfile.TemporaryDirectory() as made:
        code = pages(Path(made), DIRECTORY_URLS="false")
        if not code:
            plain.archive(Path(made), site / OFFLINE_ARCHIVE, {"README.txt": OFFLINE_README})
    return code


def draw_cards(root: Path, site: Path) -> None:
    """Draw a card for each page of the repository at `root` into the built site."""
    for page in read_pages(root):
        file = site / cards.address("", page.language, page.name)
        cards.write(file, "K8s Basic", str(page.meta["title"]), str(page.meta["description"]))


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
