"""Callouts: where a field's path leads, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import callouts
from k8s_basic.content.pages import Page, read_pages

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


def page_with(root: Path, example: str) -> Page:
    """A page that shows an example."""
    file = root / "docs" / "en" / "a" / "page.md"
    file.parent.mkdir(parents=True)
    file.write_text(f'# Page {{#page}}\n\n```yaml\n--8<-- "{example}"\n```\n', encoding="utf-8")
    return Page(root, file)


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


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (f"- path: spec.port\n{BOTH}", "Service/web has no spec.port; did you mean spec.ports?"),
        (f"- path: spec.ports.2\n{BOTH}", "Service/web has no spec.ports.2"),
        (f"- in: Service/wep\n  path: spec\n{BOTH}", "no Service/wep; did you mean Service/web?"),
        ("- path: metadata.name\n  ko: 말.\n", "metadata.name has a text in one language only"),
        ("- path: metadata.name\n  ko: 말. [WL-1]\n  en: W.\n", "a claim id does not belong"),
        ('- path: metadata.name\n  ko: 말.\n  en: "[W](x)."\n', "words and code spans only"),
        ("- path: metadata.name\n  ko: 말.\n  en: Open `code.\n", "words and code spans only"),
        (f"- line: 3\n{BOTH}", "an entry has 'path', 'ko', 'en'"),
        ("- spec\n", "an entry has 'path', 'ko', 'en'"),
    ],
)
def test_entry_that_does_not_fit_is_a_problem_on_its_line(
    root: Path, text: str, wrong: str
) -> None:
    write(root, f"- path: spec\n{BOTH}{text}")
    (problem,) = callouts.callout_problems(root, [page_with(root, "a/web.yaml")])
    assert str(problem).startswith("docs/callouts/a/web.yaml:4: ")
    assert wrong in problem.text
    assert [c.path for c in callouts.read(root, "a/web.yaml")] == ["spec"], "the others remain"


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]\n", "path: spec\n", "- path: 'spec\n"])
def test_file_without_entries_is_a_problem(root: Path, text: str) -> None:
    write(root, text)
    (problem,) = callouts.callout_problems(root, [page_with(root, "a/web.yaml")])
    assert "a list of entries" in problem.text or "this is no YAML" in problem.text
    assert callouts.read(root, "a/web.yaml") == []


def test_file_for_an_example_that_is_not_there_or_not_shown_is_a_problem(root: Path) -> None:
    write(root, f"- path: spec\n{BOTH}", "a/wep.yaml")
    write(root, f"- path: spec\n{BOTH}")
    texts = [str(problem) for problem in callouts.callout_problems(root, [])]
    assert any("there is no examples/a/wep.yaml" in text for text in texts)
    assert any("no page shows examples/a/web.yaml" in text for text in texts)


def test_every_callout_of_this_repository_fits_its_example() -> None:
    assert list(callouts.callout_problems(ROOT, read_pages(ROOT))) == []
    for file in (ROOT / callouts.FOLDER).rglob("*.yaml"):
        example = file.relative_to(ROOT / callouts.FOLDER).as_posix()
        lines = (EXAMPLES / example).read_text(encoding="utf-8").split("\n")
        for callout in callouts.read(ROOT, example):
            *_, key = callouts.keys_of(callout.path)
            assert key in lines[callout.first] or str(key).isdigit(), callout.path
