"""pytest's side of the mutants: `--mutants FILE` runs each of them against the tests that use it.

Every test runs unchanged as well, under the same limits; only a test that passes so can kill.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .. import BUILD, EXAMPLES
from ..live.lab import Lab, Variation
from .classes import load
from .judge import ERROR, KILLED, PASSED, REFUSED, SKIPPED, first_line, frames_of, judge

FOLDER = BUILD / "mutation"
OUTCOMES = FOLDER / "outcomes.json"
STATE = FOLDER / "state"  # what the workers tell each other: a file says that something is so
WAIT_SCALE = 0.5
UNCHANGED = "unchanged"
DECIDED = "another test has decided about this mutant"


def add_options(parser: pytest.Parser) -> None:
    """Add the option that `./scripts/mutate` gives."""
    text = "run the mutants of this file; ./scripts/mutate writes it"
    parser.getgroup("k8s-basic").addoption("--mutants", default=None, metavar="FILE", help=text)


class Run:
    """The hooks of a run of mutants, in the controlling process and in each worker."""

    def __init__(self, config: pytest.Config):
        """Read the mutants; the controlling process forgets what an earlier run found out."""
        entries = json.loads(Path(config.getoption("mutants")).read_text(encoding="utf-8"))
        self.entries: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in entries}
        self.outcomes: list[dict[str, Any]] = []
        self.is_worker = hasattr(config, "workerinput")
        if not self.is_worker:
            shutil.rmtree(STATE, ignore_errors=True)
            STATE.mkdir(parents=True)
            OUTCOMES.unlink(missing_ok=True)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Multiply a test: once unchanged, once for each mutant of the examples it uses."""
        test = metafunc.definition.nodeid
        mine = [e for e in self.entries.values() if test in e["tests"]]
        if mine and "variation" in metafunc.fixturenames:
            varied = [Variation(UNCHANGED, {}, WAIT_SCALE), *map(_variation, mine)]
            metafunc.parametrize("variation", varied, indirect=True, ids=[v.name for v in varied])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave the other tests out; the unchanged first, then each mutant's likeliest killer."""
        config.hook.pytest_deselected(items=[item for item in items if not name_of(item)])
        items[:] = sorted((item for item in items if name_of(item)), key=self._rank)
        for item in items:
            if self._rank(item)[0]:
                item.add_marker(pytest.mark.exclusive)

    def _rank(self, item: pytest.Item) -> tuple[bool, bool, int]:
        """Return an item's place in the run; those that want the cluster alone come last."""
        entry = self.entries.get(name_of(item), {"alone": False, "tests": []})
        exclusive = item.get_closest_marker("exclusive") is not None
        place = entry["tests"].index(test_of(item)) + 1 if entry["tests"] else 0
        return entry["alone"], exclusive, place

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Run nothing more about a mutant once it is decided."""
        if told("decided", name_of(item)):
            pytest.skip(DECIDED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Put the objects of another lesson beside those of the test, if the run is about that."""
        if foreign := self.entries.get(name_of(item), {}).get("foreign"):
            lab: Lab = item.funcargs["lab"]  # type: ignore[attr-defined]
            lab.apply(foreign)
            lab.becomes("pods", len)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge a failure where its traceback is; to pytest, a mutant's test then has passed."""
        report = yield
        # under a mutant, nothing is evidence; nor is it with shorter limits
        kept = [
            (key, v) for key, v in report.user_properties if key not in {"claims", "recordings"}
        ]
        report.user_properties = kept
        if is_decided(report) or (report.passed and call.when != "call"):
            return report
        name, problem = name_of(item), call.excinfo.value if call.excinfo else None
        outcome = {
            "mutant": name,
            "test": test_of(item),
            "result": SKIPPED if report.skipped else self._result(name, problem, call.when),
            "message": first_line(problem) if problem else "",
            "seconds": round(call.stop - call.start, 1),
        }
        _tell(outcome)
        report.user_properties.append(("mutation", outcome))
        if report.failed and name != UNCHANGED:
            report.outcome, report.longrepr, report.sections = "passed", None, []
        return report

    def _result(self, name: str, problem: BaseException | None, when: str) -> str:
        if problem is None:
            return PASSED
        if name == UNCHANGED or when == "teardown":
            return ERROR
        if "example" not in self.entries[name]:
            return KILLED  # a whole test: however it falls, it does not pass by absence
        # a field that the example leaves out was filled in by the cluster: to read it is no echo
        adds = self.entries[name].get("adds", False)
        unchanged = [] if adds else load(EXAMPLES / self.entries[name]["example"])
        return judge(problem, frames_of(problem), unchanged)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show a mutant's end as a letter of its own, and nothing of what was not run."""
        if is_decided(report):
            return "", "", ""
        about = outcome_of(report)
        if not about or about["mutant"] == UNCHANGED or report.skipped:
            return None
        result = str(about["result"])
        word = "survives" if result == PASSED else result
        return word, word[0], word.upper()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the outcomes, which arrive in the controlling process from every worker."""
        about = outcome_of(report)
        if about and not self.is_worker:
            self.outcomes.append(about)

    def pytest_sessionfinish(self) -> None:
        """Leave the outcomes for `./scripts/mutate`, also of a run that was interrupted."""
        if not self.is_worker:
            OUTCOMES.write_text(json.dumps(self.outcomes, indent=1), encoding="utf-8")


def _variation(entry: dict[str, Any]) -> Variation:
    overlay = {entry["example"]: Path(entry["file"])} if "example" in entry else {}
    return Variation(entry["id"], overlay, WAIT_SCALE, entry.get("applies", True))


def outcome_of(report: pytest.TestReport) -> dict[str, Any] | None:
    """Return what a worker has found out in the run that a report is of."""
    about: dict[str, Any] = dict(report.user_properties)
    return about.get("mutation")


def is_decided(report: pytest.TestReport) -> bool:
    """Tell whether a test was not run because its mutant's end was known."""
    return report.skipped and DECIDED in str(report.longrepr)


def name_of(item: pytest.Item) -> str:
    """Return the mutant that an item runs against, `unchanged`, or nothing."""
    spec = getattr(item, "callspec", None)
    variation = spec.params.get("variation") if spec else None
    return variation.name if isinstance(variation, Variation) else ""


def test_of(item: pytest.Item) -> str:
    """Return the node id of the test function behind an item."""
    return item.nodeid.partition("[")[0]


def _tell(outcome: dict[str, Any]) -> None:
    """Tell the other workers what this outcome decides."""
    mutant, test, result = outcome["mutant"], outcome["test"], outcome["result"]
    if mutant == UNCHANGED and result == PASSED:
        _file("passed", test).touch()
    # a kill by a test that has not yet passed unchanged may turn out to be none
    elif result == REFUSED or (result == KILLED and told("passed", test)):
        _file("decided", mutant).touch()


def told(what: str, name: str) -> bool:
    """Tell whether a worker has said so."""
    return _file(what, name).exists()


def _file(what: str, name: str) -> Path:
    return STATE / f"{what}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
