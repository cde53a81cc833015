"""What evidence says of each claim: every state, and what makes a result no longer fit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from k8s_basic.evidence import hashes, states
from k8s_basic.evidence.states import State
from k8s_basic.mutation import report
from k8s_basic.site import results
from k8s_basic.site.marks import Evidence, Sheet
from k8s_basic.site.templating import WORDS, inline

A, B = "v1.37.2", "v1.36.3"
POD = "workloads/pod"


def state(tree: Path, claim: str = "WL-3") -> State:
    runs = states.read(states.homes(tree))
    return states.states(runs, hashes.current(tree))[claim]


def told(tree: Path, language: str = "en", claim: str = "WL-3") -> str:
    sheet = Sheet(
        Evidence.load(tree), language, POD, "en/workloads/pod/", "https://hub.invalid/o/r"
    )
    return sheet.sentence(claim)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("on_a", "on_b", "name", "words"),
    [
        ("passed", None, "verified", "Verified on Kubernetes 1.37.2 ("),
        ("passed", "passed", "verified", "1.37.2, 1.36.3 ("),
        ("passed", "failed", "failed", "Fails on Kubernetes 1.36.3 ("),
        ("passed", "failed", "failed", "Holds on 1.37.2 ("),
        ("failed", "failed", "failed", "Fails on Kubernetes 1.37.2, 1.36.3 ("),
        ("passed", "not-applicable", "verified", "True from Kubernetes 1.37 on."),
        ("not-applicable", None, "unverified", "Not verified in this build."),
        ("not-enforceable", None, "not-enforceable", "Not enforceable with images from packages"),
        ("passed", "skipped", "unverified", "Not verified in this build."),
        (None, None, "unverified", "Not verified in this build."),
    ],
)
def test_state_and_its_words(
    tree: Path, evidence, on_a: str | None, on_b: str | None, name: str, words: str
) -> None:
    for version, outcome in ((A, on_a), (B, on_b)):
        if outcome:
            evidence(version, outcomes={"WL-3": outcome})
    assert state(tree).name == name
    assert words in told(tree)


def test_claim_that_was_not_reached_neither_holds_nor_fails_and_both_languages_say_so(
    tree: Path, evidence
) -> None:
    evidence(B)
    assert cell(tree) == ["verified"]
    file = evidence(A, outcomes={"WL-3": "failed"})
    run = json.loads(file.read_text())
    (test,) = (test for test in run["tests"] if "WL-3" in test["claims"])
    test["claims"]["WL-3"]["outcome"] = "not-reached"
    file.write_text(json.dumps(run))
    assert state(tree).name == "not-reached"
    english, korean = told(tree), told(tree, "ko")
    assert re.search(r"On Kubernetes 1\.37\.2 \(.+\) the test stopped before it came to", english)
    assert re.search(r"Holds on 1\.36\.3 ", english) and "Fails" not in english
    assert re.search(r"1\.37\.2 \(.+\)에서는 테스트가 이 문장을 확인하기 전에", korean)
    assert cell(tree) == ["not-reached", "verified"]
    assert "… not reached 1" in page_of_claims(tree, "en")
    assert "… 확인하지 못함 1" in page_of_claims(tree, "ko")
    edit(tree / "docs/en/workloads/pod.md", "answers", "replies")
    assert state(tree).name == "not-reached", "nothing was seen, so nothing can be stale"


def cell(tree: Path) -> list[str]:
    """Return what the page of the topic shows of WL-3, version by version."""
    name = "verified/workloads"
    sheet = Sheet(Evidence.load(tree), "en", name, f"en/{name}/", "https://h/o/r")
    row = results.of_topic(sheet).partition('id="wl-3"')[2].partition("</tr>")[0]
    return re.findall(r'<td class="([\w-]+)"', row)


def test_not_enforceable_on_one_source_and_verified_on_another(tree: Path, evidence) -> None:
    evidence(outcomes={"WL-3": "not-enforceable"})
    evidence(source="registry")
    assert state(tree).name == "verified"
    assert "Verified on" in told(tree) and "packages: why not-enforceable" in told(tree)


BETA = "v1.38.0-beta.0"


def told_of_previews(tree: Path, language: str) -> str:
    name = "reference/versions"
    sheet = Sheet(Evidence.load(tree), language, name, f"{language}/{name}/", "https://h/o/r")
    return results.previews(sheet)


def test_preview_decides_no_mark_and_what_is_not_so_there_is_listed(tree: Path, evidence) -> None:
    assert "no record of a run on the next version" in told_of_previews(tree, "en")
    evidence(BETA, outcomes={"WL-3": "failed", "WL-12": "failed"}, preview=True)
    evidence(outcomes={"WL-12": "failed"})
    assert [state(tree, claim).name for claim in ("WL-3", "WL-12")] == ["verified", "failed"]
    assert "1.38" not in told(tree) + page_of_claims(tree, "en")
    english, korean = (told_of_previews(tree, language) for language in ("en", "ko"))
    assert "Kubernetes 1.38.0-beta.0 (images from packages, 2026-11-24): of 2 statements" in english
    assert 'workloads/pod/#wl-3">WL-3</a> The Pod answers.</li>' in english
    assert "WL-12" not in english, "it fails today as well"
    assert 'href="../../../evidence/1.38-packages.json"' in english
    assert "쿠버네티스 1.38.0-beta.0(패키지로 만든 이미지, 2026-11-24)" in korean
    assert "2개 가운데 1개" in korean and ">WL-3</a> Pod가 응답합니다.</li>" in korean
    edit(tree / "examples/workloads/pod/pod.yaml", "name: web", "name: w")
    assert "of 1 statements" in told_of_previews(tree, "en"), "an edited one is not told of"


def test_preview_of_a_minor_is_kept_apart_from_its_release(tree: Path, evidence) -> None:
    evidence(BETA, folder="old", outcomes={"WL-3": "failed"}, preview=True)
    evidence("v1.38.0", folder="new", days={"WL-3": 1})
    assert state(tree).name == "verified"
    runs = states.read(states.homes(tree))
    assert {run["kubernetes"]: run.get("preview", False) for run in runs} == {
        "v1.38.0": False,
        BETA: True,
    }


@pytest.mark.parametrize(
    ("path", "old", "new", "change", "words"),
    [
        (
            "examples/workloads/pod/pod.yaml", "name: web", "name: w",
            ("example", "workloads/pod/pod.yaml"), "example workloads/pod/pod.yaml",
        ),
        ("tests/live/workloads/test_pod.py", "lab.apply", "lab.create", ("test", ""), "test"),
        ("docs/ko/workloads/pod.md", "응답합니다", "답합니다", ("sentence", "ko"), "(Korean)"),
        ("docs/en/workloads/pod.md", "answers", "replies", ("sentence", "en"), "(English)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_what_is_edited_after_the_run_makes_it_stale(
    tree: Path, evidence, path: str, old: str, new: str, change, words: str, outcome: str
) -> None:
    evidence(outcomes={"WL-3": outcome})
    edit(tree / path, old, new)
    assert (state(tree).name, state(tree).changed) == ("stale", [change])
    assert words in told(tree)


def test_recording_written_after_the_run_makes_it_stale(tree: Path, evidence) -> None:
    evidence()
    edit(tree / "tests/live/recordings/workloads/pod/nothing.txt", "not found", "gone")
    assert state(tree, "WL-12").changed == [("recording", "workloads/pod/nothing")]
    assert state(tree, "WL-3").name == "verified", "it stands in another section"


@pytest.mark.parametrize("kind", ["sentences", "recordings"])
def test_what_came_after_the_run_makes_it_stale(tree: Path, evidence, kind: str) -> None:
    file = evidence()
    run = json.loads(file.read_text())
    (claims,) = (test["claims"] for test in run["tests"] if "WL-12" in test["claims"])
    name, _ = claims["WL-12"][kind].popitem()
    file.write_text(json.dumps(run))
    assert state(tree, "WL-12").name == "stale"
    assert state(tree, "WL-12").changed == [(kind.removesuffix("s"), name)]


def test_file_that_is_there_neither_then_nor_now_is_not_the_same(tree: Path, evidence) -> None:
    (tree / "examples/workloads/pod/pod.yaml").unlink()
    evidence()
    assert state(tree).changed == [("example", "workloads/pod/pod.yaml")]


def test_failure_that_still_fits_is_told_before_what_was_edited(tree: Path, evidence) -> None:
    evidence(A)
    edit(tree / "examples/workloads/pod/pod.yaml", "name: web", "name: w")
    evidence(B, outcomes={"WL-3": "failed"})
    assert state(tree).name == "failed"


def test_of_several_files_the_newest_result_of_each_test_counts(tree: Path, evidence) -> None:
    evidence(folder="one", outcomes={"WL-3": "failed"}, days={"WL-3": 2})
    evidence(folder="two", outcomes={"WL-12": "failed"}, days={"WL-12": 9})
    assert [state(tree, claim).name for claim in ("WL-3", "WL-12")] == ["verified", "verified"]
    (run,) = states.read(states.homes(tree))
    names = [part["name"] for part in run["parts"]]
    assert names == ["one/1.37-packages.json", "two/1.37-packages.json"]


def test_result_of_a_test_under_its_old_name_does_not_count(tree: Path, evidence) -> None:
    evidence(folder="old", outcomes={"WL-3": "failed"}, days={"WL-3": 1})
    edit(tree / "tests/live/workloads/test_pod.py", "test_pod_answers", "test_web_answers")
    evidence(folder="new")
    assert state(tree).name == "verified"


def test_age_is_not_decided_by_the_build(tree: Path, evidence) -> None:
    evidence(days={"WL-3": 400})
    assert state(tree).name == "verified"


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"schema": 2}, "schema"),
        ({"images": {"nginx:1.22.1": "sha256:ab"}}, "images/nginx:1.22.1"),
        ({"forged": True}, "the top"),
        ({"commit": "main"}, "commit"),
        ({"started": "yesterday"}, "started"),
        ({"tests": [{}]}, "tests/0"),
    ],
)
def test_evidence_of_another_form_is_refused_in_one_sentence(
    tree: Path, evidence, more: dict, place: str
) -> None:
    file = evidence(**more)
    with pytest.raises(states.EvidenceError) as refused:
        state(tree)
    said = str(refused.value)
    assert said.startswith(f"{file} is no evidence: at {place}, ") and "\n" not in said


def test_mark_is_small_and_leads_on(tree: Path, evidence) -> None:
    evidence(A)
    evidence(B)
    for language, address in (("ko", "workloads/pod/"), ("en", "en/workloads/pod/")):
        sheet = Sheet(Evidence.load(tree), language, POD, address, "https://github.com/o/r")
        mark = sheet.mark("WL-3")
        assert len(mark.encode()) <= 750
        assert 'href="../../verified/workloads/#wl-3"' in mark
        assert "/blob/main/tests/live/workloads/test_pod.py#L" in mark
        form = "/issues/new?template=not-so-on-my-cluster.yml&amp;claim=WL-3"
        assert f"{form}&amp;page={language}/workloads/pod&amp;version=1.37.2" in mark


def test_form_has_the_fields_that_the_mark_fills_in() -> None:
    file = Path(__file__).parents[2] / ".github/ISSUE_TEMPLATE/not-so-on-my-cluster.yml"
    fields = {part.get("id") for part in yaml.safe_load(file.read_text(encoding="utf-8"))["body"]}
    assert {"claim", "page", "version", "kubectl", "distribution", "seen"} <= fields


def test_both_languages_say_all_that_there_is_to_say() -> None:
    def keys(words: dict) -> set:
        return {(k, *sorted(v if isinstance(v, dict) else ())) for k, v in words.items()}

    assert keys(WORDS["ko"]) == keys(WORDS["en"])


def test_page_of_claims_tells_the_mutation_score(tree: Path, evidence) -> None:
    evidence()
    assert "not measured in this build" in page_of_claims(tree, "en")
    ends = ["killed", "survived", "error", "refused"]
    mutants = {
        f"a/b.yaml#0:spec.<x>={n}": {"class": end, "date": f"2026-01-0{n + 1}"}
        for n, end in enumerate(ends)
    }
    mutants["a/b.yaml#0:spec.<x>=5"] = {"class": "equivalent", "reason": "the same & more"}
    counted = dict.fromkeys([*ends, "equivalent"], 1)
    told = {"score": 1 / 3, "not run yet": 1, "counted": counted, "mutants": mutants}
    (file := tree / report.REPORT).parent.mkdir(parents=True)
    file.write_text(json.dumps(told))
    text = page_of_claims(tree, "en")
    assert "Mutation score 33.3% (2026-01-01 – 2026-01-04)" in text
    assert "noticed by a test 1, noticed by no test 1, " in text
    assert "no difference to observe 1, not tried yet 1." in text
    assert "<li><code>a/b.yaml#0:spec.&lt;x&gt;=1</code></li>" in text
    assert "<li>the same &amp; more: <code>a/b.yaml#0:spec.&lt;x&gt;=5</code></li>" in text
    korean = page_of_claims(tree, "ko")
    assert "변이 점수 33.3%(2026-01-01 – 2026-01-04)" in korean
    assert korean.count("<details>") == text.count("<details>") == 3


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"cgroup": "v1", "fail_cgroup_v1": False}, "cgroup v1, which the kubelet was told to acc"),
        ({"cgroup": "v1", "fail_cgroup_v1": True}, "Nodes on cgroup v1. <a"),
        ({"cgroup": "v2", "fail_cgroup_v1": False}, "Nodes on cgroup v2. <a"),
        ({}, "The cgroup version of the nodes was not recorded."),
    ],
)
def test_page_of_claims_tells_what_limits_the_nodes(
    tree: Path, evidence, more: dict, words: str
) -> None:
    evidence(**more)
    assert words in page_of_claims(tree, "en")
    assert "cgroup" in page_of_claims(tree, "ko")


def test_page_of_claims_lists_each_run_whose_results_count(tree: Path, evidence) -> None:
    (home := tree / "tests/evidence").mkdir()
    evidence(cgroup="v1", fail_cgroup_v1=False).rename(home / "1.37-packages.json")
    assert "Evidence in the repository (JSON)" in page_of_claims(tree, "en")
    file = evidence(cgroup="v2", fail_cgroup_v1=True, started="2026-11-25T20:00:00+00:00")
    run = json.loads(file.read_text())
    file.write_text(json.dumps({**run, "tests": run["tests"][:1]}))
    text = page_of_claims(tree, "en")
    assert "told to accept" in text and "Nodes on cgroup v2" in text
    assert 'href="../../../evidence/kept/1.37-packages.json"' in text
    assert 'href="../../../evidence/1.37-packages.json"' in text


def page_of_claims(tree: Path, language: str) -> str:
    name = results.ALL_RESULTS
    sheet = Sheet(Evidence.load(tree), language, name, f"{language}/{name}/", "https://h/o/r")
    return results.totals(sheet)


def test_every_end_of_a_mutant_has_a_name_and_the_page_looks_where_it_is_written() -> None:
    ends = {"killed", "survived", "error", "refused", "equivalent", "not run yet"}
    assert set(WORDS["ko"]["mutants"]) == set(WORDS["en"]["mutants"]) == ends
    assert report.REPORT == results.MUTANTS


def test_sentence_is_shown_without_its_markdown() -> None:
    assert inline("- A `<b>` leads to [x](y.md).") == "A <code>&lt;b&gt;</code> leads to x."
