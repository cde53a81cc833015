"""pytest's side of the live tests: its options, which tests run where, and what they prove."""

from __future__ import annotations

import os
import pickle
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from kubernetes.client import ApiException

from .. import ROOT
from ..cluster.kind import DocsCluster
from ..content.claims import sentences
from ..evidence.record import FAILED, NOT_REACHED, Results, charge, unproved
from ..evidence.states import NOT_ENFORCEABLE, not_enforceable, number
from . import report as run_report
from .api import Api
from .failures import Refused
from .own import OwnCluster, lacking
from .session import Cluster, Session, version_of

NAME = "k8s-basic-live"
FORBIDDEN = 403


def add_options(parser: pytest.Parser) -> None:
    """Add the options that pytest-kind does not have."""
    option = parser.getgroup("k8s-basic").addoption
    option(
        "--image-source",
        default="auto",
        choices=("auto", "registry", "packages"),
        help="where the node image and the workload images come from",
    )
    option("--kubernetes", default=None, help="Kubernetes minor, such as 1.36")
    mirror = "host:port that serves all images under the paths of their own registries"
    option("--registry-mirror", default=None, help=mirror)
    context = "run on this context of your kubeconfig; make no cluster"
    option("--context", default=None, help=context)
    changes = "with --context: also run the tests that touch nodes or cluster-wide objects"
    option("--allow-cluster-changes", action="store_true", help=changes)
    option("--record", action="store_true", help="write the recorded outputs of the pages anew")


def register(config: pytest.Config) -> None:
    """Register the hooks of this process: one starts the run, others may only run tests."""
    worker = hasattr(config, "workerinput")
    config.pluginmanager.register(Worker(config) if worker else Controller(config), NAME)


def of(config: pytest.Config) -> Worker:
    """Return what `register` registered."""
    found: Worker = config.pluginmanager.getplugin(NAME)
    return found


