"""A cluster is made, reused or removed only where that is this run's to do."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.cluster import lifecycle, setup
from k8s_basic.cluster.lifecycle import ClusterOptions, Lifecycle
from k8s_basic.errors import ClusterError

NAME = "lessons"
STATE = f"cache/clusters/{NAME}/state.json"
CONTAINERS = f"machine/nodes/{NAME}"
OTHER_PROCESS = f"""\
import sys
from pathlib import Path
from k8s_basic.cluster import lifecycle
lifecycle.setup.CONFIG = Path("machine/kind.yaml")
one = lifecycle.Lifecycle(lifecycle.ClusterOptions("{NAME}", True, "packages"))
try:
    one.start()
    print("up", flush=True)
    sys.stdin.read()
finally:
    one.finish()
"""


@pytest.fixture(autouse=True)
def built(machine: Any) -> None:
    """All that a cluster is made of is in the cache."""
    machine.build()


def run(**options: Any) -> list[str]:
    """One run from start to finish, and the ids of the containers that its tests had."""
    one = Lifecycle(ClusterOptions(NAME, **{"image_source": "packages", **options}))
    try:
        return one.start().containers()
    finally:
        one.finish()


def refused(**options: Any) -> str:
    """One run that must not get a cluster; what it said."""
    with pytest.raises(ClusterError) as caught:
        run(**options)
    return str(caught.value)


def state(machine: Any) -> Path:
    return Path(machine.cache, "clusters", NAME, "state.json")


def asked_kind(machine: Any) -> list[str]:
    return [line.split()[1] for line in machine.log if line.startswith(("kind cr", "kind del"))]


@contextmanager
def other_run(until: Callable[[], bool] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A run in another process, whose cluster is up, or that has come as far as `until` says."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-c", OTHER_PROCESS]
    with subprocess.Popen(command, env=env, text=True, **pipes) as process:
        try:
            assert process.stdout
            while not (until() if until else process.stdout.readline() == "up\n"):
                assert process.poll() is None
            yield process
        finally:
            process.kill()


# --- one run


def test_cluster_is_made_for_the_run_and_removed_after_it(machine: Any) -> None:
    assert run() == ["1a", "1b"]
    assert asked_kind(machine) == ["create", "delete"]
    assert machine.clusters == {}
    assert [file.name for file in state(machine).parent.iterdir()] == ["lock"]


def test_kept_cluster_outlives_its_run_and_serves_the_next_in_the_kubeconfig_that_was_asked_for(
    machine: Any, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    assert run(keep=True, kubeconfig=mine) == run(keep=True, kubeconfig=mine) == ["1a", "1b"]
    assert asked_kind(machine) == ["create"]
    assert mine.read_text() == f"of {NAME}\n"
    assert not state(machine).with_name("kubeconfig").exists()


def test_half_made_cluster_is_removed_though_it_was_to_be_kept_and_so_is_what_comes_up_later(
    machine: Any,
) -> None:
    machine.write("broken-create", "ERROR: failed to join node")
    assert refused(keep=True) == "kind create cluster failed: ERROR: failed to join node"
    assert asked_kind(machine) == ["create", "delete"] and machine.clusters == {}
    machine.write(f"nodes/{NAME}", "late node running\n")  # the engine was still at it
    (machine.folder / "broken-create").unlink()
    assert run() == ["2a", "2b"]


def test_cluster_that_cannot_be_deleted_is_left_to_the_next_run(machine: Any) -> None:
    machine.write("broken-delete", "no such host")
    assert refused().startswith("kind delete cluster failed")
    (machine.folder / "broken-delete").unlink()
    assert run() == ["2a", "2b"]


# --- two runs


def test_two_runs_at_once_do_not_share_a_cluster_and_what_a_killed_one_leaves_is_cleared_away(
    machine: Any,
) -> None:
    with other_run() as other:
        text = f"another run (pid {other.pid}) is using cluster {NAME}; wait until it ends"
        assert refused() == text
        with pytest.raises(ClusterError, match="another run"):
            lifecycle.clean_clusters()
        assert machine.clusters == {NAME: ["1a", "1b"]}
    state(machine).write_text(state(machine).read_text().replace('"kept": true', '"kept": false'))
    assert run() == ["2a", "2b"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_cluster_of_a_run_that_ended_while_it_was_made_does_not_stay(
    machine: Any, number: int
) -> None:
    machine.write("hang", "")
    with other_run(until=lambda: NAME in machine.clusters) as other:
        other.send_signal(number)
        other.wait(30)
    assert (machine.clusters == {}) is (number == signal.SIGINT)
    (machine.folder / "hang").unlink()
    assert run()[1:] == ["2b"]


def test_cluster_that_somebody_else_deleted_is_forgotten(machine: Any) -> None:
    run(keep=True)
    known = state(machine).with_name("kubeconfig.discovery.json")
    known.touch()
    (machine.folder / "nodes" / NAME).unlink()
    assert run(keep=True) == ["2a", "2b"]
    assert not known.exists()


# --- what is not ours, and what is of no use


@pytest.mark.parametrize("before", [[], ["1a", "1b"]], ids=["never-ours", "took-our-name"])
def test_foreign_cluster_of_the_same_name_is_left_alone(machine: Any, before: list[str]) -> None:
    if before:
        assert run(keep=True) == before
    machine.write(f"nodes/{NAME}", "1a x running\nforeign y running\n")
    for keep in (True, False):
        assert "did not make; it is left alone: choose another name wi" in refused(keep=keep)
    assert lifecycle.clean_clusters() == []
    assert machine.clusters == {NAME: ["1a", "foreign"]}


def change(file: Path, pattern: str, text: str) -> None:
    file.write_text(re.sub(pattern, text, file.read_text() if file.exists() else ""))


@pytest.mark.parametrize(
    ("file", "pattern", "text", "words"),
    [
        ("", "", "", "was kept by an earlier run: use it again with --keep-cluster"),
        (STATE, '"kindest/', '"old/', "made from old/node:v1.37.0 and this run wants kindest/node"),
        (STATE, r"nginx(.*sha256:)\w+", r"nginx\1moved", "made from another build of nginx:1.22.1"),
        (CONTAINERS, "worker running", "worker exited", f"node {NAME}-worker of the kept cluster"),
        (
            "machine/cordoned",
            "^",
            "x",
            f"-worker of the kept cluster {NAME} is cordoned or tainted",
        ),
    ],
    ids=["kept", "image", "build", "stopped", "closed"],
)
def test_kept_cluster_that_does_not_fit_is_refused_and_stays_until_it_is_cleaned(
    machine: Any, answering: Any, tmp_path: Path, file: str, pattern: str, text: str, words: str
) -> None:
    machine.write("nodes/other", "x other-control-plane running\n")
    with answering(200) as mirror:
        source = {"image_source": "registry", "mirror": mirror}
        run(keep=True, **source)
        if file:
            change(tmp_path / file, pattern, text)
        said = refused(keep=bool(file), **source)
    assert words in said and "./scripts/clean --cluster" in said
    assert machine.clusters == {NAME: ["1a", "1b"], "other": ["x"]}
    assert lifecycle.clean_clusters() == [NAME]
    assert machine.clusters == {NAME: [], "other": ["x"]}
    assert not state(machine).parent.exists()


# --- ports


def test_port_whose_last_connection_has_just_ended_is_free_and_a_kept_cluster_may_hold_it(
    machine: Any,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        mapped = [{"listenAddress": "127.0.0.1", "hostPort": port, "containerPort": 80}]
        config = {"nodes": [{"role": "control-plane", "extraPortMappings": mapped}]}
        setup.CONFIG.write_text(yaml.safe_dump(config))
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # the side that closes first keeps the port for a minute
    assert run(keep=True) == ["1a", "1b"]
    with socket.create_server(("127.0.0.1", port)):
        assert run(keep=True) == ["1a", "1b"]
