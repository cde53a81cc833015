"""pytest's side of the live tests: one cluster per run, results per claim, a guard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from kubernetes.client import ApiException

from .. import BUILD, ROOT, cache_dir
from ..cluster import engine as engines
from ..cluster import versions
from ..cluster.cgroup import of_nodes
from ..cluster.kind import DocsCluster
from ..cluster.lifecycle import Lifecycle, Wish
from ..cluster.sources import Source
from ..content.claims import sentences
from ..errors import ClusterError
from ..evidence import FOLDER
from ..evidence.record import Results
from ..evidence.states import NOT_ENFORCEABLE, not_enforceable, number
from .api import Api
from .failures import Refused
from .ledger import Ledger
from .own import OwnCluster, lacking

DEFAULT_NAME = "k8s-basic-test"
WATCH_EVERY = 5.0  # seconds between two looks at the node containers
OWN_REPORTS = BUILD / "own-cluster"  # kept apart from the site's evidence
FORBIDDEN = 403
BROKEN = "broken"  # a file beside the cluster: what the controlling process saw of it


def add_options(parser: pytest.Parser) -> None:
    """Add the options that pytest-kind does not have."""
    group = parser.getgroup("k8s-basic")
    group.addoption(
        "--image-source",
        default="auto",
        choices=("auto", "registry", "packages"),
        help="where the node image and the workload images come from",
    )
    group.addoption("--kubernetes", default=None, help="Kubernetes minor, such as 1.36")
    group.addoption(
        "--registry-mirror",
        default=None,
        help="host:port that serves all images under the paths of their own registries",
    )
    group.addoption(
        "--context", default=None, help="run on this context of your kubeconfig; make no cluster"
    )
    group.addoption(
        "--allow-cluster-changes",
        action="store_true",
        help="with --context: also run the tests that touch nodes or cluster-wide objects",
    )
    group.addoption(
        "--record", action="store_true", help="write the recorded outputs of the pages anew"
    )


class Session:
    """The run as its controlling process sees it: cluster, guard, results."""

    def __init__(self, config: pytest.Config):
        """Nothing is started before `start`."""
        option = config.getoption
        name = option("cluster_name")
        kubeconfig = option("kubeconfig")
        self.lifecycle = Lifecycle(
            Wish(
                DEFAULT_NAME if name == "pytest-kind" else name,
                bool(option("keep_cluster")),
                option("image_source"),
                option("kubernetes"),
                option("registry_mirror"),
                Path(kubeconfig).resolve() if kubeconfig else None,
            )
        )
        self.context: str | None = option("context")
        self.cluster: DocsCluster | OwnCluster | None = None
        self.results = Results()
        self._kubeconfig = kubeconfig
        self._done = threading.Event()
        self._session: pytest.Session | None = None
        self.file: Path | None = None
        self.broken = ""

    def start(self) -> DocsCluster | OwnCluster:
        """Bring the cluster up once; raises UsageError with a sentence when that is impossible."""
        if self.cluster is None:
            try:
                self.cluster = (
                    OwnCluster.of(self.context, self._kubeconfig)
                    if self.context
                    else self.lifecycle.start()
                )
            except ClusterError as problem:
                raise pytest.UsageError(f"no live test was run: {problem}") from None
            (turns(self.cluster) / BROKEN).unlink(missing_ok=True)
        return self.cluster

    def guard(self, session: pytest.Session) -> None:
        """Watch over the node containers in a thread, and end the run when one stops."""
        self._session = session
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(WATCH_EVERY):
            self._stop_if_broken()

    def _stop_if_broken(self) -> None:
        """End the run with a sentence when its cluster is broken: what follows could only fail."""
        sentence = what_broke(self.cluster)
        if sentence and self.cluster and self._session and not self._done.is_set():
            self._done.set()
            self.broken = self._session.shouldstop = sentence
            (turns(self.cluster) / BROKEN).write_text(sentence, encoding="utf-8")
            distributor = self._session.config.pluginmanager.getplugin("dsession")
            if distributor:
                distributor.shouldstop = sentence  # xdist looks at its own flag only

    def finish(self) -> None:
        """Remove what this run made."""
        self._done.set()
        try:
            if self.cluster and (self.context or self.lifecycle.wish.keep):
                kubectl = Path(str(self.cluster.kubectl_path))
                Ledger(turns(self.cluster)).settle(kubectl, self.cluster.env)
            if isinstance(self.cluster, OwnCluster):
                self.cluster.close()
            self.lifecycle.finish()
        except ClusterError as problem:
            print(f"error: {problem}")
        except subprocess.TimeoutExpired:
            print("error: the API server was too slow to take back what an interrupted run made")
        if self.broken:
            print(f"error: {self.broken}")

    def note(self, report: pytest.TestReport) -> None:
        """Keep the outcome of one test for the results."""
        if report.failed and not self._done.is_set():
            self._stop_if_broken()
        self.results.note(report)

    @property
    def about(self) -> OwnCluster | Source | None:
        """What says of itself which cluster this is."""
        return self.cluster.source if isinstance(self.cluster, DocsCluster) else self.cluster

    def write_results(self) -> None:
        """Write what the run saw: as the site's evidence, or as the report on one's own cluster."""
        folder = FOLDER
        if isinstance(self.cluster, OwnCluster):
            folder = OWN_REPORTS / re.sub(r"[^\w.-]+", "-", self.cluster.name)
        # what was seen on a broken cluster says nothing of any sentence
        if self.about and self.results.tests and not self.broken:
            about = self.about.record()
            if isinstance(self.cluster, DocsCluster):
                about |= of_nodes(self.cluster)
            if self.lifecycle.wish.mirror and about["image_source"] == "registry":
                about["registry_mirror"] = self.lifecycle.wish.mirror
            self.file = self.results.write(about, folder)

    def summary(self, terminal: TerminalReporter) -> None:
        """Print how many claims hold, on what, and what was not run and why."""
        if not self.about:
            return
        terminal.section("claims")
        terminal.line(self.about.sentence())
        for reference in self.about.stand_ins:
            terminal.line(f"  stand-in: {reference}")
        held, fell = self.results.claims("passed"), self.results.claims("failed")
        terminal.line(f"{len(held)} claims hold, {len(fell)} do not {' '.join(fell)}")
        for test in self.results.tests:
            if test["outcome"] not in ("passed", "failed"):
                claims = " ".join(test["claims"])
                terminal.line(f"  {test['outcome']}: {claims}: {test['reason']}")
        if self.results.not_run:
            total = sum(self.results.not_run.values())
            terminal.line(f"{total} command blocks of the pages are marked as not to be run here")
        for text in self.results.elsewhere.values():
            terminal.line(f"not as recorded, and reported only, on this version:\n{text}")
        if self.file:
            terminal.line(f"evidence: {self.file.relative_to(ROOT)}")


SESSION = pytest.StashKey[Session]()


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def workers(config: pytest.Config) -> bool:
    """Tell whether this process distributes the tests to workers."""
    return not is_worker(config) and bool(config.getoption("numprocesses", None))


def what_broke(cluster: DocsCluster | OwnCluster | None) -> str:
    """Return the sentence that says why no further test can run on this cluster, or nothing."""
    if not isinstance(cluster, DocsCluster):
        return ""
    try:
        stopped = cluster.stopped_nodes()
    except ClusterError:
        return "the Docker engine stopped answering during the run; start it, then run again"
    if not stopped:
        return ""
    return (
        f"node {', '.join(stopped)} stopped during the run; run again (a kept cluster must be "
        "removed first, with ./scripts/clean --cluster)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's session, in the controlling process only."""
    if not is_worker(config):
        config.stash[SESSION] = Session(config)
        _CONTROLLER.append(config.stash[SESSION])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the cluster before the workers start; without workers the first test makes it."""
    config = session.config
    if is_worker(config):
        signal.signal(signal.SIGUSR1, _give_up)
        threading.Thread(target=_end_when_broken, args=(config,), daemon=True).start()
        return
    if workers(config) and not config.option.collectonly:
        config.stash[SESSION].start()
    config.stash[SESSION].guard(session)


def _end_when_broken(config: pytest.Config) -> None:
    """End a worker's test in the middle of a wait: on a broken cluster it could only run out."""
    cluster = attach(_cluster(config))
    while not (turns(cluster) / BROKEN).exists():
        time.sleep(WATCH_EVERY / 5)
    os.kill(os.getpid(), signal.SIGUSR1)