class Worker:
    """The hooks of each process that runs tests; of pytest-xdist's workers they are all."""

    def __init__(self, config: pytest.Config):
        """Nothing happens before the first test."""
        self.config = config

    @property
    def cluster(self) -> Cluster:
        """The cluster that the controlling process made or was given."""
        config: Any = self.config
        cluster: Cluster = pickle.loads(config.workerinput["k8s_basic"])
        return cluster

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Start slow tests first; last exclusive ones, which have the cluster for themselves."""

        def late(item: pytest.Item) -> tuple[bool, bool]:
            exclusive, slow = map(item.get_closest_marker, ("exclusive", "slow"))
            return exclusive is not None, slow is None

        items.sort(key=late)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Leave out, with its reason, what this cluster cannot show or may not be done to it."""
        outcome, reason = why_not(item, self.cluster)
        if outcome:
            # what the results say in place of "skipped", which is for tests nobody declared
            item.user_properties.append(("instead", outcome))
            pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Charge each claim of a test with its own part, and show the sentences that fell."""
        report = yield
        problem = call.excinfo.value if call.excinfo else None
        if report.failed and isinstance(self.cluster, OwnCluster) and _is_forbidden(problem):
            words = str(problem).strip().splitlines()[0]
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: no right to do it here: {words}")
            report.user_properties.append(("instead", "lacking"))
        charge_claims(report, claims_of(item), version_of(self.cluster))
        return report


class Controller(Worker):
    """The hooks of the process that starts the run: cluster and results, whoever runs the tests."""

    def __init__(self, config: pytest.Config):
        """Nothing is started before pytest's session."""
        super().__init__(config)
        self.session, self.results = Session(config), Results()
        self._file: Path | None = None
        self._pytest: pytest.Session | None = None

    @property
    def cluster(self) -> Cluster:
        """The run's cluster; without workers the first test brings it up."""
        try:
            return self.session.start()
        except pytest.UsageError as problem:
            pytest.exit(str(problem), returncode=pytest.ExitCode.USAGE_ERROR)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Make the cluster before the workers start."""
        self._pytest = session
        if self.config.getoption("numprocesses", None) and not self.config.option.collectonly:
            self.session.start()

    @pytest.hookimpl(optionalhook=True)  # of pytest-xdist
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the cluster is."""
        node.workerinput["k8s_basic"] = pickle.dumps(self.session.start())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the results of every worker; end the run when the cluster has gone."""
        self.results.note(report)
        if report.failed and self._pytest and not self.session.still_answers():
            self._pytest.shouldstop = self.session.broken
            if distributor := self.config.pluginmanager.getplugin("dsession"):
                distributor.shouldstop = self.session.broken  # with workers, this flag counts

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the results while the cluster stands; in CI, an undeclared skip is a failure."""
        self._file = run_report.write(self.session, self.results)
        undeclared = [t["test"] for t in self.results.tests if t["outcome"] == "skipped"]
        if undeclared and os.environ.get("CI") == "true":
            names = ", ".join(undeclared)
            print(f"\nerror: skipped without being declared in {NOT_ENFORCEABLE}: {names}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print claims, version and image source under the test results."""
        run_report.show(terminalreporter, self.session, self.results, self._file)

    def pytest_unconfigure(self) -> None:
        """Take the cluster down, also after Ctrl-C."""
        self.session.finish()


def claims_of(item: pytest.Item) -> list[str]:
    """Return the claims that a test is marked with."""
    return [claim for mark in item.iter_markers("claim") for claim in mark.args]


def charge_claims(report: pytest.TestReport, claims: list[str], version: str) -> None:
    """Put what became of each claim into a test's report, and beside a failure their sentences.

    It replaces the property "claims" of the lab, the parts of the test that were reached. A test
    that ends without having proved a claim that it promised to prove by a part is a failure.
    """
    properties: dict[str, Any] = dict(report.user_properties)
    parts = properties.get("claims", {})
    if report.passed and report.when == "call" and (left := unproved(claims, parts)):
        report.outcome = "failed"
        proves = f'with lab.proves("{left[0]}"):'
        report.longrepr = f"no part of the test proved {left[0]}; put what does below `{proves}`"
    ends = charge(claims, parts, report.outcome)
    report.user_properties = [p for p in report.user_properties if p[0] != "claims"]
    report.user_properties.append(("claims", ends))
    for end, words in ((FAILED, "no longer holds"), (NOT_REACHED, "not reached")):
        mine = [claim for claim in claims if report.failed and ends[claim] == end]
        if mine:
            lines = [line for claim in mine for line in sentences(ROOT, claim)]
            text = "\n".join([*lines, f"on Kubernetes {version}"])
            report.sections.append((f"{words}: {' '.join(mine)}", text))


def why_not(item: pytest.Item, cluster: Cluster) -> tuple[str, str]:
    """Return outcome and reason of a test that is not run here, or two empty texts."""
    mark = item.get_closest_marker("claim")
    since = str(mark.kwargs.get("since", "")) if mark else ""
    if since and number(since) > number(version_of(cluster)):
        return "not-applicable", f"holds from Kubernetes {since} on"
    if isinstance(cluster, DocsCluster):
        listed, source = not_enforceable(ROOT), cluster.source.name
        reasons = [listed[c, source]["en"] for c in claims_of(item) if (c, source) in listed]
        return ("not-enforceable", reasons[0]) if reasons else ("", "")
    touches = item.get_closest_marker("exclusive") or item.get_closest_marker("touches_cluster")
    if touches and not item.config.getoption("allow_cluster_changes"):
        return "left-out", "touches nodes or cluster-wide objects; --allow-cluster-changes runs it"
    return "", ""


def leave_out_if_lacking(item: pytest.Item, cluster: Cluster, api: Api) -> None:
    """Skip, and say so, a test that needs what this machine or one's own cluster doesn't have."""
    needs = tuple(need for mark in item.iter_markers("needs") for need in mark.args)
    if isinstance(cluster, DocsCluster):  # which has all else
        needs = tuple(need for need in needs if need == "node-network")
    if missing := lacking(api, needs):
        item.user_properties.append(("instead", "lacking"))
        pytest.skip(f"this cluster lacks {missing}")


def _is_forbidden(problem: BaseException | None) -> bool:
    if isinstance(problem, ApiException):
        return bool(problem.status == FORBIDDEN)
    return isinstance(problem, Refused) and problem.code == FORBIDDEN
