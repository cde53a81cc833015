"""Tables of a page can be read, to be compared with the cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic.content import tables

PAGE = """\
---
title: Lesson
description: A lesson.
minutes: 5
---

# Lesson {#lesson}

| `elsewhere` | 1 |

## Fields {#fields}

| Field | Default | Meaning |
|---|---|---|
| `periodSeconds` | 10 | how often `it` asks [AB-1] |
| plain | 3 | not a name in code |
| `timeoutSeconds` | 1 | how long |

## Types {#types}

| `type` | Meaning |
|---|---|
| [`ClusterIP`](clusterip.md) (default, 기본값) | inside |
| [`NodePort`](nodeport.md) | outside |
| `Headless` and more | not a name alone |
| `None` | 기본값, default |
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for code in ("ko", "en"):
        file = tmp_path / "docs" / code / "topic" / "lesson.md"
        file.parent.mkdir(parents=True)
        file.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    return tmp_path


def test_rows_that_begin_with_a_name_in_code_are_read_in_both_languages(root: Path) -> None:
    rows = {
        "periodSeconds": ["10", "how often `it` asks"],
        "timeoutSeconds": ["1", "how long"],
    }
    assert tables.coded_rows("topic/lesson", "fields") == {"ko": rows, "en": rows}


def test_name_may_be_a_link_and_have_a_remark_in_brackets(root: Path) -> None:
    rows = {"ClusterIP": ["inside"], "NodePort": ["outside"], "None": ["기본값, default"]}
    assert tables.coded_rows("topic/lesson", "types") == {"ko": rows, "en": rows}


def test_rows_that_say_default_are_found(root: Path) -> None:
    defaults = {"ClusterIP", "None"}
    assert tables.default_rows("topic/lesson", "types") == {"ko": defaults, "en": defaults}


def test_table_that_is_not_there_is_an_error(root: Path) -> None:
    with pytest.raises(LookupError, match="#nowhere"):
        tables.coded_rows("topic/lesson", "nowhere")
