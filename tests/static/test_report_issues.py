"""The nightly run keeps one issue: what fails stands in it, and it's closed when all holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import report_issues

RUN = "https://example.com/runs/1"
FAILED = {
    "test": "tests/live/workloads/test_pod.py::test_x",
    "outcome": "failed",
    "claims": {"WL-1": {}, "WL-2": {}, "WL-3": {"outcome": "held"}},
    "message": "first\n</details> @everybody",
}
PASSED = {**FAILED, "outcome": "passed", "message": ""}


def night(folder: Path, minor: str, test: dict[str, Any], **more: Any) -> None:
    run = {"kubernetes": f"v{minor}.1", "minor": minor, "image_source": "registry", "tests": [test]}
    (folder / f"{minor}.json").write_text(json.dumps({**run, **more}), encoding="utf-8")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `gh issue` was asked for beside the list, and the open issues it names."""
    seen: dict[str, Any] = {"open": [], "asked": []}

    def gh(*arguments: str, text: str = "") -> str:
        if arguments[0] == "list":
            return json.dumps(seen["open"])
        seen["asked"].append((*arguments, text))
        return ""

    monkeypatch.setattr(report_issues, "gh", gh)
    return seen


def report(folder: Path, *minors: str) -> None:
    report_issues.report(folder, set(minors), RUN)


def test_failure_opens_the_issue_and_then_edits_it(tmp_path: Path, said: dict[str, Any]) -> None:
    night(tmp_path, "1.37", FAILED)
    night(tmp_path, "1.36", PASSED)
    report(tmp_path, "1.37", "1.36")
    [(verb, _, title, *_, text)] = said["asked"]
    assert (verb, title) == ("create", report_issues.TITLE)
    assert "WL-1, WL-2: `tests/live/workloads/test_pod.py::test_x` (Kubernetes v1.37.1" in text
    assert "1.36" not in text
    assert "\n      </details> @everybody" in text, "a message stays in its block"
    said["open"].append({"number": 7, "title": report_issues.TITLE})
    report(tmp_path, "1.37", "1.36")
    assert said["asked"][1][:2] == ("edit", "7")


def test_night_on_which_all_fails_fits_into_an_issue_and_says_how_much_failed() -> None:
    test = {**FAILED, "message": "a line\n" * 1000}
    run = {"kubernetes": "v1.37.1", "image_source": "registry", "tests": [test] * 2000}
    text = report_issues.body([run], RUN)
    assert text.startswith(f"Failed: 2000, seen by {RUN}\n")
    assert len(text) < 65_536


def test_issue_is_closed_only_when_every_minor_was_seen_green(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    night(tmp_path, "1.37", PASSED)
    said["open"] = [{"number": 9, "title": "Other"}]
    report(tmp_path, "1.37")
    assert said["asked"] == [], "no issue of this kind is open"
    said["open"].append({"number": 7, "title": report_issues.TITLE})
    report(tmp_path, "1.37", "1.36")
    assert said["asked"] == [], "1.36 did not run"
    night(tmp_path, "1.36", PASSED)
    night(tmp_path, "1.38", FAILED, preview=True)
    report(tmp_path, "1.37", "1.36")
    assert said["asked"][0][:2] == ("close", "7")
