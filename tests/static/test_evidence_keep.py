"""The evidence in the repository is that of full green runs, whole, and as it was written."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from pathlib import Path

import pytest
from k8s_basic import ROOT
from k8s_basic.content.claims import proofs
from k8s_basic.evidence import hashes, states
from k8s_basic.live import keep
from k8s_basic.site.marks import Evidence, Sheet

KEPT = "tests/evidence/1.37-packages.json"
EXAMPLE = "examples/workloads/pod/pod.yaml"
LATER = "2099-01-01T00:00:00+00:00"


def git(root: Path, *args: str) -> str:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid")
    done = subprocess.run(
        ["git", *who, *args], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tree: Path) -> Path:
    """The small repository under git, with one commit."""
    (tree / ".gitignore").write_text("/build/\n")
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "Begin")
    return tree


def all_tests(root: Path) -> set[str]:
    return {f"{proof.path}::{proof.test}" for proof in proofs(root)[0]}


def kept(root: Path, evidence, version: str = "v1.37.2", **more) -> Path:
    """Keep the evidence of a run of all tests on the commit that is checked out."""
    more = {"commit": git(root, "rev-parse", "HEAD"), **more}
    return keep.keep(root, evidence(version, **more), all_tests(root))


def refusal(root: Path, evidence, **more) -> str:
    with pytest.raises(states.EvidenceError) as refused:
        kept(root, evidence, **more)
    assert not (root / "tests/evidence").exists(), "nothing is written"
    said = str(refused.value)
    assert "\n" not in said
    assert "run ./scripts/test --live" in said
    return said


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def state(root: Path, claim: str = "WL-3") -> states.State:
    return states.states(states.read(states.homes(root)), hashes.current(root))[claim]


def test_full_green_run_is_kept_with_all_that_a_build_needs(repository: Path, evidence) -> None:
    file = kept(repository, evidence, cgroup="v1", fail_cgroup_v1=False)
    assert file == repository / KEPT
    whole = state(repository)
    (repository / "build/evidence/1.37-packages.json").unlink()
    short = state(repository)
    assert (short.name, short) == ("verified", whole)
    (run,) = states.read(states.homes(repository))
    assert (run["cgroup"], run["fail_cgroup_v1"]) == ("v1", False)
    assert run["stand_ins"] == ["nginx:1.22.1"]


def test_kept_file_has_a_line_for_each_test_and_no_waits_or_messages(
    repository: Path, evidence
) -> None:
    text = kept(repository, evidence).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if '"outcome"' in line]
    assert len(lines) == len(all_tests(repository))
    assert not re.search("waits|message|Ready", text)


def test_partial_run_is_refused(repository: Path, evidence) -> None:
    file = evidence(commit=git(repository, "rev-parse", "HEAD"))
    with pytest.raises(
        states.EvidenceError, match=r"partial, 1 of 3 tests are .* such as tests/li"
    ):
        keep.keep(repository, file, {*all_tests(repository), "tests/live/test_journey.py::test_a"})


def test_results_of_earlier_runs_do_not_make_a_partial_run_whole(
    repository: Path, evidence
) -> None:
    said = refusal(repository, evidence, days={"WL-12": 1}, started=_today())
    assert "the run was partial, 1 of 2 tests" in said


def _today() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}T00:00:00+00:00"


@pytest.mark.parametrize(
    ("outcome", "words"), [("failed", "was red, failed:"), ("skipped", "skipped undeclared:")]
)
def test_run_that_was_not_green_is_refused(
    repository: Path, evidence, outcome: str, words: str
) -> None:
    said = refusal(repository, evidence, outcomes={"WL-3": outcome})
    assert words in said and "test_pod_answers" in said


def test_run_with_uncommitted_changes_is_refused(repository: Path, evidence) -> None:
    assert "uncommitted changes" in refusal(repository, evidence, dirty=True)


def test_run_on_the_images_of_a_mirror_is_refused(repository: Path, evidence) -> None:
    said = refusal(repository, evidence, source="registry", registry_mirror="127.0.0.1:5000")
    assert "what 127.0.0.1:5000 serves" in said


def test_run_of_another_commit_is_refused_when_what_it_rests_on_differs(
    repository: Path, evidence
) -> None:
    assert "is not in this repository" in refusal(repository, evidence, commit="c" * 40)
    before = git(repository, "rev-parse", "HEAD")
    (repository / "tests/live/workloads/helper.py").touch()
    said = refusal(repository, evidence, commit=before)
    assert (
        f"of another commit, {before[:12]}, since which was edited: tests/live/workloads/" in said
    )
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Add a helper")
    assert "helper.py" in refusal(repository, evidence, commit=before)
    kept(repository, evidence)


def test_commit_that_touches_nothing_a_run_rests_on_does_not_refuse_it(
    repository: Path, evidence
) -> None:
    before = git(repository, "rev-parse", "HEAD")
    (repository / "README.md").write_text("More words.\n")
    kept(repository, evidence, commit=before)


def test_sentence_edited_after_the_run_refuses_it(repository: Path, evidence) -> None:
    file = evidence(commit=git(repository, "rev-parse", "HEAD"))
    edit(repository / "docs/en/workloads/pod.md", "The Pod answers", "The Pod replies")
    with pytest.raises(states.EvidenceError, match=r"what WL-3 stands on was edited; run \./scr"):
        keep.keep(repository, file, all_tests(repository))


def test_older_run_does_not_replace_a_newer_one(repository: Path, evidence) -> None:
    kept(repository, evidence)
    with pytest.raises(states.EvidenceError, match=r"is older than tests/evidence/1\.37-pack"):
        kept(repository, evidence, started="2026-11-23T20:00:00+00:00")


def test_evidence_cut_in_half_is_refused(repository: Path, evidence) -> None:
    file = evidence()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(states.EvidenceError, match=r"cut off \(.*\); remove the file, or run \./s"):
        keep.keep(repository, file, all_tests(repository))


def test_command_keeps_what_it_can_and_says_why_not_of_the_rest(
    repository: Path, evidence, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keep, "ROOT", repository)
    monkeypatch.setattr(keep, "FOLDER", repository / "build/evidence")
    assert keep.main([]) == 1
    assert "run ./scripts/test --live first" in capsys.readouterr().out
    monkeypatch.setattr(keep, "all_tests", lambda: all_tests(repository))
    commit = git(repository, "rev-parse", "HEAD")
    evidence(commit=commit)
    assert keep.main([]) == 0
    evidence("v1.36.3", commit=commit, dirty=True)
    assert keep.main([]) == 1
    assert "error: not kept: 1.36-packages.json: " in capsys.readouterr().out
    assert keep.main(["1.37-packages"]) == 0
    assert [file.name for file in (repository / "tests/evidence").iterdir()] == [Path(KEPT).name]
    assert keep.main(["1.30-packages"]) == 1
    assert "1.30-packages.json can't be read" in capsys.readouterr().out


def test_command_leaves_a_preview_out_and_does_not_fail_for_it(
    repository: Path, evidence, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence("v1.38.0-beta.0", preview=True, outcomes={"WL-3": "failed"})
    monkeypatch.setattr(keep, "FOLDER", repository / "build/evidence")
    monkeypatch.setattr(keep, "all_tests", lambda: all_tests(repository))
    assert keep.main([]) == 0
    assert "1.38-packages.json: a preview proves no sentence of today" in capsys.readouterr().out
    assert not (repository / "tests/evidence").exists()


def test_command_asks_pytest_for_all_live_tests() -> None:
    found = {test.partition("[")[0] for test in keep.all_tests()}
    assert found > all_tests(ROOT)


def test_build_takes_of_each_test_the_newer_result(repository: Path, evidence) -> None:
    kept(repository, evidence, days={"WL-3": 2, "WL-12": 2})
    evidence(outcomes={"WL-3": "failed"}, days={"WL-12": 9}, started="2026-11-24T21:00:00+00:00")
    assert (state(repository).name, state(repository, "WL-12").name) == ("failed", "verified")
    (run,) = states.read(states.homes(repository))
    assert {part["name"] for part in run["parts"]} == {
        "kept/1.37-packages.json",
        "1.37-packages.json",
    }
    evidence(outcomes={"WL-3": "failed"}, days={"WL-3": 9, "WL-12": 9})
    assert (state(repository).name, state(repository, "WL-12").name) == ("verified", "verified")
    (run,) = states.read(states.homes(repository))
    assert [part["name"] for part in run["parts"]] == ["kept/1.37-packages.json"]


def test_named_folder_takes_the_place_of_both(
    repository: Path, evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(repository, evidence)
    (empty := tmp_path / "empty").mkdir()
    monkeypatch.setenv("K8S_BASIC_EVIDENCE", str(empty))
    assert state(repository).name == "unverified"
    monkeypatch.setenv("K8S_BASIC_EVIDENCE", str(tmp_path / "missing"))
    with pytest.raises(states.EvidenceError, match=r"names .*missing, which is no folder"):
        state(repository)


@pytest.mark.parametrize(
    ("path", "old", "new", "claim"),
    [
        (EXAMPLE, "name: web", "name: w", "WL-3"),
        ("tests/live/workloads/test_pod.py", "lab.apply", "lab.create", "WL-3"),
        ("docs/ko/workloads/pod.md", "응답합니다", "답합니다", "WL-3"),
        ("tests/live/recordings/workloads/pod/nothing.txt", "not found", "gone", "WL-12"),
    ],
)
def test_edit_after_the_kept_run_makes_the_mark_stale_until_the_test_ran_again(
    repository: Path, evidence, path: str, old: str, new: str, claim: str
) -> None:
    for version in ("v1.37.2", "v1.36.3"):
        kept(repository, evidence, version)
    edit(repository / path, old, new)
    assert state(repository, claim).name == "stale"
    sheet = Sheet(Evidence.load(repository), "en", "workloads/pod", "en/workloads/pod/", "")
    assert "edited since then" in sheet.sentence(claim)
    evidence()
    assert state(repository, claim).name == "verified", "also where another minor is still stale"
    sheet = Sheet(Evidence.load(repository), "en", "workloads/pod", "en/workloads/pod/", "")
    assert "1.37.2" in sheet.sentence(claim) and "1.36.3" not in sheet.sentence(claim)


def test_summary_counts_what_is_proved_and_names_what_to_run(repository: Path, evidence) -> None:
    assert keep.summary(repository)[0].startswith("none in tests/evidence; ./scripts/evidence")
    kept(repository, evidence)
    proved = "claims proved on 1.37.2 with images from packages (2026-11-24)"
    assert keep.summary(repository) == [f"2 of 2 {proved}"]
    edit(repository / EXAMPLE, "name: web", "name: w")
    tests = "tests/live/workloads/test_pod.py"
    stale = f"1 of 2 {proved}, 1 stale: WL-3; run ./scripts/test --live {tests}"
    assert keep.summary(repository) == [stale]
    edit(repository / tests, '@claim("WL-12")', '@claim("WL-12", "WL-13")')
    assert ", 1 unverified: WL-13; run" in keep.summary(repository)[0]


def _cut(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "cut off"),
        (lambda text: text.replace('"seconds":4.2', '"seconds":0.1'), "its sha256 does not fit"),
        (lambda text: re.sub(r'"sha256":"\w+",', "", text), "has no sha256"),
        (lambda text: re.sub(r'"date":"[^"]*",', "", text), '"date" is a required property'),
        (lambda text: text.replace('"passed"', '"fine"'), '"fine" is not one of'),
        (lambda text: text.replace('"v1.37.2"', '"v1.36.2"'), "v1.36.2 is not 1.37"),
        (lambda text: text + " " * keep.LARGEST, "bytes and 150000 are allowed"),
    ],
)  # fmt: skip
def test_broken_or_edited_file_is_told(repository: Path, evidence, damage, words: str) -> None:
    file = kept(repository, evidence)
    assert keep.problems(repository) == []
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    (said,) = keep.problems(repository)
    assert str(file) in said and words in said


def test_file_under_another_name_is_told(repository: Path, evidence) -> None:
    file = kept(repository, evidence)
    file.rename(file.with_name("1.36-packages.json"))
    assert keep.problems(repository) == [
        f"{file.with_name('1.36-packages.json')} holds 1.37-packages.json; give it that name"
    ]


def test_evidence_of_this_repository_is_whole_and_as_it_was_written() -> None:
    assert keep.problems(ROOT) == []


def test_kept_form_of_all_claims_fits_its_size() -> None:
    now, results = hashes.current(ROOT), {}
    for proof in proofs(ROOT)[0]:
        known, name = now[proof.claim], f"{proof.path}::{proof.test}"
        result = {
            "test": name,
            "outcome": "passed",
            "date": LATER,
            "seconds": 12.34,
            "waits": [{"wait": "becomes", "what": "x" * 100, "seconds": 1.2, "bound": 60}],
            "message": "x" * 100,
            "hashes": {"test": known["test"], "examples": known["examples"]},
            "claims": {},
        }
        of = results.setdefault(name, result)["claims"]
        of[proof.claim] = {k: known[k] for k in ("sentences", "recordings")}
    text = keep.text_of(keep.shortened({"schema": 1, "tests": [*results.values()]}, {*results}))
    assert len(json.loads(text)["tests"]) == len(results)
    assert len(text.encode()) <= 0.9 * keep.LARGEST, "with room for what a year adds"
