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
from k8s_basic.live.cleanup import CleanupJournal
from k8s_basic.live.lab import Variation
from k8s_basic.live.locks import cluster_lock
from k8s_basic.live.session import run_folder
from k8s_basic.mutation import plugin as mutation

# kubectl is started some thousand times and lives for moments: while it collects less garbage,
# each start costs a quarter less
os.environ.setdefault("GOGC", "400")


def pytest_addoption(parser: pytest.Parser) -> None:
    plugin.add_options(parser)
    mutation.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    plugin.register(config)
    if config.getoption("mutants"):
        config.pluginmanager.register(mutation.Run(config), "k8s-basic-mutants")


@pytest.fixture(scope="session")
def kind_cluster(request: pytest.FixtureRequest) -> DocsCluster:
    """pytest-kind's fixture: the run's own cluster, made once for all workers."""
    return plugin.of(request.config).cluster


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
    """A namespace of its own and the verbs of a live test; the cluster for itself if marked so."""
    plugin.leave_out_if_lacking(request.node, kind_cluster, api)
    exclusive = request.node.get_closest_marker("exclusive") is not None
    folder = run_folder(kind_cluster)
    with cluster_lock(folder, exclusive=exclusive):
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
        claims = plugin.claims_of(request.node)
        lab = Lab(kind_cluster, api, name, variation, CleanupJournal(folder), claims)
        request.node.user_properties.append(("claims", lab.claims))
        request.node.user_properties.append(("waits", lab.waits))
        yield lab
        lab.close()
