"""./scripts/waits shows where the time of the last live run went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.evidence import record
from k8s_basic.live import waits


def result(name: str, seconds: float, **waited: float) -> dict[str, Any]:
    """One test of the results."""
    noted = [{"wait": kind, "what": "x", "seconds": s, "bound": 60} for kind, s in waited.items()]
    about = {"test": f"tests/live/{name}", "date": "2026-01-02"}
    return {**about, "seconds": seconds, "waits": noted}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the evidence of the last run."""
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "1.37-packages.json"


def test_only_holds_are_unavoidable_and_all_waits_count_as_waited() -> None:
    test = result("a", 20, becomes=1.5, stays=5.0, http=0.5)
    assert (waits.chain(test), waits.waited(test)) == (5.0, 7.0)
    assert (waits.chain(result("b", 1)), waits.waited(result("b", 1))) == (0.0, 0.0)


def test_without_a_run_there_is_a_sentence_and_a_failure(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert waits.main() == 1
    assert "./scripts/test --live" in capsys.readouterr().out


def test_file_cut_in_half_is_told_in_a_sentence(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write_text('{"started": "2026')
    assert waits.main() == 1
    assert "cut off" in capsys.readouterr().out


def test_tests_that_waited_longest_are_shown_first_with_the_sums_of_all(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [result(f"test_{n}.py::a", 1, becomes=0.01 * n) for n in range(1, waits.SHOWN + 1)]
    tests = [*many, result("slow.py::b", 9, becomes=1, stays=7), result("mid.py::c", 3, http=2)]
    earlier = {**result("test_old.py::a", 99, becomes=99), "date": "2025-12-31"}
    run = {"started": "2026-01-01", "seconds": 61.4, "tests": [*tests, earlier]}
    results.write_text(json.dumps(run))
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
    results.write_text(json.dumps({"started": "2026-01-01", "seconds": 40, "tests": []}))
    assert waits.main() == 0
    assert "unavoidable holds 0 s" in " ".join(capsys.readouterr().out.split())
