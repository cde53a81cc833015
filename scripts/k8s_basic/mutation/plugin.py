"""pytest's side of the mutants: `--mutants FILE` runs the trials that the file lists.

Every test runs unchanged as well, under the same limits; only a test that passes so can kill.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import pytest

from ..live.failures import Refused
from ..live.lab import Lab, Variation
from .trials import UNCHANGED, Outcome, Result, Trial, decide, outcomes, outcomes_file

WAIT_SCALE = 0.5
DECIDED = "another test has decided about this mutant"


def add_options(parser: pytest.Parser) -> None:
    """Add the option that `./scripts/mutate` gives."""
    text = "run the mutants of this file; ./scripts/mutate writes it"
    parser.getgroup("k8s-basic").addoption("--mutants", default=None, metavar="FILE", help=text)


def judge(problem: BaseException | None) -> Result:
    """Return what a test's end says of a mutant: killed by what it demands, refused, or an error.

    A test demands by an assertion, also one of a verb. The API server refuses what it takes for
    wrong itself; anything else is trouble of our own and proves nothing.
    """
    if problem is None:
        return "passed"
    if isinstance(problem, pytest.skip.Exception):
        return "skipped"
    if isinstance(problem, Refused):
        # the node port of a test that runs beside it says nothing about the mutant
        return "error" if "already allocated" in problem.message else "refused"
    demanded = isinstance(problem, AssertionError | pytest.fail.Exception)
    return "killed" if demanded else "error"


class Run:
    """The hooks of a run of mutants, in the controlling process and in each worker."""

    def __init__(self, config: pytest.Config):
        """Read the trials; the controlling process forgets what an earlier run found out.

        Raises pytest.UsageError for a cluster of the user's, where mutants might do harm.
        """
        if config.getoption("context", None):
            raise pytest.UsageError("mutants run on a cluster of their own; leave out --context")
        listed = json.loads(Path(config.getoption("mutants")).read_text(encoding="utf-8"))
        trials = [Trial(UNCHANGED), *(Trial(**trial) for trial in listed)]
        self.trials = {trial.id: trial for trial in trials}
        self.root, self.is_worker = config.rootpath, hasattr(config, "workerinput")
        if not self.is_worker:
            outcomes_file(self.root).unlink(missing_ok=True)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Multiply a test: once unchanged, once for each trial that it is part of."""
        test = metafunc.definition.nodeid
        mine = [trial for trial in self.trials.values() if test in trial.tests]
        if mine and "variation" in metafunc.fixturenames:
            varied = [_variation(trial) for trial in (self.trials[UNCHANGED], *mine)]
            metafunc.parametrize("variation", varied, indirect=True, ids=[v.name for v in varied])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave the other tests out; the unchanged first, then each mutant's likeliest killer."""
        config.hook.pytest_deselected(items=[item for item in items if not name_of(item)])
        items[:] = sorted((item for item in items if name_of(item)), key=self._rank)
        for item in items:
            if self.trials[name_of(item)].alone:
                item.add_marker(pytest.mark.exclusive)

    def _rank(self, item: pytest.Item) -> tuple[bool, bool, int]:
        """Return an item's place in the run; those that want the cluster alone come last."""
        trial = self.trials[name_of(item)]
        exclusive = item.get_closest_marker("exclusive") is not None
        place = trial.tests.index(test_of(item)) + 1 if trial.tests else 0
        return trial.alone, exclusive, place

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Run nothing more about a mutant once a test, of any worker, has decided about it."""
        trial = self.trials[name_of(item)]
        end = decide([trial], outcomes(self.root)).get(trial.id)
        if end and end.result in ("killed", "refused"):
            pytest.skip(DECIDED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Put the objects of another lesson beside those of the test, if the run is about that."""
        if beside := self.trials[name_of(item)].beside:
            lab: Lab = item.funcargs["lab"]  # type: ignore[attr-defined]
            lab.apply(beside)
            lab.becomes("pods", len)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge how a test ended; to pytest, a mutant's test then has passed."""
        report = yield
        # with an example changed or shorter limits, nothing is evidence
        kept = [pair for pair in report.user_properties if pair[0] not in {"claims", "recordings"}]
        report.user_properties = kept
        problem = call.excinfo.value if call.excinfo else None
        if str(problem) == DECIDED or (report.passed and call.when != "call"):
            return report
        result = judge(problem)
        if result == "killed" and call.when != "call":
            result = "error"
        message = str(problem or "").strip().partition("\n")[0][:300]
        outcome = Outcome(name_of(item), test_of(item), result, message)
        report.user_properties.append(("mutation", asdict(outcome)))
        if report.failed and outcome.trial != UNCHANGED:
            report.outcome, report.longrepr, report.sections = "passed", None, []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep each outcome as it comes from a worker: others read it, and a broken-off run's."""
        outcome = dict(report.user_properties).get("mutation")
        if outcome and not self.is_worker:
            with outcomes_file(self.root).open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome, ensure_ascii=False) + "\n")


def _variation(trial: Trial) -> Variation:
    overlay = {name: Path(file) for name, file in (trial.overlay or {}).items()}
    return Variation(trial.id, overlay, WAIT_SCALE, trial.applies)


def name_of(item: pytest.Item) -> str:
    """Return the trial that an item is part of, or nothing."""
    spec = getattr(item, "callspec", None)
    return getattr(spec.params.get("variation"), "name", "") if spec else ""


def test_of(item: pytest.Item) -> str:
    """Return the node id of the test function behind an item."""
    return item.nodeid.partition("[")[0]
