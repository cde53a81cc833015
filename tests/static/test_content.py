"""What pages, examples, tests and the glossary say of each other holds."""

from __future__ import annotations

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content import loops
from k8s_basic.content.checks import content_problems


def test_content_has_no_problem() -> None:
    problems = content_problems(ROOT)
    if problems:
        listed = "\n".join(str(problem) for problem in problems)
        pytest.fail(f"{len(problems)} to put right:\n{listed}", pytrace=False)


def test_list_of_loops_without_a_bound_only_gets_shorter() -> None:
    listed = yaml.safe_load((ROOT / loops.FILE).read_text(encoding="utf-8"))
    assert sum(map(len, listed.values())) <= 42, "give the new loop a bound; only lower this number"
