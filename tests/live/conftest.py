"""The live tier: pytest-kind's cluster, and for each test a lab in a namespace of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.live import Lab, plugin
from k8s_basic.live.api import Api
from k8s_basic.live.lab import Variation
from k8s_basic.live.ledger import Ledger
from k8s_basic.live.locks import turn
from k8s_basic.mutation import plugin as mutation

# kubectl is started some thousand times and lives for moments: while it collects less garbage,
# each start costs a quarter less
os.environ.setdefault("GOGC", "400")


def pytest_addoption(parser: pytest.Parser) -> None:
    plugin.add_options(parser)
    mutation.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(plugin, "k8s-basic-live")
    if plugin.workers(config):
        config.pluginmanager.register(plugin.WorkerSetup, "k8s-basic-workers")
    if config.getoption("mutants"):
        config.pluginmanager.register(mutation.Run(config), "k8s-basic-mutants")


@pytest.fixture(scope="session")
def kind_cluster(request: pytest.FixtureRequest) -> DocsCluster:
    """pytest-kind's fixture: the run's own cluster, made once for all workers."""
    if plugin.is_worker(request.config):
        return plugin.attach(request.config.workerinput["k8s_basic"])
    try:
        return request.config.stash[plugin.SESSION].start()
    except pytest.UsageError as problem:
        pytest.exit(str(problem), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def api(kind_cluster: DocsCluster, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """One client for the API server per process."""
    return Api(Path(kind_cluster.kubeconfig_path))


@pytest.fixture
def variation(request: pytest.FixtureRequest) -> Variation:
    """How this test's lab differs from the usual: not at all, unless mutants are run."""
    return getattr(request, "param", Variation())


@pytest.fixture
def lab(
    request: pytest.FixtureRequest, kind_cluster: DocsCluster, api: Api, variation: Variation
) -> Iterator[Lab]:
    """A namespace of its own and the verbs of a live test; alone on the cluster if marked so."""
    plugin.leave_out_if_lacking(request.node, kind_cluster, api)
    alone = request.node.get_closest_marker("exclusive") is not None
    with turn(plugin.turns(kind_cluster), alone=alone):
        sentence = plugin.what_broke(kind_cluster)
        if sentence:
            pytest.fail(sentence, pytrace=False)
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
        claims = plugin.claims_of(request.node)
        ledger = Ledger(plugin.turns(kind_cluster))
        lab = Lab(kind_cluster, api, name, variation, ledger, claims)
        # in front of the ids of the same name: who reads one value only gets those
        request.node.user_properties.insert(0, ("claims", lab.claims))
        request.node.user_properties.append(("waits", lab.waits))
        yield lab
        lab.close()
