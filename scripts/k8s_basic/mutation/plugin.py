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

from .. import BUILD
from ..live.failures import Refused
from ..live.lab import Lab, Variation

FOLDER = BUILD / "mutation"
OUTCOMES = FOLDER / "outcomes.jsonl"
STATE = FOLDER / "state"  # what the workers tell each other: a file says that something is so
WAIT_SCALE = 0.5
UNCHANGED = "unchanged"
DECIDED = "another test has decided about this mutant"
PASSED, KILLED, REFUSED, ERROR, SKIPPED = "passed", "killed", "refused", "error", "skipped"


def add_options(parser: pytest.Parser) -> None:
    """Add the option that `./scripts/mutate` gives."""
    text = "run the mutants of this file; ./scripts/mutate writes it"
    parser.getgroup("k8s-basic").addoption("--mutants", default=None, metavar="FILE", help=text)


def judge(problem: BaseException | None) -> str:
    """Return what a test's end says of a mutant: killed by what it demands, refused, or an error.

    A test demands by an assertion, also one of a verb. The API server refuses what it takes for
    wrong itself; anything else is trouble of our own and proves nothing.
    """
    if problem is None:
        return PASSED
    if isinstance(problem, Refused):
        # the node port of a test that runs beside it says nothing about the mutant
        return ERROR if "already allocated" in problem.message else REFUSED
    return KILLED if isinstance(problem, AssertionError | pytest.fail.Exception) else ERROR


class Run:
    """The hooks of a run of mutants, in the controlling process and in each worker."""

    def __init__(self, config: pytest.Config):
        """Read the mutants; the controlling process forgets what an earlier run found out."""
        listed = json.loads(Path(config.getoption("mutants")).read_text(encoding="utf-8"))
        self.entries: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in listed}
        self.is_worker = hasattr(config, "workerinput")
        if not self.is_worker:
            shutil.rmtree(STATE, ignore_errors=True)
            STATE.mkdir(parents=True)
            OUTCOMES.unlink(missing_ok=True)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Multiply a test: once unchanged, once for each mutant of the examples it uses."""
        test = metafunc.definition.nodeid
        mine = [entry for entry in self.entries.values() if test in entry["tests"]]
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
        """Judge how a test ended; to pytest, a mutant's test then has passed."""
        report = yield
        # under a mutant, nothing is evidence; nor is it with shorter limits
        report.user_properties = [
            pair for pair in report.user_properties if pair[0] not in {"claims", "recordings"}
        ]
        if (report.skipped and DECIDED in str(report.longrepr)) or (
            report.passed and call.when != "call"
        ):
            return report
        name, problem = name_of(item), call.excinfo.value if call.excinfo else None
        result = SKIPPED if report.skipped else judge(problem)
        if result == KILLED and call.when != "call":
            result = ERROR
        _tell(name, test_of(item), result)
        outcome = {
            "mutant": name,
            "test": test_of(item),
            "result": result,
            "message": str(problem or "").strip().partition("\n")[0][:300],
            "seconds": round(call.stop - call.start, 1),
        }
        report.user_properties.append(("mutation", outcome))
        if report.failed and name != UNCHANGED:
            report.outcome, report.longrepr, report.sections = "passed", None, []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep each outcome as it comes from a worker, so that an interrupted run loses none."""
        outcome = dict(report.user_properties).get("mutation")
        if outcome and not self.is_worker:
            with OUTCOMES.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome, ensure_ascii=False) + "\n")


def _variation(entry: dict[str, Any]) -> Variation:
    overlay = {entry["example"]: Path(entry["file"])} if "example" in entry else {}
    return Variation(entry["id"], overlay, WAIT_SCALE, entry.get("applies", True))


def name_of(item: pytest.Item) -> str:
    """Return the mutant that an item runs against, `unchanged`, or nothing."""
    spec = getattr(item, "callspec", None)
    variation = spec.params.get("variation") if spec else None
    return variation.name if isinstance(variation, Variation) else ""


def test_of(item: pytest.Item) -> str:
    """Return the node id of the test function behind an item."""
    return item.nodeid.partition("[")[0]


def _tell(mutant: str, test: str, result: str) -> None:
    """Tell the other workers what an outcome decides."""
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
