"""ProperDocs, which goes on where MkDocs 1.x ends, makes the same site of the same sources."""

from __future__ import annotations

import re
import time
from pathlib import Path

from k8s_basic.site import build

GENERATOR = re.compile(rb'<meta name="generator" content="[^"]*">')


def contents(folder: Path) -> dict[str, bytes]:
    """Return each file of a site without the line that says what has built it."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(f.relative_to(folder)): GENERATOR.sub(b"", f.read_bytes()) for f in files}


def test_every_file_is_the_same_but_for_the_name_of_the_builder(site, tmp_path: Path) -> None:
    started = time.monotonic()
    assert build.pages(tmp_path, "properdocs", SITE_URL=site.url) == 0
    print(f"built with ProperDocs in {time.monotonic() - started:.1f} s")
    ours, theirs = contents(site.folder), contents(tmp_path)
    assert b"ProperDocs" in (tmp_path / "index.html").read_bytes(), "the other builder was asked"
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
