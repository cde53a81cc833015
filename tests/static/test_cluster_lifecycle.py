"""A cluster is made, reused or removed only where that is this run's to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic.cluster import __main__ as commands
from k8s_basic.cluster import engine as engines
from k8s_basic.cluster import lifecycle, sources, versions
from k8s_basic.cluster.engine import Engine
from k8s_basic.cluster.lifecycle import ClusterOptions, Lifecycle
from k8s_basic.cluster.sources import ImageSource
from k8s_basic.errors import ClusterError

NAME = "lessons"


@dataclass
class World:
    """The machine as the lifecycle sees it; nothing of it is real."""

    folder: Path
    clusters: dict[str, list[str]] = field(default_factory=dict)  # name → ids of its containers
    stopped: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)  # what happened, in order
    breaks: BaseException | None = None  # in the middle of making a cluster
    sticky: bool = False  # clusters cannot be deleted
    image: str = "k8s-basic/node:v1"
    images: dict[str, str] = field(default_factory=dict)  # that came from a registry
    made: int = 0

    @property
    def state(self) -> dict[str, Any]:
        """What the last run wrote about the cluster."""
        file = self.folder / NAME / "state.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}


class Cluster:
    """What DocsCluster is to the lifecycle."""

    world: World

    def __init__(self, name: str, kubeconfig: Path, source: ImageSource, engine: Engine):
        self.name, self.kubeconfig, self.source, self.engine = name, kubeconfig, source, engine

    def exists(self) -> bool:
        return self.name in self.world.clusters

    def containers(self) -> list[str]:
        return list(self.world.clusters.get(self.name, []))

    def stopped_nodes(self) -> list[str]:
        return self.world.stopped

    def closed_nodes(self) -> list[str]:
        return self.world.closed

    def bring_up(self, work: Path) -> None:
        world = self.world
        world.done.append("create")
        world.made += 1
        world.clusters[self.name] = [f"{world.made}a"]
        if world.breaks:
            raise world.breaks
        world.clusters[self.name] = [f"{world.made}a", f"{world.made}b"]
        self.kubeconfig.write_text("of this cluster")

    def delete(self) -> None:
        self.world.done.append("delete")
        if self.world.sticky:
            raise ClusterError("kind delete cluster failed")
        self.world.clusters.pop(self.name, None)

    def export_kubeconfig(self) -> None:
        self.world.done.append("export")

    def kubectl(self, *args: str, timeout: float) -> str:
        self.world.done.append(" ".join(args))
        return "ok"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A machine with an engine, images, disk and free ports, and no cluster."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path / "cache"))
    world = World(tmp_path / "cache" / "clusters")
    monkeypatch.setattr(Cluster, "world", world, raising=False)
    monkeypatch.setattr(lifecycle, "DocsCluster", Cluster)
    monkeypatch.setattr(engines, "ensure", lambda: Engine(None, ours=True))
    monkeypatch.setattr(engines, "stop", lambda engine: world.done.append("stop engine"))

    def prepare(
        engine: Engine, wanted: str, kube: versions.Kubernetes, mirror: object
    ) -> ImageSource:
        tools = Path("kind"), Path("kubectl")
        return ImageSource(wanted, kube, world.image, *tools, images=dict(world.images))

    monkeypatch.setattr(sources, "prepare", prepare)
    ports(monkeypatch, tmp_path, None)
    return world


def ports(monkeypatch: pytest.MonkeyPatch, folder: Path, number: int | None) -> None:
    """Let the cluster's configuration map this port of the machine."""
    mapped = [{"listenAddress": "127.0.0.1", "hostPort": number, "containerPort": 80}]
    nodes = [{"role": "control-plane", "extraPortMappings": mapped if number else []}, {}]
    (folder / "kind.yaml").write_text(yaml.safe_dump({"nodes": nodes}))
    monkeypatch.setattr(lifecycle, "CONFIG", folder / "kind.yaml")


def run(*, keep: bool = False, **wish: Any) -> list[str]:
    """One run from start to finish, and the ids of the containers that its tests had."""
    one = Lifecycle(ClusterOptions(NAME, keep=keep, **wish))
    try:
        return Lifecycle.start(one).containers()
    finally:
        one.finish()


