"""./scripts/waits shows where the time of the last live run went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.live import waits


def result(name: str, seconds: float, **waited: float) -> dict[str, Any]:
    """One test of the results."""
    noted = [{"wait": kind, "what": "x", "seconds": s, "bound": 60} for kind, s in waited.items()]
    return {"test": f"tests/live/{name}", "seconds": seconds, "waits": noted}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the results of the last run."""
    monkeypatch.setattr(waits, "RESULTS", tmp_path / "results.json")
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "results.json"


def test_only_holds_are_unavoidable_and_all_waits_count_as_waited() -> None:
    test = result("a", 20, becomes=1.5, stays=5.0, http=0.5)
    assert (waits.chain(test), waits.waited(test)) == (5.0, 7.0)
    assert (waits.chain(result("b", 1)), waits.waited(result("b", 1))) == (0.0, 0.0)


def test_without_a_run_there_is_a_sentence_and_a_failure(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert waits.main() == 1
    assert "./scripts/test --live" in capsys.readouterr().out


def test_tests_that_waited_longest_are_shown_first_with_the_sums_of_all(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [result(f"test_{n}.py::a", 1, becomes=0.01 * n) for n in range(1, waits.SHOWN + 1)]
    tests = [*many, result("slow.py::b", 9, becomes=1, stays=7), result("mid.py::c", 3, http=2)]
    results.write_text(json.dumps({"seconds": 61.4, "tests": tests}))
    assert waits.main() == 0
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if "::" in line]
    assert len(rows) == waits.SHOWN
    assert [cell.strip() for cell in rows[0].split("│")[1:5]] == ["slow.py::b", "9.0", "8.0", "7.0"]
    assert "mid.py::c" in rows[1]
    assert "test_1.py" not in out
    last = " ".join(out[out.index("wall time") :].split())
    assert last.startswith("wall time of the run 61 s")
    assert "sum of all waits 11 s; longest chain of unavoidable holds 7 s" in last


def test_run_in_which_no_test_ran_has_no_longest_chain(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write_text(json.dumps({"seconds": 40, "tests": []}))
    assert waits.main() == 0
    assert "unavoidable holds 0 s" in " ".join(capsys.readouterr().out.split())
