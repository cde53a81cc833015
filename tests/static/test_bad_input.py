"""Each mistake that a writer can make is refused, with the file and the line of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.checks import content_problems
from k8s_basic.content.in_step import FOLDER

KO, EN = "docs/ko/workloads/pod.md", "docs/en/workloads/pod.md"
EXAMPLE = "examples/workloads/pod/pod.yaml"
_LISTED = (ROOT / "tests/static/mistakes.yaml").read_text(encoding="utf-8")
MISTAKES = [
    pytest.param(name, mistake, id=mistake["mistake"])
    for name, mistakes in yaml.load(_LISTED, yaml.CSafeLoader).items()
    for mistake in mistakes
]


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def plant(root: Path, name: str, mistake: dict[str, Any]) -> None:
    """Make a mistake of mistakes.yaml in the file `name`."""
    file = root / name
    if "old" in mistake:
        edit(root, name, mistake["old"], mistake["new"])
    elif "new" in mistake:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(mistake["new"], encoding="utf-8")
    else:
        file.rename(root / mistake.get("move", "removed"))


def found(root: Path) -> list[str]:
    """Return what is wrong; that nobody has confirmed the text is not the mistake looked for."""
    problems = [str(problem) for problem in content_problems(root)]
    return [problem for problem in problems if not problem.endswith(f"commit {FOLDER}")]


def test_the_small_repository_is_in_order(tree: Path) -> None:
    assert found(tree) == []


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_mistake_is_refused_in_one_sentence(tree: Path, name: str, mistake: dict[str, Any]) -> None:
    plant(tree, name, mistake)
    place = str(mistake["at"]) if ":" in str(mistake["at"]) else f"{name}:{mistake['at']}"
    problems = found(tree)
    told = [p for p in problems if p.startswith(f"{place}: ") and mistake["says"] in p]
    assert len(told) == 1, "\n".join(["", *problems])
    assert "\n" not in told[0]


@pytest.mark.parametrize(
    "text",
    [
        "- an item\n\n      of two paragraphs",
        "Code `kubectl get <name>` and ``a ` [b](c)`` stay, 파드 in `파드` too.",
        "| a | b |\n|---|---|\n| `[x][y]` | 1 < 2 |",
        '=== "Linux"\n\n    ```bash\n    ls\n    ```',
        '!!! warning "Look"\n\n    Text.',
        "```bash\ntimeout 60 sh -c '\nuntil ls; do ls; done'\nls | while read a; do ls; done\n```",
    ],
)
def test_what_is_in_order_is_not_refused(tree: Path, text: str) -> None:
    for name in (KO, EN):
        edit(tree, name, "\n## ", f"\n{text}\n\n## ".replace(", 파드 in", ", in"))
    assert found(tree) == []


def build(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(root / "site")]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_strict_build_takes_what_is_in_order(tree: Path) -> None:
    done = build(tree)
    assert done.returncode == 0, done.stderr
    assert (tree / "site" / EXAMPLE).read_bytes() == (tree / EXAMPLE).read_bytes()


def test_strict_build_refuses_mistakes_and_names_them_all(tree: Path) -> None:
    edit(tree, KO, "[WL-12]", "[WL-13]")
    edit(tree, EN, "kubectl get pod", "kubectl get  pod")
    done = build(tree)
    assert done.returncode != 0
    for where in (f"{KO}:20:", f"{EN}:22:"):
        assert where in done.stderr, done.stderr


def test_topic_without_a_page_of_results_is_told(tree: Path) -> None:
    for language in ("ko", "en"):
        page = tree / "docs" / language / "verified" / "network.md"
        page.parent.mkdir()
        head = "---\ntitle: Results\ndescription: Results.\nminutes: 1\n---\n"
        page.write_text(f"{head}# Results {{#network}}\n", encoding="utf-8")
    problems = [str(problem) for problem in content_problems(tree, wording=False)]
    expected = "docs/ko/workloads/pod.md:1: marks lead to docs/ko/verified/workloads.md"
    assert any(problem.startswith(expected) for problem in problems)