def refused(**wish: Any) -> str:
    """One run that must not get a cluster; what it said."""
    with pytest.raises(ClusterError) as caught:
        run(**wish)
    return str(caught.value)


@contextmanager
def other_process(code: str, *args: object) -> Iterator[int]:
    """Another process that has run `code` and waits; its pid."""
    command = [sys.executable, "-S", "-c", f"{code}\nprint(flush=True)\ninput()"]
    with subprocess.Popen(
        [*command, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline() == b"\n"
        yield process.pid
        process.kill()


LOCK = """\
import fcntl, os, sys
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.truncate(0)
file.write(str(os.getpid()))
file.flush()"""


# --- one run


def test_cluster_is_made_for_the_run_and_removed_after_it(world: World) -> None:
    assert run() == ["1a", "1b"]
    assert world.done == ["create", "delete", "stop engine"]
    assert world.clusters == {}
    assert [file.name for file in (world.folder / NAME).iterdir()] == ["lock"]


def test_kept_cluster_outlives_its_run_and_serves_the_next(world: World) -> None:
    assert run(keep=True) == run(keep=True) == ["1a", "1b"]
    assert world.made == 1
    assert "delete" not in world.done
    assert world.done[-3:] == ["export", "get --raw /readyz", "stop engine"]
    assert world.state["kept"] is True


def test_cluster_is_known_by_its_containers_while_the_run_lasts(world: World) -> None:
    one = Lifecycle(ClusterOptions(NAME))
    one.start()
    assert world.state["containers"] == ["1a", "1b"]
    assert world.state["kept"] is False  # whatever ends this run, the next may clear it away
    assert world.state["source"]["node_image"] == world.image
    one.finish()


def test_users_kubeconfig_is_written_where_it_was_asked_for(world: World, tmp_path: Path) -> None:
    run(keep=True, kubeconfig=tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "of this cluster"
    assert not (world.folder / NAME / "kubeconfig").exists()


def test_engine_is_stopped_even_when_the_cluster_cannot_be_deleted(world: World) -> None:
    world.sticky = True
    with pytest.raises(ClusterError, match="kind delete"):
        run()
    assert world.done == ["create", "delete", "stop engine"]
    world.sticky = False
    assert run() == ["2a", "2b"]  # what was left behind does not stay
    assert world.done[3:] == ["delete", "create", "delete", "stop engine"]


# --- what is in the way


def test_second_run_is_told_the_process_that_has_the_cluster(world: World) -> None:
    (world.folder / NAME).mkdir(parents=True)
    with other_process(LOCK, world.folder / NAME / "lock") as pid:
        text = refused()
    assert text == f"another run (pid {pid}) is using cluster {NAME}; wait until it ends"
    assert world.done == []
    assert run() == ["1a", "1b"]  # the other one has ended


def test_run_with_another_name_does_not_wait(world: World) -> None:
    (world.folder / "other").mkdir(parents=True)
    with other_process(LOCK, world.folder / "other" / "lock"):
        assert run() == ["1a", "1b"]


def test_lock_names_this_run_and_is_free_again_after_it(world: World) -> None:
    one = Lifecycle(ClusterOptions(NAME))
    one.start()
    assert (world.folder / NAME / "lock").read_text() == str(os.getpid())
    with pytest.raises(ClusterError, match=rf"\(pid {os.getpid()}\)"):
        Lifecycle(ClusterOptions(NAME)).start()
    one.finish()
    run()


def test_foreign_cluster_of_the_same_name_is_left_alone(world: World) -> None:
    world.clusters[NAME] = ["foreign"]
    text = refused()
    assert "that this project did not make; it is left alone" in text
    assert "--cluster-name" in text
    assert refused(keep=True) == text
    assert world.clusters == {NAME: ["foreign"]}
    assert world.done == ["stop engine"] * 2


def test_foreign_cluster_that_took_the_name_of_a_kept_one_is_left_alone(world: World) -> None:
    run(keep=True)
    world.clusters[NAME] = ["1a", "foreign"]
    assert "did not make" in refused()
    assert "did not make" in refused(keep=True)
    assert world.clusters == {NAME: ["1a", "foreign"]}


@pytest.mark.parametrize("containers", [[], ["1a", "1b"]], ids=["while-made", "while-used"])
def test_cluster_that_an_interrupted_run_left_behind_is_removed_and_made_anew(
    world: World, containers: list[str]
) -> None:
    run(keep=True)
    state = {**world.state, "kept": False, "containers": containers}
    (world.folder / NAME / "state.json").write_text(json.dumps(state))
    assert run() == ["2a", "2b"]
    assert world.done[2:] == ["delete", "create", "delete", "stop engine"]


def test_state_of_a_cluster_that_somebody_else_deleted_is_forgotten(world: World) -> None:
    run(keep=True)
    (world.folder / NAME / "kubeconfig.discovery.json").write_text("{}")
    world.clusters.clear()
    one = Lifecycle(ClusterOptions(NAME))
    one.start()
    assert world.state["containers"] == ["2a", "2b"]
    assert not (world.folder / NAME / "kubeconfig.discovery.json").exists()
    one.finish()


def test_kept_cluster_is_not_used_or_removed_without_being_asked(world: World) -> None:
    run(keep=True)
    text = refused()
    assert "--keep-cluster" in text and "./scripts/clean --cluster" in text
    assert world.clusters == {NAME: ["1a", "1b"]}


def test_kept_cluster_of_another_image_is_refused_with_both_names(world: World) -> None:
    run(keep=True)
    world.image = "k8s-basic/node:v2"
    text = refused(keep=True)
    assert "k8s-basic/node:v1" in text and "wants k8s-basic/node:v2" in text
    assert "./scripts/clean --cluster" in text
    assert world.clusters == {NAME: ["1a", "1b"]}


def test_kept_cluster_of_another_build_under_the_same_tag_is_refused_with_its_name(
    world: World,
) -> None:
    world.images = {"nginx:1.22.1": "sha256:00", "busybox:1.35": "sha256:00"}
    run(keep=True)
    assert run(keep=True) == ["1a", "1b"]
    world.images["busybox:1.35"] = "sha256:11"
    text = refused(keep=True)
    assert "from another build of busybox:1.35; remove it with ./scripts/clean --cluster" in text
    assert world.clusters == {NAME: ["1a", "1b"]}


def test_kept_cluster_with_a_stopped_node_is_refused_with_its_name(world: World) -> None:
    run(keep=True)
    world.stopped = ["lessons-worker2"]
    text = refused(keep=True)
    assert text.startswith("node lessons-worker2 of the kept cluster does not run")
    assert world.clusters == {NAME: ["1a", "1b"]}


def test_kept_cluster_with_a_closed_node_is_refused_with_its_name(world: World) -> None:
    run(keep=True)
    world.closed = ["lessons-worker"]
    text = refused(keep=True)
    assert text.startswith("node lessons-worker of the kept cluster is cordoned or tainted")
    assert "./scripts/clean --cluster" in text
    assert world.clusters == {NAME: ["1a", "1b"]}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of this machine on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_that_is_taken_is_told_before_anything_is_made(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    ports(monkeypatch, tmp_path, taken_port)
    assert refused().startswith(f"port {taken_port} of localhost is taken")
    assert world.done == ["stop engine"]
    assert world.state == {}


def test_port_whose_last_connection_has_just_ended_is_free(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # the side that closes first keeps the port for a minute
    ports(monkeypatch, tmp_path, port)
    assert run() == ["1a", "1b"]


def test_kept_cluster_may_hold_the_ports_itself(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    run(keep=True)
    ports(monkeypatch, tmp_path, taken_port)
    assert run(keep=True) == ["1a", "1b"]


def test_full_disk_is_told_in_gib_before_an_engine_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    free = 3 * 1024**3 // 2
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(free, 0, free))
    text = refused()
    assert text.startswith("1.5 GiB are free") and "needs 2; free some disk" in text
    assert world.done == []
    free = 2 * 1024**3
    assert run() == ["1a", "1b"]


def test_minor_that_is_not_listed_makes_no_cluster(world: World) -> None:
    assert "Kubernetes 1.9 is not listed" in refused(minor="1.9")
    assert world.done == ["stop engine"]


# --- what breaks


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "breaks", [ClusterError("kubectl wait failed"), KeyboardInterrupt()], ids=["error", "ctrl-c"]
)
def test_cluster_that_was_half_made_is_removed_even_if_it_was_to_be_kept(
    world: World, breaks: BaseException, keep: bool
) -> None:
    world.breaks = breaks
    with pytest.raises(type(breaks)):
        run(keep=keep)
    assert world.clusters == {}
    assert world.done == ["create", "delete", "stop engine"]


def test_nodes_that_come_up_after_the_half_made_cluster_was_deleted_are_cleared_away(
    world: World,
) -> None:
    world.breaks = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run()
    world.clusters[NAME] = ["late"]  # the engine was still at it
    world.breaks = None
    assert run() == ["2a", "2b"]


def test_half_made_cluster_of_a_run_that_was_killed_is_cleared_away(world: World) -> None:
    world.breaks = KeyboardInterrupt()
    killed = Lifecycle(ClusterOptions(NAME, keep=True))
    with pytest.raises(KeyboardInterrupt):
        killed.start()
    assert killed._lock
    killed._lock.close()  # as the kernel does; `finish` is never reached
    world.breaks = None
    assert run() == ["2a", "2b"]


def test_state_that_cannot_be_written_whole_leaves_the_old_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(keep=True)
    before = world.state
    one = Lifecycle(ClusterOptions(NAME))

    def half(file: Path, text: str, **_: Any) -> None:
        with file.open("w") as out:
            out.write(text[:10])
        raise OSError(28, "the disk is full")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="full"):
        one._remember(
            ImageSource("auto", versions.kubernetes(), "i", Path(), Path()), [], kept=False
        )
    assert world.state == before


# --- cleaning


@pytest.fixture
def docker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine list and remove the containers of the world."""

    def ask(engine: Engine, *args: str, **_: Any) -> str:
        if args[0] == "ps":
            name = args[-1].removeprefix("label=io.x-k8s.kind.cluster=")
            return "\n".join(world.clusters.get(name, []))
        assert args[:3] == ("rm", "-f", "-v")
        for name, ids in list(world.clusters.items()):
            world.clusters[name] = [i for i in ids if i not in args]
        return ""

    monkeypatch.setattr(Engine, "docker", ask)
    monkeypatch.setattr(engines, "find", lambda: Engine(None, ours=False))


def test_cleaning_removes_the_kept_cluster_and_its_state(world: World, docker: None) -> None:
    run(keep=True)
    world.clusters["other"] = ["x"]
    assert lifecycle.clean_clusters() == [NAME]
    assert world.clusters == {NAME: [], "other": ["x"]}
    assert list(world.folder.iterdir()) == []


def test_cleaning_leaves_a_foreign_cluster_of_the_same_name(world: World, docker: None) -> None:
    run(keep=True)
    world.clusters[NAME] = ["foreign"]
    assert lifecycle.clean_clusters() == []
    assert world.clusters == {NAME: ["foreign"]}


def test_cleaning_does_not_take_the_cluster_from_a_run(world: World, docker: None) -> None:
    run(keep=True)
    with (
        other_process(LOCK, world.folder / NAME / "lock") as pid,
        pytest.raises(ClusterError, match=rf"another run \(pid {pid}\)"),
    ):
        lifecycle.clean_clusters()
    assert world.clusters == {NAME: ["1a", "1b"]}
    assert world.state["kept"] is True


def test_preparing_stops_our_engine_though_the_images_cannot_be_had(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> ImageSource:
        raise ClusterError("no digest is pinned for nginx")

    monkeypatch.setattr(sources, "prepare", fails)
    monkeypatch.setattr(sys, "argv", ["cluster", "prepare"])
    assert commands.main() == 1
    assert capsys.readouterr().err == "error: no digest is pinned for nginx\n"
    assert world.done == ["stop engine"]
