"""docs/in-step knows which texts were seen to say the same in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content import bilingual, confirm
from k8s_basic.content.in_step import FOLDER, drift_problems, read_record
from k8s_basic.content.pages import read_pages

KO, EN = "docs/ko/workloads/pod.md", "docs/en/workloads/pod.md"
WHY = "./scripts/confirm workloads/pod#why"
BOTH = f"run ./scripts/confirm and commit {FOLDER}"


@pytest.fixture(autouse=True)
def confirmed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "ROOT", tree)
    assert confirm.main([]) == 0
    assert found(tree) == []


def found(tree: Path) -> list[str]:
    return [str(problem) for problem in drift_problems(tree, read_pages(tree))]


def edit(tree: Path, name: str, old: str, new: str) -> None:
    text = (tree / name).read_text(encoding="utf-8")
    assert old in text
    (tree / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("mine", "other"), [(KO, f"{EN}:18"), (EN, f"{KO}:18")])
def test_text_that_changed_in_one_language_is_named_with_the_other(
    tree: Path, mine: str, other: str
) -> None:
    edit(tree, mine, ". [WL-12]", " 다시 again. [WL-12]")
    said = f"this text changed and {other} did not; change that one too, or run {WHY}"
    assert found(tree) == [f"{mine}:18: {said}"]
    assert confirm.main([]) == 1, "nobody but a reader knows whether the other had to change"
    assert confirm.main(["workloads/pod#pot"]) == 2
    assert found(tree) != []
    assert confirm.main(["workloads/pod#why"]) == 0
    assert found(tree) == []


def test_nothing_is_confirmed_before_somebody_says_so(tree: Path) -> None:
    before = read_record(tree)
    edit(tree, KO, "Pod가 응답", "Pod는 곧 응답")
    edit(tree, EN, "The Pod answers", "The Pod soon answers")
    [problem] = found(tree)
    assert problem.startswith(f"{KO}:6: ")
    assert problem.endswith(BOTH)
    assert read_record(tree) == before
    assert confirm.main([]) == 0
    assert found(tree) == []


def test_renamed_section_is_gone_and_new(tree: Path) -> None:
    for name in (KO, EN):
        edit(tree, name, "{#why}", "{#reason}")
    gone, new = sorted(found(tree), key=len)
    assert gone == f"{FOLDER}:1: workloads/pod#why is gone; {BOTH}"
    assert new.startswith(f"{KO}:18: ")
    assert confirm.main([]) == 0
    assert found(tree) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The Pod answers.", "The\nPod  answers!"),
        ("come back. [WL-12]", "come back."),
        ("(../index.md#index)", "(../index.md)"),
        ("kubectl get pod nothing", "kubectl get pod none"),
    ],
)
def test_what_is_no_sentence_is_no_change(tree: Path, old: str, new: str) -> None:
    edit(tree, EN, old, new)
    assert found(tree) == []


@pytest.mark.parametrize("marks", [("", ""), ("<<<<<<< ours\n", "=======\n")])
def test_what_a_merge_left_is_put_in_order(tree: Path, marks: tuple[str, str]) -> None:
    file = tree / FOLDER / "workloads.txt"
    whole = file.read_text(encoding="utf-8")
    file.write_text(marks[0] + whole.partition("\n")[0] + "\n" + marks[1] + whole, encoding="utf-8")
    advice = "a merge left this file in disorder; run ./scripts/confirm"
    assert found(tree) == [f"{FOLDER}/workloads.txt:1: {advice}"]
    assert confirm.main([]) == 0
    assert file.read_text(encoding="utf-8") == whole


@pytest.mark.parametrize("source", bilingual.SOURCES, ids=lambda source: source[0])
def test_each_file_of_texts_is_read(
    source: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bilingual, "SOURCES", (source,))
    empty = [f for f in ROOT.glob(source[0]) if not yaml.safe_load(f.read_text(encoding="utf-8"))]
    assert bilingual.texts(ROOT, []) or empty, "the file holds texts, and none was read"
