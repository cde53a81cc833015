"""Which examples a namespace lets in that grants little: the list that a live test keeps true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from . import forms
from .fields import Found
from .problems import Problem

FILE = "tests/live/restrictions.yaml"
RECORD = "./scripts/test --live --record tests/live/security/test_pod_security.py"
HEADER = """\
# yamllint disable rule:line-length
# Whether a namespace lets an example in: one with Pod Security level baseline or restricted, and,
# under `namespace`, for somebody who has the ClusterRole admin there and no more rights.
# Those with `null` are refused there for other reasons. This file is written by
# ./scripts/test --live --record tests/live/security/test_pod_security.py
"""
COLUMNS = ("baseline", "restricted", "namespace")

Verdicts = dict[str, dict[str, bool]]


def read(root: Path) -> Verdicts:
    """Return example → column → whether it's let in; without those that nobody could judge."""
    return {name: verdict for name, verdict in _listed(_text(root))[0].items() if verdict}


def write(root: Path, verdicts: Verdicts) -> None:
    """Keep what a live run found out, and which examples it could not judge."""
    lines = dict.fromkeys(_examples(root)) | verdicts
    text = yaml.safe_dump(lines, default_flow_style=None, width=1000)
    (root / FILE).write_text(HEADER + text, encoding="utf-8")


def restriction_problems(root: Path) -> Iterator[Problem]:
    """Yield a problem for each example without a line in the list, and each line without one."""
    text, examples = _text(root), _examples(root)
    listed, wrong = _listed(text)
    for name in examples - listed.keys() if not wrong else ():
        yield Problem(f"examples/{name}", 1, f"{FILE} has no line on this file; run {RECORD}")
    for name in listed.keys() - examples:
        wrong.append((forms.line(text, [name]), f"there is no examples/{name}; run {RECORD}"))
    yield from (Problem(FILE, *found) for found in wrong)


def _examples(root: Path) -> set[str]:
    folder = root / "examples"
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")}


def _text(root: Path) -> str:
    file = root / FILE
    return file.read_text(encoding="utf-8") if file.exists() else "{}"


def _listed(text: str) -> tuple[dict[str, dict[str, bool] | None], list[Found]]:
    listed, wrong = forms.read(text, "restrictions")
    return {} if wrong else listed, wrong
