"""A live run leaves evidence of what it saw, with hashes of what that rests on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from k8s_basic.evidence import hashes, record, states
from k8s_basic.live import plugin

CLUSTER = {
    "image_source": "packages",
    "kubernetes": "v1.37.2",
    "node_image": "node",
    "stand_ins": ["busybox:1.35"],
    "images": {"nginx:1.22.1": "sha256:" + "ab" * 32},
}
TEST = "tests/live/workloads/test_pod.py::test_pod_answers"


@pytest.fixture
def results(tree: Path, monkeypatch: pytest.MonkeyPatch) -> record.Results:
    """The results of a run in a repository that has one lesson with two claims."""
    monkeypatch.setattr(record, "ROOT", tree)
    return record.Results()


def report(outcome: str = "passed", when: str = "call", **properties: Any) -> Any:
    """What pytest reports of the test of WL-3."""
    about = {"claims": ["WL-3"], "waits": [], **properties}
    return SimpleNamespace(
        nodeid=TEST,
        when=when,
        outcome=outcome,
        passed=outcome == "passed",
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        duration=1.234,
        longrepr=("file", 1, "Skipped: because") if outcome == "skipped" else "it broke",
        longreprtext="it broke",
        user_properties=list(about.items()),
    )


def written(results: record.Results, folder: Path) -> dict[str, Any]:
    """The evidence that the run writes."""
    data: dict[str, Any] = json.loads(results.write(CLUSTER, folder).read_text(encoding="utf-8"))
    return data


def test_evidence_holds_outcome_and_hashes_of_test_example_and_sentences(
    results: record.Results, tree: Path, tmp_path: Path
) -> None:
    results.note(report())
    data = written(results, tmp_path / "evidence")
    (test,) = data["tests"]
    now = hashes.current(tree)["WL-3"]
    assert (data["minor"], data["kubernetes"]) == ("1.37", "v1.37.2")
    assert (test["test"], test["outcome"], test["seconds"]) == (TEST, "passed", 1.23)
    assert test["hashes"] == {"test": now["test"], "examples": now["examples"]}
    assert now["examples"].keys() == {"workloads/pod/pod.yaml"}
    assert test["claims"]["WL-3"]["sentences"].keys() == {"ko", "en"}


def test_evidence_that_was_written_is_read_with_the_digests_that_a_registry_gave(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    written(results, tmp_path / "evidence")
    (run,) = states.read({"": tmp_path / "evidence"})
    assert run["images"] == CLUSTER["images"]


def test_release_keeps_nothing_of_what_its_preview_left(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    beta = {**CLUSTER, "kubernetes": "v1.38.0-beta.0", "preview": True}
    file = results.write(beta, tmp_path)
    assert file.name == "1.38-packages.json"
    assert json.loads(file.read_text())["preview"] is True
    results.tests = []
    assert results.write({**CLUSTER, "kubernetes": "v1.38.0"}, tmp_path) == file
    assert json.loads(file.read_text())["tests"] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("examples/workloads/pod/pod.yaml", "name: web", "name: wob", "examples"),
        ("tests/live/workloads/test_pod.py", 'lab.apply("w', 'lab.get("w', "test"),
        ("docs/ko/workloads/pod.md", "Pod가 응답합니다.", "Pod가 대답합니다.", "sentences"),
        ("docs/en/workloads/pod.md", "The Pod answers.", "The Pod replies.", "sentences"),
    ],
)
def test_hash_changes_with_what_a_claim_rests_on(
    tree: Path, file: str, old: str, new: str, part: str
) -> None:
    before = hashes.current(tree)["WL-3"]
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    after = hashes.current(tree)["WL-3"]
    assert [key for key in before if before[key] != after[key]] == [part]


def test_hash_of_a_test_does_not_change_with_comments_but_with_its_helpers(tree: Path) -> None:
    path = tree / "tests/live/workloads/test_pod.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("    lab.b", "    helper()\n    lab.b", 1) + HELPER)
    before = hashes.current(tree)["WL-3"]["test"]
    path.write_text(path.read_text() + "# a remark\n")
    assert hashes.current(tree)["WL-3"]["test"] == before
    path.write_text(path.read_text().replace("return 1", "return 2"))
    assert hashes.current(tree)["WL-3"]["test"] != before


HELPER = "\n\ndef helper():\n    return 1\n"


def test_edit_during_the_run_does_not_become_what_was_tested(
    results: record.Results, tree: Path, tmp_path: Path
) -> None:
    results.note(report())
    (tree / "examples/workloads/pod/pod.yaml").write_text("edited: true\n")
    (test,) = written(results, tmp_path / "evidence")["tests"]
    now = hashes.current(tree)["WL-3"]["examples"]
    assert test["hashes"]["examples"] != now


def test_second_run_replaces_its_own_tests_and_keeps_the_others(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    other = report()
    other.nodeid = "tests/live/workloads/test_pod.py::test_other"
    results.note(other)
    written(results, tmp_path / "evidence")
    again = record.Results()
    again.note(report("failed"))
    data = written(again, tmp_path / "evidence")
    assert {t["test"].rpartition("::")[2]: t["outcome"] for t in data["tests"]} == {
        "test_pod_answers": "failed",
        "test_other": "passed",
    }


def test_what_goes_wrong_after_a_test_passed_has_the_last_word(results: record.Results) -> None:
    results.note(report())
    results.note(report("failed", when="teardown"))
    assert [t["outcome"] for t in results.tests] == ["failed"]
    assert (results.claims("passed"), results.claims("failed")) == ([], ["WL-3"])


def test_reason_of_a_test_that_was_not_run_is_kept_and_it_counts_as_no_proof(
    results: record.Results,
) -> None:
    results.note(report("skipped", when="setup", instead="not-enforceable"))
    (test,) = results.tests
    assert (test["outcome"], test["reason"]) == ("not-enforceable", "because")
    assert results.claims("passed") == []


def test_undeclared_skip_stays_a_skip(results: record.Results) -> None:
    results.note(report("skipped", when="setup"))
    assert [t["outcome"] for t in results.tests] == ["skipped"]


def test_worker_that_crashed_takes_the_result_of_its_test_along(
    results: record.Results, tmp_path: Path
) -> None:
    results.note(report())
    assert written(results, tmp_path)["tests"]
    again = record.Results()
    crashed = report("failed", when="???")
    crashed.user_properties = []  # as pytest-xdist reports it
    again.note(report())
    again.note(crashed)
    assert written(again, tmp_path)["tests"] == []


def test_file_cut_in_half_is_replaced_and_told(
    results: record.Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.note(report())
    file = results.write(CLUSTER, tmp_path)
    file.write_bytes(file.read_bytes()[:200])
    assert len(written(results, tmp_path)["tests"]) == 1
    assert "error: results of earlier runs are lost" in capsys.readouterr().out
    assert [file.name for file in tmp_path.glob("1.37*")] == [file.name], "no half-written file"


@pytest.mark.parametrize(
    ("source", "mirror", "noted"),
    [
        ("registry", "127.0.0.1:5000", "127.0.0.1:5000"),
        ("registry", None, None),
        ("packages", "127.0.0.1:5000", None),
    ],
)
def test_run_notes_its_nodes_and_the_mirror_of_its_images(
    monkeypatch: pytest.MonkeyPatch, source: str, mirror: str | None, noted: str | None
) -> None:
    seen: list[dict[str, Any]] = []
    run = SimpleNamespace(
        cluster=object.__new__(plugin.DocsCluster),
        about=SimpleNamespace(record=lambda: {"image_source": source}),
        results=SimpleNamespace(tests=[1], write=lambda about, folder: seen.append(about)),
        lifecycle=SimpleNamespace(wish=SimpleNamespace(mirror=mirror)),
        broken="",
    )
    monkeypatch.setattr(plugin, "of_nodes", lambda cluster: {"cgroup": "v1"})
    write: Any = plugin.Session.write_results
    write(run)
    assert seen[0]["cgroup"] == "v1"
    assert seen[0].get("registry_mirror") == noted


def git(root: Path, *args: str) -> str:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid")
    done = subprocess.run(
        ["git", *who, *args], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_evidence_names_the_commit_that_was_tested_and_what_was_not_in_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "ROOT", tree)

    def state(run: record.Results) -> tuple[str, bool]:
        data = written(run, tmp_path / "evidence")
        return data["commit"], data["dirty"]

    assert state(record.Results()) == ("0" * 40, True), "where git can't tell, all is edited"
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "Begin")
    first = git(tree, "rev-parse", "HEAD")
    run = record.Results()
    (tree / "README.md").write_text("No run rests on this.")
    assert state(run) == (first, False)
    example = tree / "examples/workloads/pod/pod.yaml"
    example.write_text(example.read_text() + "# more\n")
    assert state(run) == (first, True), "edited during the run"
    git(tree, "commit", "--quiet", "--all", "--message", "Go on")
    assert state(run) == (first, True), "and committed before its end"
    (tree / "tests/live/workloads/test_new.py").touch()
    assert state(record.Results()) == (git(tree, "rev-parse", "HEAD"), True)
