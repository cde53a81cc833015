"""The map of the lecture notes leaves nothing out, and generated tables show what YAML says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.inventory import FILE, ids, inventory_problems, read
from k8s_basic.content.pages import read_pages
from k8s_basic.site.marks import Evidence, Sheet
from k8s_basic.site.tables import glossary_table, inventory_table

PAGE = """\
---
title: {title}
description: Something.
minutes: 5
---
# Pod {{#pod}}

```yaml
--8<-- "workloads/pod.yaml"
```

It runs. [WL-3]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one lesson that all of the notes went to."""
    for language in ("ko", "en"):
        page = tmp_path / "docs" / language / "workloads" / "pod.md"
        page.parent.mkdir(parents=True)
        page.write_text(PAGE.format(title=f"Pod {language}"), encoding="utf-8")
    entry = {"ko": "노트", "en": "a <note>", "pages": ["workloads/pod"]}
    items = [{"id": name, **entry} for name in ids()]
    items[0] |= {"pages": ["workloads/pod#pod"], "example": "workloads/pod.yaml",
                 "claims": ["WL-3"]}  # fmt: skip
    write(tmp_path, {"items": items})
    return tmp_path


def write(root: Path, content: object) -> None:
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (root / FILE).write_text(text, encoding="utf-8")


def found(root: Path) -> list[str]:
    return [str(problem) for problem in inventory_problems(root, read_pages(root))]


def test_the_notes_are_mapped_whole() -> None:
    entries, _ = read(ROOT)
    assert sorted(entry.id for entry in entries) == sorted(ids())
    assert len(ids()) == 107


def test_inventory_in_order_has_no_problem(tree: Path) -> None:
    assert found(tree) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "N9.1"}, "N0.1 of the notes is missing"),
        ({"id": "N0.2"}, "N0.2 stands twice"),
        ({"pages": []}, "no page"),
        ({"pages": ["workloads/pods"]}, "did you mean workloads/pod?"),
        ({"pages": ["workloads/pod#who"]}, "no heading {#who}"),
        ({"example": "workloads/pods.yaml"}, "did you mean workloads/pod.yaml?"),
        ({"claims": ["WL-4"]}, "none of its pages has the mark [WL-4]"),
        ({"claim": ["WL-3"]}, "not as its first lines say"),
    ],
)
def test_mistake_is_refused(tree: Path, change: dict[str, object], words: str) -> None:
    items = yaml.safe_load((tree / FILE).read_text(encoding="utf-8"))["items"]
    items[0] |= change
    write(tree, {"items": items})
    assert any(words in problem for problem in found(tree))


def test_pending_page_is_taken_until_it_exists(tree: Path) -> None:
    items = yaml.safe_load((tree / FILE).read_text(encoding="utf-8"))["items"]
    items[0] |= {"pages": ["config/secret"], "claims": ["CF-1"]}
    write(tree, {"pending": ["config/secret"], "items": items})
    assert found(tree) == []

    write(tree, {"pending": ["config/secret", "workloads/pod"], "items": items})
    [problem] = found(tree)
    assert "workloads/pod exists now; remove it from 'pending'" in problem


@pytest.mark.parametrize(("language", "prefix"), [("ko", ""), ("en", "en/")])
def test_inventory_links_lesson_example_and_claim(tree: Path, language: str, prefix: str) -> None:
    evidence = Evidence(tree, [], {}, {}, read_pages(tree), {}, {})
    page = "reference/inventory"
    table = inventory_table(Sheet(evidence, language, page, f"{prefix}{page}/", ""))

    assert table.count("<tr id=") == len(ids())
    assert f'<a href="../../workloads/pod/#pod">Pod {language}</a>' in table
    assert 'examples/workloads/pod.yaml">pod.yaml</a>' in table
    assert '<a href="../../workloads/pod/#wl-3">WL-3</a>' in table
    assert "<note>" not in table


def test_glossary_shows_every_term(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    terms = [{"ko": "노드", "en": "node", "note": "A"}, {"ko": "Pod", "en": "Pod", "note": "B | C"}]
    content = {"meanings": {"node": {"ko": "서버", "en": "a machine"}}, "terms": terms}
    (tmp_path / "docs/glossary.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert glossary_table(tmp_path, "ko").split("\n") == [
        "| 한국어 | 영어 | 뜻 |",
        "| --- | --- | --- |",
        "| 노드 | node | 서버 |",
        "| Pod | Pod | B &#124; C |",
    ]
    assert "| node | a machine |" in glossary_table(tmp_path, "en")
