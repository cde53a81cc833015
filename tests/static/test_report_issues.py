"""A failed claim gets one issue, which follows it until it holds again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import report_issues

TEST = "tests/live/workloads/test_labels_and_selectors.py::test_one"
MINORS = ["1.37", "1.36"]
PREVIEW = "v1.38.0"
# `gh api`, with the issues of one repository in a file.
GH = """\
#!{python}
import json, pathlib, re, sys
assert sys.argv[1:3] == ["api", "--method"]
method, path, *options = sys.argv[3:]
assert path.startswith("repos/{{owner}}/{{repo}}/issues")
store = pathlib.Path({store!r})
issues = json.loads(store.read_text())
number = int((re.search(r"/issues/(\\d+)", path) or [0, 0])[1])
if method == "GET":
    assert options == ["--paginate", "--slurp"] and "creator=github-actions%5Bbot%5D" in path
    newest = issues[::-1]
    print(json.dumps([newest[i : i + 100] for i in range(0, len(newest) or 1, 100)]))
else:
    assert options == ["--input", "-"]
    fields = json.load(sys.stdin)
    if path.endswith("/comments"):
        issues[number - 1]["comments"].append(fields["body"])
    elif number:
        issues[number - 1].update(fields)
    else:
        issues.append({{"number": len(issues) + 1, "state": "open", "comments": [], **fields}})
    store.write_text(json.dumps(issues))
    print("{{}}")
"""


class Hub:
    """The issues of a repository of our own, and nights that report to it."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "issues.json"
        self.store.write_text("[]")
        self.results = folder / "results"

    @property
    def issues(self) -> list[dict[str, Any]]:
        """Every issue, the oldest first."""
        found: list[dict[str, Any]] = json.loads(self.store.read_text())
        return found

    def night(self, **outcomes: dict[str, str]) -> None:
        """Report a night: version (`v1_37_2`) → claim → outcome."""
        for old in self.results.rglob("*.json"):
            old.unlink()
        for name, claims in outcomes.items():
            version = name.replace("_", ".")
            tests = [
                {"claims": {c: {}}, "test": TEST, "outcome": outcome, "message": f"{c} @you"}
                for c, outcome in claims.items()
            ]
            run = {"kubernetes": version, "image_source": "packages", "tests": tests}
            run["preview"] = version == PREVIEW
            home = self.results / f"evidence-{version}" / "evidence"
            home.mkdir(parents=True, exist_ok=True)
            (home / f"{version}-packages.json").write_text(json.dumps(run))
        assert report_issues.main([str(self.results), "--minors", json.dumps(MINORS)]) == 0


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A GitHub of our own behind `gh`."""
    hub = Hub(tmp_path)
    (gh := tmp_path / "gh").write_text(GH.format(python=sys.executable, store=str(hub.store)))
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("RUN", "https://hub.invalid/o/r/actions/runs/7")
    return hub


def test_issue_is_opened_updated_closed_and_reopened(hub: Hub) -> None:
    both = {"WL-1": "passed", "WL-2": "passed"}
    fails = {**both, "WL-2": "failed"}
    hub.night(v1_37_2=both, v1_36_3=fails)
    (issue,) = hub.issues
    assert issue["title"].split()[0] == "WL-2"
    for text in (
        "Page: `workloads/labels-and-selectors`",
        TEST,
        "Fails on: v1.36.3",
        "Holds on: v1.37.2",
        "images from packages",
        "\n    WL-2 @you",
        "https://hub.invalid/o/r/actions/runs/7",
    ):
        assert text in issue["body"]

    hub.night(v1_37_2=fails, v1_36_3=fails)
    (issue,) = hub.issues
    assert "Fails on: v1.37.2, v1.36.3" in issue["body"]
    assert "Holds on: none" in issue["body"]

    hub.night(v1_37_2=both)
    assert hub.issues[0]["state"] == "open", "1.36 did not run, so nothing is known of it"
    for outcome in ("skipped", "not-enforceable"):
        hub.night(v1_37_2=both, v1_36_3={**both, "WL-2": outcome})
        assert hub.issues[0]["state"] == "open", f"{outcome} is not seen to hold"

    hub.night(v1_37_2=both, v1_36_3=both)
    assert hub.issues[0]["state"] == "closed"
    hub.night(v1_37_2=both, v1_36_3=both)
    assert len(hub.issues[0]["comments"]) == 1

    hub.night(v1_37_2=fails, v1_36_3=both)
    (issue,) = hub.issues
    assert issue["state"] == "open"
    hub.night(v1_37_2=both, v1_36_3={**both, "WL-2": "not-applicable"})
    assert hub.issues[0]["state"] == "closed", "it says itself that it begins with 1.37"


def test_preview_opens_no_issue_and_keeps_none_open(hub: Hub) -> None:
    holds, fails = {"WL-1": "passed"}, {"WL-1": "failed"}
    hub.night(v1_38_0=fails, v1_37_2=holds, v1_36_3=holds)
    assert not hub.issues
    hub.night(v1_37_2=fails, v1_36_3=holds)
    hub.night(v1_38_0=fails, v1_37_2=holds, v1_36_3=holds)
    assert hub.issues[0]["state"] == "closed"


def test_every_issue_is_found_again(hub: Hub) -> None:
    many = [{"number": n, "title": f"WL-{n} fails", "state": "open"} for n in range(1, 151)]
    hub.store.write_text(json.dumps(many))
    hub.night(v1_37_2={"WL-1": "failed", "WL-150": "failed"})
    assert len(hub.issues) == 150


def test_night_without_a_report_changes_nothing(hub: Hub) -> None:
    hub.night()
    assert not hub.issues


def test_long_message_fits_into_an_issue() -> None:
    long = report_issues.Result("WL-1", "failed", TEST, "v1.37.2", "packages", "x\n" * 50_000)
    assert len(report_issues.body([long] * 3, "run")) < 65_536
