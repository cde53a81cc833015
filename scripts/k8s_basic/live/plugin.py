"""pytest's side of the live tests: one cluster per run, results per claim, a guard."""

from __future__ import annotations

import datetime
import json
import signal
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from .. import BUILD, ROOT
from ..cluster import engine as engines
from ..cluster import versions
from ..cluster.errors import ClusterError
from ..cluster.kind import DocsCluster
from ..cluster.lifecycle import Lifecycle, Wish
from ..cluster.sources import Source
from ..content.claims import sentences

DEFAULT_NAME = "k8s-basic-test"
WATCH_EVERY = 5.0  # seconds between two looks at the node containers
RESULTS = BUILD / "live" / "results.json"


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
    group.addoption("--registry-mirror", default=None, help="host:port that serves the images")


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
        self.cluster: DocsCluster | None = None
        self.results: list[dict[str, Any]] = []
        self.started = datetime.datetime.now(datetime.UTC)
        self._done = threading.Event()
        self._session: pytest.Session | None = None

    def start(self) -> DocsCluster:
        """Bring the cluster up once; raises UsageError with a sentence when that is impossible."""
        if self.cluster is None:
            try:
                self.cluster = self.lifecycle.start()
            except ClusterError as problem:
                raise pytest.UsageError(f"no live test was run: {problem}") from None
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
        sentence = what_broke(self.cluster) if self.cluster else ""
        if sentence and self._session and not self._done.is_set():
            self._done.set()
            self._session.shouldstop = sentence
            distributor = self._session.config.pluginmanager.getplugin("dsession")
            if distributor:
                distributor.shouldstop = sentence  # xdist looks at its own flag only

    def finish(self) -> None:
        """Remove what this run made."""
        self._done.set()
        try:
            self.lifecycle.finish()
        except ClusterError as problem:
            print(f"error: {problem}")

    def note(self, report: pytest.TestReport) -> None:
        """Keep the outcome of one test for the results."""
        if report.failed and not self._done.is_set():
            self._stop_if_broken()
        properties = dict(report.user_properties)
        if "claims" in properties and (report.when == "call" or report.failed):
            self.results.append(
                {
                    "claims": properties["claims"],
                    "test": report.nodeid,
                    "outcome": report.outcome,
                    "seconds": round(report.duration, 2),
                    "waits": properties.get("waits", []),
                    "message": report.longreprtext[-4000:] if report.failed else "",
                }
            )

    def write_results(self) -> None:
        """Write build/live/results.json: every claim with its outcome, cluster and times."""
        if not self.cluster:
            return
        ended = datetime.datetime.now(datetime.UTC)
        data = {
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round((ended - self.started).total_seconds(), 1),
            **self.cluster.source.record(),
            "tests": sorted(self.results, key=lambda r: r["test"]),
        }
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")

    def summary(self, terminal: TerminalReporter) -> None:
        """Print how many claims hold, and on what."""
        if not self.cluster:
            return
        held = {c for r in self.results if r["outcome"] == "passed" for c in r["claims"]}
        fell = {c for r in self.results if r["outcome"] != "passed" for c in r["claims"]} - held
        terminal.section("claims")
        terminal.line(f"{self.cluster.source.sentence()}")
        for reference in self.cluster.source.stand_ins:
            terminal.line(f"  stand-in: {reference}")
        terminal.line(f"{len(held)} claims hold, {len(fell)} do not {' '.join(sorted(fell))}")
        terminal.line(f"results: {RESULTS.relative_to(ROOT)}")


SESSION = pytest.StashKey[Session]()


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def workers(config: pytest.Config) -> bool:
    """Tell whether this process distributes the tests to workers."""
    return not is_worker(config) and bool(config.getoption("numprocesses", None))


def what_broke(cluster: DocsCluster) -> str:
    """Return the sentence that says why no further test can run on this cluster, or nothing."""
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
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as with Ctrl-C: tidily


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the cluster before the workers start; without workers the first test makes it."""
    config = session.config
    if is_worker(config):
        return
    if workers(config) and not config.option.collectonly:
        config.stash[SESSION].start()
    config.stash[SESSION].guard(session)


class WorkerSetup:
    """The hook of pytest-xdist, registered only where pytest-xdist is in use."""

    @staticmethod
    def pytest_configure_node(node: Any) -> None:
        """Tell a worker where the cluster is."""
        node.workerinput["k8s_basic"] = describe(node.config.stash[SESSION].start())


def describe(cluster: DocsCluster) -> dict[str, Any]:
    """Return a cluster as plain data that travels to a worker."""
    source = cluster.source
    return {
        "name": cluster.name,
        "kubeconfig": str(cluster.kubeconfig_path),
        "docker_host": cluster.engine.host,
        "source": source.name,
        "minor": source.kubernetes.minor,
        "node_image": source.node_image,
        "kind": str(source.kind),
        "kubectl": str(source.kubectl),
    }


def attach(data: dict[str, Any]) -> DocsCluster:
    """Return, in a worker, the cluster that the controlling process made."""
    kube = versions.kubernetes(data["minor"])
    kind, kubectl = Path(data["kind"]), Path(data["kubectl"])
    source = Source(data["source"], kube, data["node_image"], kind, kubectl)
    engine = engines.Engine(data["docker_host"], ours=False)
    return DocsCluster(data["name"], Path(data["kubeconfig"]), source, engine)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start slow tests first and those that want the cluster alone last."""
    items.sort(
        key=lambda i: (
            i.get_closest_marker("exclusive") is not None,
            i.get_closest_marker("slow") is None,
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the sentences that no longer hold beside a failure, in both languages."""
    report = yield
    marker = item.get_closest_marker("claim")
    if report.failed and marker:
        lines = [line for claim in marker.args for line in sentences(ROOT, claim)]
        lines.append(f"on Kubernetes {_kubernetes(item.config)}")
        report.sections.append((f"no longer holds: {' '.join(marker.args)}", "\n".join(lines)))
    return report


def _kubernetes(config: pytest.Config) -> str:
    if is_worker(config):
        worker: Any = config
        return versions.kubernetes(worker.workerinput["k8s_basic"]["minor"]).version
    cluster = config.stash[SESSION].cluster
    return cluster.source.kubernetes.version if cluster else "(no cluster)"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the results, which arrive here from every worker."""
    if _CONTROLLER:
        _CONTROLLER[0].note(report)


_CONTROLLER: list[Session] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results while the cluster still stands."""
    if not is_worker(session.config):
        session.config.stash[SESSION].write_results()


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print claims, version and image source under the test results."""
    if not is_worker(config):
        config.stash[SESSION].summary(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the cluster down, also after Ctrl-C."""
    if not is_worker(config):
        config.stash[SESSION].finish()
