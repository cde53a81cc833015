"""A live run leaves evidence of what it saw, with hashes of what that rests on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.evidence import hashes, record, states
from k8s_basic.evidence.record import FAILED, HELD
from k8s_basic.live import report as run_report

CLUSTER = {
    "image_source": "packages",
    "kubernetes": "v1.37.2",
    "node_image": "node",
    "stand_ins": ["busybox:1.35"],
    "images": {"nginx:1.22.1": "sha256:" + "ab" * 32},
}
LIVE = "tests/live/workloads/test_pod.py"
TEST, OTHER = f"{LIVE}::test_pod_answers", f"{LIVE}::test_pod_waits"
POD = "examples/workloads/pod/pod.yaml"


@pytest.fixture
def results(tree: Path, monkeypatch: pytest.MonkeyPatch) -> record.Results:
    """The results of a run in a repository that has one lesson with two claims."""
    monkeypatch.setattr(record, "ROOT", tree)
    return record.Results()


def report(outcome: str = "passed", when: str = "call", test: str = TEST, **more: Any) -> Any:
    """What pytest reports of a test of WL-3."""
    became = {"passed": HELD, "failed": FAILED}.get(outcome, outcome)
    return SimpleNamespace(
        nodeid=test,
        when=when,
        outcome=outcome,
        passed=outcome == "passed",
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        duration=1.234,
        longrepr=("file", 1, "Skipped: because") if outcome == "skipped" else "it broke",
        longreprtext="it broke",
        user_properties=list({"claims": {"WL-3": became}, **more}.items()),
    )


def written(results: record.Results, folder: Path, **about: Any) -> dict[str, Any]:
    """The evidence that the run writes."""
    file = results.write({**CLUSTER, **about}, folder)
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def test_evidence_holds_outcomes_hashes_and_digests_and_can_be_read(
    results: record.Results, tree: Path, tmp_path: Path
) -> None:
    results.note(report())
    (test,) = written(results, tmp_path / "evidence")["tests"]
    now = hashes.current(tree)["WL-3"]
    assert (test["test"], test["outcome"], test["seconds"]) == (TEST, "passed", 1.23)
    assert test["hashes"] == {"test": now["test"], "examples": now["examples"]}
    assert now["examples"].keys() == {"workloads/pod/pod.yaml"}
    assert test["claims"]["WL-3"]["sentences"].keys() == {"ko", "en"}
    (run,) = states.read({"": tmp_path / "evidence"})
    assert (run["minor"], run["images"]) == ("1.37", CLUSTER["images"])


def test_release_keeps_nothing_of_what_its_preview_left(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    beta = written(results, tmp_path, kubernetes="v1.38.0-beta.0", preview=True)
    assert (beta["minor"], beta["preview"], len(beta["tests"])) == ("1.38", True, 1)
    results.tests = []
    assert written(results, tmp_path, kubernetes="v1.38.0")["tests"] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        (POD, "name: web", "name: wob", "examples"),
        (LIVE, 'lab.apply("w', 'lab.get("w', "test"),
        (LIVE, "    lab.b", "    # why\n    lab.b", None),
        ("docs/ko/workloads/pod.md", "Pod가 응답합니다.", "Pod가 대답합니다.", "sentences"),
        ("docs/en/workloads/pod.md", "The Pod answers.", "The Pod replies.", "sentences"),
    ],
)
def test_hash_changes_with_what_a_claim_rests_on(
    tree: Path, file: str, old: str, new: str, part: str | None
) -> None:
    before = hashes.current(tree)["WL-3"]
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    after = hashes.current(tree)["WL-3"]
    assert [key for key in before if before[key] != after[key]] == [part] * bool(part)


def test_hash_of_a_test_changes_with_its_helpers(tree: Path) -> None:
    path = tree / LIVE
    text = path.read_text(encoding="utf-8").replace("    lab.b", "    helper()\n    lab.b", 1)
    path.write_text(text + "\n\ndef helper():\n    return 1\n", encoding="utf-8")
    before = hashes.current(tree)["WL-3"]["test"]
    path.write_text(path.read_text(encoding="utf-8").replace("return 1", "return 2"))
    assert hashes.current(tree)["WL-3"]["test"] != before


def test_later_results_replace_those_of_the_same_test_and_keep_the_others(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    results.note(report(test=OTHER))
    written(results, tmp_path)
    again = record.Results()
    again.note(report())
    again.note(report("failed", when="teardown"))  # after it passed: that has the last word
    first, second = written(again, tmp_path)["tests"]
    assert (first["outcome"], first["claims"]["WL-3"]["outcome"]) == ("failed", FAILED)
    assert (second["test"], second["outcome"]) == (OTHER, "passed")
    assert (again.claims(HELD), again.claims(FAILED)) == ([], ["WL-3"])
    crashed = report("failed", when="???", test=OTHER)
    crashed.user_properties = []  # as pytest-xdist reports a worker that has gone
    again.note(crashed)
    assert [test["test"] for test in written(again, tmp_path)["tests"]] == [TEST]


@pytest.mark.parametrize("more", [{"instead": "not-enforceable"}, {}])
def test_test_that_was_not_run_is_no_proof_and_keeps_its_reason(
    results: record.Results, more: dict[str, str]
) -> None:
    results.note(report("skipped", when="setup", **more))
    (test,) = results.tests
    assert (test["outcome"], test["reason"]) == (more.get("instead", "skipped"), "because")
    assert results.claims(HELD) == []


def test_file_cut_in_half_is_replaced_and_told(
    results: record.Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.note(report())
    file = results.write(CLUSTER, tmp_path)
    file.write_bytes(file.read_bytes()[:200])
    assert len(written(results, tmp_path)["tests"]) == 1
    assert "error: results of earlier runs are lost" in capsys.readouterr().out
    assert [found.name for found in tmp_path.glob("1.37*")] == [file.name], "no half-written file"


@pytest.mark.parametrize(("source", "noted"), [("registry", "127.0.0.1:5000"), ("packages", None)])
def test_run_notes_its_nodes_and_the_mirror_of_its_images(
    monkeypatch: pytest.MonkeyPatch, source: str, noted: str | None
) -> None:
    monkeypatch.setattr(run_report, "of_nodes", lambda cluster: {"cgroup": "v1"})
    made = SimpleNamespace(record=lambda: {"image_source": source})
    run, results = Mock(broken="", cluster=Mock(spec=DocsCluster, source=made)), Mock(tests=[1])
    run.lifecycle.options.mirror = "127.0.0.1:5000"
    run_report.write(run, results)
    (about, _) = results.write.call_args.args
    assert (about["cgroup"], about.get("registry_mirror")) == ("v1", noted)


def git(root: Path, *args: str) -> str:
    command = ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid"]
    pipes: Any = {"check": True, "capture_output": True, "text": True}
    return str(subprocess.run([*command, *args], cwd=root, **pipes).stdout.strip())


def test_evidence_names_the_commit_that_was_tested_and_what_was_not_in_it(
    results: record.Results, tree: Path, tmp_path: Path
) -> None:
    def state(run: record.Results) -> tuple[str, bool]:
        data = written(run, tmp_path / "evidence")
        return data["commit"], data["dirty"]

    assert state(results) == ("0" * 40, True), "where git can't tell, all is edited"
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "Begin")
    first, run = git(tree, "rev-parse", "HEAD"), record.Results()
    (tree / "README.md").write_text("No run rests on this.")
    assert state(run) == (first, False)
    run.note(report())
    (tree / POD).write_text((tree / POD).read_text() + "# more\n")
    assert state(run) == (first, True), "edited during the run"
    (test,) = written(run, tmp_path / "evidence")["tests"]
    assert test["hashes"]["examples"] != hashes.current(tree)["WL-3"]["examples"]
    git(tree, "commit", "--quiet", "--all", "--message", "Go on")
    assert state(run) == (first, True), "and committed before its end"
    (tree / "tests/live/workloads/test_new.py").touch()
    assert state(record.Results()) == (git(tree, "rev-parse", "HEAD"), True)
