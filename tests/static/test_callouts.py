"""Callouts: where a field's path leads, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import callouts
from k8s_basic.content.fields import keys_of
from k8s_basic.content.pages import read_pages

MANIFEST = """\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    example.com/a.b: "on"
spec:
  ports:
    - name: http
      port: 80
    - name: admin
      port: 81
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: text
data:
  lines: |
    one
    two
  last: "3"
"""
BOTH = "  ko: 말.\n  en: Word.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one example and no callout yet."""
    (tmp_path / "examples" / "a").mkdir(parents=True)
    (tmp_path / "examples" / "a" / "web.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def write(root: Path, text: str, name: str = "a/web.yaml") -> None:
    file = root / callouts.FOLDER / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("- path: metadata.name\n", "  name: web"),
        ("- path: metadata.annotations[example.com/a.b]\n", '    example.com/a.b: "on"'),
        ("- path: spec.ports\n", "  ports:"),
        ("- path: spec.ports.0\n", "    - name: http"),
        ("- path: spec.ports.1.port\n", "      port: 81"),
        ("- in: ConfigMap/text\n  path: data.last\n", '  last: "3"'),
    ],
)
def test_path_leads_to_the_line_on_which_the_field_begins(
    root: Path, place: str, line: str
) -> None:
    write(root, place + BOTH)
    (found,) = callouts.read(root, "a/web.yaml")
    assert MANIFEST.split("\n")[found.first] == line
    assert found.last == found.first
    assert found.text == {"ko": "말.", "en": "Word."}


def test_document_is_named_where_the_file_has_several(root: Path) -> None:
    write(root, f"- path: spec.ports\n{BOTH}")
    assert [c.document for c in callouts.read(root, "a/web.yaml")] == ["Service/web"]
    example = root / "examples" / "a" / "web.yaml"
    example.write_text(MANIFEST.partition("---")[0], encoding="utf-8")
    assert [c.document for c in callouts.read(root, "a/web.yaml")] == [""]


def test_field_without_texts_is_highlighted_as_a_whole(root: Path) -> None:
    write(root, "- in: ConfigMap/text\n  path: data.lines\n")
    (found,) = callouts.read(root, "a/web.yaml")
    assert MANIFEST.split("\n")[found.first : found.last + 1] == [
        "  lines: |", "    one", "    two"
    ]  # fmt: skip
    assert callouts.said(root, "a/web.yaml") == []


def test_callouts_come_in_the_order_of_the_lines(root: Path) -> None:
    write(root, f"- path: spec.ports\n{BOTH}- path: metadata.name\n{BOTH}")
    assert [c.path for c in callouts.read(root, "a/web.yaml")] == ["metadata.name", "spec.ports"]


def test_entries_that_fit_remain_beside_one_that_does_not(root: Path) -> None:
    write(root, f"- path: spec\n{BOTH}- path: spec.port\n{BOTH}")
    assert [c.path for c in callouts.read(root, "a/web.yaml")] == ["spec"]


def test_every_callout_of_this_repository_fits_its_example() -> None:
    assert list(callouts.callout_problems(ROOT, read_pages(ROOT))) == []
    for file in (ROOT / callouts.FOLDER).rglob("*.yaml"):
        example = file.relative_to(ROOT / callouts.FOLDER).as_posix()
        lines = (EXAMPLES / example).read_text(encoding="utf-8").split("\n")
        for callout in callouts.read(ROOT, example):
            *_, key = keys_of(callout.path)
            assert key in lines[callout.first] or str(key).isdigit(), callout.path
