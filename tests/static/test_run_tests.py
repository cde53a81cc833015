"""./scripts/test runs the tiers that were asked for, in order, and fails with the first of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic import ROOT, TESTS, run_tests
from k8s_basic.content.claims import proofs
from k8s_basic.errors import ClusterError

HERE = "tests/static/test_run_tests.py"
LIVE = "tests/live/workloads/test_pod.py"
SITE = "tests/site/test_pages.py"


class Pytest:
    """What pytest was asked to run, and with which code it ended."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.codes: dict[str, int] = {}

    def __call__(self, arguments: list[str]) -> int:
        self.runs.append(arguments)
        return self.codes.get(self.tiers[-1], 0)

    @property
    def tiers(self) -> list[str]:
        """The tiers in the order in which they were run, as their results are named."""
        names = [next(a for a in run if a.startswith("--junitxml=")) for run in self.runs]
        return [Path(name.removeprefix("--junitxml=")).parent.name for name in names]

    def paths(self, tier: str) -> list[str]:
        """The paths that were given to pytest for a tier, as they stand in the repository."""
        run = self.runs[self.tiers.index(tier)]
        words = [word for word in run if not word.startswith("-")]
        found = [word for word in words if (ROOT / word.split("::")[0]).exists()]
        return [word.removeprefix(f"{ROOT}/") for word in found]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Pytest:
    """No pytest is started; what it was asked is remembered."""
    fake = Pytest()
    monkeypatch.setattr(run_tests, "_pytest", fake)
    monkeypatch.setattr(run_tests.debian, "need", lambda programs: None)
    return fake


@pytest.mark.parametrize(
    ("arguments", "tiers"),
    [
        ([], ["static", "site", "live"]),
        (["--static"], ["static"]),
        (["-x", "-k", "pod"], ["static", "site", "live"]),
        ([f"{LIVE}::test_x[a::b]"], ["live"]),
        ([LIVE, HERE], ["static", "live"]),
        (["tests"], ["static", "site", "live"]),
        (["tests", "--site"], ["site"]),
        (["--live", LIVE, HERE], ["live"]),
        (["--live", "--kubernetes", "1.36", "--keep-cluster"], ["live"]),
    ],
)
def test_tiers_are_those_of_the_options_and_paths_in_their_order(
    ran: Pytest, arguments: list[str], tiers: list[str]
) -> None:
    assert run_tests.main(arguments) == 0
    assert ran.tiers == tiers


def test_each_tier_gets_the_paths_that_lie_in_it_and_without_one_all_of_its_tests(
    ran: Pytest,
) -> None:
    run_tests.main([LIVE, HERE, f"{SITE}::test_x"])
    run_tests.main(["--static"])
    assert [ran.paths(tier) for tier in run_tests.TIERS] == [[HERE], [f"{SITE}::test_x"], [LIVE]]
    assert ran.runs[-1][-1] == str(TESTS / "static")


def test_paths_outside_the_chosen_tier_run_nothing_and_neither_does_help(
    ran: Pytest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tests.main(["--site", LIVE]) == 4
    assert capsys.readouterr().err == "error: the given paths do not lie in site\n"
    assert run_tests.main(["--live", "-h"]) == 0
    assert "--keep-cluster" in capsys.readouterr().out
    assert ran.runs == []


def test_options_of_pytest_reach_each_tier_and_ours_do_not(ran: Pytest) -> None:
    run_tests.main(["--static", "--live", "-x", "-n2"])
    for run in ran.runs:
        assert run[-2:] == ["-x", "-n2"]
        assert not {"--static", "--live", "-n"} & {*run}, "nor another number of workers"


@pytest.mark.parametrize("code", [1, 2])
def test_first_tier_that_fails_ends_the_run_with_its_code(
    ran: Pytest, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    ran.codes["site"] = code
    assert run_tests.main([]) == code
    assert ran.tiers == ["static", "site"]
    said = capsys.readouterr().err
    assert "=== static: passed in 0 s" in said
    ended = "interrupted" if code == 2 else "failed"
    assert f"=== site: {ended} in 0 s" in said


def test_missing_browser_is_a_sentence_and_nothing_is_run(
    ran: Pytest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def need(programs: dict[str, str]) -> None:
        raise ClusterError("this needs chromium: install it")

    monkeypatch.setattr(run_tests.browser, "find", lambda: None)
    monkeypatch.setattr(run_tests.debian, "need", need)
    assert run_tests.main(["--site"]) == 3
    assert "error: this needs chromium: install it\n" in capsys.readouterr().err
    assert ran.runs == []
    assert run_tests.main(["--static"]) == 0  # which needs no browser


def test_path_of_an_example_runs_the_tests_that_apply_it_with_no_more_workers(ran: Pytest) -> None:
    run_tests.main(["examples/start/first-cluster/first-pod.yaml"])
    (run,) = ran.runs
    wanted = {
        f"{proof.path}::{proof.test}"
        for proof in proofs(ROOT)[0]
        if "start/first-cluster/first-pod.yaml" in proof.examples
    }
    assert {a for a in run if "::" in a} == wanted
    assert run[run.index("-n") + 1] == str(min(run_tests.LIVE_WORKERS, len(wanted)))
