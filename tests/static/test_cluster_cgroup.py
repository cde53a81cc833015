"""The evidence says which cgroup version the nodes had, as the running cluster tells it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from k8s_basic.cluster.cgroup import of_nodes
from k8s_basic.errors import ClusterError

CONFIG = json.dumps({"kubeletconfig": {"failCgroupV1": False}})


def asked(engine: str = "1\n", config: str | Exception = CONFIG) -> dict[str, Any]:
    """What is recorded when the engine and the kubelet answer so."""

    def kubectl(*args: str) -> str:
        if "--raw" not in args:
            return "k8s-basic-test-control-plane"
        assert args[-1] == "/api/v1/nodes/k8s-basic-test-control-plane/proxy/configz"
        if isinstance(config, Exception):
            raise config
        return config

    cluster: Any = SimpleNamespace(
        engine=SimpleNamespace(docker=lambda *args: engine), kubectl=kubectl
    )
    return of_nodes(cluster)


def test_version_of_the_engine_and_what_the_kubelet_was_told_are_recorded() -> None:
    assert asked() == {"cgroup": "v1", "fail_cgroup_v1": False}
    told = json.dumps({"kubeletconfig": {"failCgroupV1": True}})
    assert asked("2\n", told) == {"cgroup": "v2", "fail_cgroup_v1": True}


@pytest.mark.parametrize(
    ("engine", "config"),
    [("", CONFIG), ("1", ClusterError("kubectl get failed")), ("1", "{}"), ("1", "no JSON")],
)
def test_what_is_not_told_is_left_out_and_costs_no_run(
    engine: str, config: str | Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(engine, config) == {}
    assert "does not say which cgroup version" in capsys.readouterr().err