_IN_TEST = threading.Event()


def _give_up(*_: Any) -> None:
    """Fail the test that is running; between tests there is nothing to end."""
    if _IN_TEST.is_set():
        pytest.fail("the cluster broke during this test", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Know when a test is running, so that only then it is ended."""
    _IN_TEST.set()
    try:
        return (yield)
    finally:
        _IN_TEST.clear()


class WorkerSetup:
    """The hook of pytest-xdist, registered only where pytest-xdist is in use."""

    @staticmethod
    def pytest_configure_node(node: Any) -> None:
        """Tell a worker where the cluster is."""
        node.workerinput["k8s_basic"] = describe(node.config.stash[SESSION].start())


def describe(cluster: DocsCluster | OwnCluster) -> dict[str, Any]:
    """Return a cluster as plain data that travels to a worker."""
    if isinstance(cluster, OwnCluster):
        return {
            "context": cluster.name,
            "kubeconfig": str(cluster.kubeconfig_path),
            "kubectl": str(cluster.kubectl_path),
            "version": cluster.version(),
        }
    source = cluster.source
    return {
        "name": cluster.name,
        "kubeconfig": str(cluster.kubeconfig_path),
        "docker_host": cluster.engine.host,
        "source": source.name,
        "minor": source.kubernetes.minor,
        "version": source.kubernetes.version,
        "node_image": source.node_image,
        "kind": str(source.kind),
        "kubectl": str(source.kubectl),
    }


def attach(data: dict[str, Any]) -> DocsCluster | OwnCluster:
    """Return, in a worker, the cluster that the controlling process made or was given."""
    if "context" in data:
        return OwnCluster(data["context"], Path(data["kubeconfig"]), Path(data["kubectl"]))
    kube = replace(versions.kubernetes(data["minor"]), version=data["version"])
    kind, kubectl = Path(data["kind"]), Path(data["kubectl"])
    source = Source(data["source"], kube, data["node_image"], kind, kubectl)
    engine = engines.Engine(data["docker_host"], ours=False)
    return DocsCluster(data["name"], Path(data["kubeconfig"]), source, engine)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start slow tests first and those that want the cluster alone last; name what can't run."""
    for item in items:
        item.user_properties.append(("claims", claims_of(item)))
    items.sort(
        key=lambda i: (
            i.get_closest_marker("exclusive") is not None,
            i.get_closest_marker("slow") is None,
        )
    )


def claims_of(item: pytest.Item) -> list[str]:
    """Return the claims that a test is marked with."""
    return [claim for mark in item.iter_markers("claim") for claim in mark.args]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out, with its reason, what this cluster cannot show or may not be done to it."""
    outcome, reason = why_not(item)
    if outcome:
        item.user_properties.append(("instead", outcome))
        pytest.skip(reason)


def why_not(item: pytest.Item) -> tuple[str, str]:
    """Return outcome and reason of a test that is not run here, or two empty texts."""
    about = _cluster(item.config)
    mark = item.get_closest_marker("claim")
    since = str(mark.kwargs.get("since", "")) if mark else ""
    if since and number(since) > number(about["version"]):
        return "not-applicable", f"holds from Kubernetes {since} on"
    if "context" not in about:
        return _declared(claims_of(item), about["source"])
    touches = item.get_closest_marker("exclusive") or item.get_closest_marker("touches_cluster")
    if touches and not item.config.getoption("allow_cluster_changes"):
        return "left-out", "touches nodes or cluster-wide objects; --allow-cluster-changes runs it"
    return "", ""


def _declared(claims: list[str], source: str) -> tuple[str, str]:
    """Look into the one reviewed list of what an image source cannot enforce."""
    listed = not_enforceable(ROOT)
    reasons = [listed[claim, source]["en"] for claim in claims if (claim, source) in listed]
    return ("not-enforceable", reasons[0]) if reasons else ("", "")


def _cluster(config: pytest.Config) -> dict[str, Any]:
    """Return what `describe` says of the run's cluster, in a worker or without workers."""
    if is_worker(config):
        worker: Any = config
        return dict(worker.workerinput["k8s_basic"])
    try:
        return describe(config.stash[SESSION].start())
    except pytest.UsageError as problem:
        pytest.exit(str(problem), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the sentences that no longer hold beside a failure, in both languages."""
    report = yield
    claims = claims_of(item)
    problem = call.excinfo.value if call.excinfo else None
    if report.failed and item.config.getoption("context") and _is_forbidden(problem):
        words = str(problem).strip().splitlines()[0]
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"Skipped: no right to do it here: {words}")
        report.user_properties.append(("instead", "lacking"))
    elif report.failed and claims:
        lines = [line for claim in claims for line in sentences(ROOT, claim)]
        lines.append(f"on Kubernetes {_cluster(item.config)['version']}")
        report.sections.append((f"no longer holds: {' '.join(claims)}", "\n".join(lines)))
    return report


def leave_out_if_lacking(item: pytest.Item, cluster: DocsCluster | OwnCluster, api: Api) -> None:
    """Skip, and say so, a test that needs what this machine or one's own cluster doesn't have."""
    needs = tuple(need for mark in item.iter_markers("needs") for need in mark.args)
    if isinstance(cluster, DocsCluster):  # which has all else
        needs = tuple(need for need in needs if need == "node-network")
    if missing := lacking(api, needs):
        item.user_properties.append(("instead", "lacking"))
        pytest.skip(f"this cluster lacks {missing}")


def turns(cluster: DocsCluster | OwnCluster) -> Path:
    """Return the folder in which the workers of a run take turns."""
    if isinstance(cluster, OwnCluster):
        return Path(cluster.kubeconfig_path).parent
    return cache_dir() / "clusters" / str(cluster.name)


def _is_forbidden(problem: BaseException | None) -> bool:
    if isinstance(problem, ApiException):
        return bool(problem.status == FORBIDDEN)
    return isinstance(problem, Refused) and problem.code == FORBIDDEN


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the results, which arrive here from every worker."""
    if _CONTROLLER:
        _CONTROLLER[0].note(report)


_CONTROLLER: list[Session] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results while the cluster still stands; in CI, an undeclared skip is a failure."""
    if is_worker(session.config):
        return
    mine = session.config.stash[SESSION]
    mine.write_results()
    undeclared = [t for t in mine.results.tests if t["outcome"] == "skipped"]
    if undeclared and os.environ.get("CI") == "true":
        names = ", ".join(str(t["test"]) for t in undeclared)
        print(f"\nerror: skipped without being declared in {NOT_ENFORCEABLE}: {names}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print claims, version and image source under the test results."""
    if not is_worker(config):
        config.stash[SESSION].summary(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the cluster down, also after Ctrl-C."""
    if not is_worker(config):
        config.stash[SESSION].finish()
