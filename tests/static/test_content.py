"""What pages, examples, tests and the glossary say of each other holds."""

from __future__ import annotations

import pytest
from k8s_basic import ROOT
from k8s_basic.content.checks import content_problems


def test_content_has_no_problem() -> None:
    problems = content_problems(ROOT)
    if problems:
        listed = "\n".join(str(problem) for problem in problems)
        pytest.fail(f"{len(problems)} to put right:\n{listed}", pytrace=False)
