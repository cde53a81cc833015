"""The cluster of a run: brought up once, asked whether it still answers, and left as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .. import cache_dir
from ..cluster.kind import DocsCluster
from ..cluster.lifecycle import ClusterOptions, Lifecycle
from ..cluster.sources import ImageSource
from ..errors import ClusterError
from .cleanup import CleanupJournal
from .own import OwnCluster

DEFAULT_NAME = "k8s-basic-test"
ANSWER = 60.0  # seconds in which an API server answers, however busy the machine is

Cluster = DocsCluster | OwnCluster


class Session:
    """The run's cluster, as the process knows it that started the run."""

    def __init__(self, config: pytest.Config):
        """Read the options; nothing is started before `start`."""
        option = config.getoption
        name, kubeconfig = option("cluster_name"), option("kubeconfig")
        self._context, self._kubeconfig = option("context"), kubeconfig
        self.lifecycle = Lifecycle(
            ClusterOptions(
                DEFAULT_NAME if name == "pytest-kind" else name,
                bool(option("keep_cluster")),
                option("image_source"),
                option("kubernetes"),
                option("registry_mirror"),
                Path(kubeconfig).resolve() if kubeconfig else None,
            )
        )
        self.cluster: Cluster | None = None
        self.broken = ""  # why no further test can run

    def start(self) -> Cluster:
        """Bring the cluster up once; raises UsageError with a sentence when that is impossible."""
        try:
            if self.cluster is None and self._context:
                self.cluster = OwnCluster.of(self._context, self._kubeconfig)
            elif self.cluster is None:
                self.cluster = self.lifecycle.start()
        except ClusterError as problem:
            raise pytest.UsageError(f"no live test was run: {problem}") from None
        return self.cluster

    def still_answers(self) -> bool:
        """Ask the cluster once whether a test can still run on it; `broken` tells why not."""
        if self.cluster and not self.broken:
            self.broken = what_broke(self.cluster)
        return not self.broken

    def finish(self) -> None:
        """Remove what this run made: of a cluster that stays, the namespaces that it left."""
        try:
            if self.cluster and (self._context or self.lifecycle.options.keep):
                kubectl = Path(str(self.cluster.kubectl_path))
                CleanupJournal(run_folder(self.cluster)).clean_up(kubectl, self.cluster.env)
            if isinstance(self.cluster, OwnCluster):
                self.cluster.close()
            self.lifecycle.finish()
        except ClusterError as problem:
            print(f"error: {problem}")
        except subprocess.TimeoutExpired:
            print("error: the API server was too slow to take back what an interrupted run made")
        if self.broken:
            print(f"error: {self.broken}")


def what_broke(cluster: Cluster) -> str:
    """Return the sentence that says why no further test can run on a cluster, or nothing."""
    if isinstance(cluster, OwnCluster):
        try:
            cluster.ask_version()
        except ClusterError as problem:
            return f"your cluster stopped answering during the run ({problem}); look at it first"
        return ""
    again = "run again (a kept cluster must be removed first, with ./scripts/clean --cluster)"
    try:
        stopped = cluster.stopped_nodes()
    except ClusterError:
        return "the Docker engine stopped answering during the run; start it, then run again"
    if stopped:
        return f"node {', '.join(stopped)} stopped during the run; {again}"
    try:
        cluster.kubectl("get", "namespace", "default", timeout=ANSWER)
    except ClusterError as problem:
        return f"the API server stopped answering during the run ({problem}); {again}"
    return ""


def described(cluster: Cluster) -> OwnCluster | ImageSource:
    """Return what describes a cluster in the results.

    That is the source of the images that ours was made from; of one's own cluster nothing else is
    known than what it says itself.
    """
    return cluster if isinstance(cluster, OwnCluster) else cluster.source


def version_of(cluster: Cluster) -> str:
    """Return the API server's version, such as v1.37.2."""
    if isinstance(cluster, OwnCluster):
        return cluster.version
    return cluster.source.kubernetes.version


def run_folder(cluster: Cluster) -> Path:
    """Return the folder in which the processes of a run keep what they share: locks, a journal."""
    if isinstance(cluster, OwnCluster):
        return Path(cluster.kubeconfig_path).parent
    return cache_dir() / "clusters" / str(cluster.name)
