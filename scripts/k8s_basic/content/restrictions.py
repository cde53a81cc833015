"""Which examples a namespace lets in that grants little: the list that a live test keeps true."""

from __future__ import annotations

from pathlib import Path

import yaml

FILE = "tests/live/restrictions.yaml"
HEADER = """\
# Whether a namespace lets an example in: one with Pod Security level baseline or restricted, and,
# under `namespace`, for somebody who has the ClusterRole admin there and no more rights.
# Written by ./scripts/test --live --record tests/live/security/test_pod_security.py
# yamllint disable rule:line-length
"""
COLUMNS = ("baseline", "restricted", "namespace")

Verdicts = dict[str, dict[str, bool]]


def read(root: Path) -> Verdicts:
    """Return example → column → whether it's let in."""
    return yaml.safe_load((root / FILE).read_text(encoding="utf-8")) or {}


def write(root: Path, verdicts: Verdicts) -> None:
    """Keep what a live run found out."""
    text = yaml.safe_dump(verdicts, default_flow_style=None, width=120)
    (root / FILE).write_text(HEADER + text, encoding="utf-8")
