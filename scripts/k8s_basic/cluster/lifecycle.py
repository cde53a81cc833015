"""One cluster for one run: made, reused when asked, and removed when it is ours.

Below the cache each cluster's name has a folder: `lock`, which a run holds while it lasts, and
`state.json`, which says what the cluster was made of, in which containers, and whether it is kept.
It's written before the first container, so what a run leaves that was killed is known as ours.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from .. import cache_dir, ports, versions
from ..errors import ClusterError
from ..packages import engine as engines
from ..steps import say, step
from . import kind, setup, sources
from .kind import DocsCluster

FREE_DISK = 2 * 1024**3  # bytes that three nodes and their logs may take
CLEAN = "./scripts/clean --cluster"


@dataclass(frozen=True)
class ClusterOptions:
    """What a run asks for, as given on the command line."""

    name: str
    keep: bool = False
    image_source: str = "auto"
    minor: str | None = None
    mirror: str | None = None
    kubeconfig: Path | None = None  # in place of our own; the user's file is never written else


class Lifecycle:
    """The cluster of one run: `start`, its tests, and `finish`, after a failed start as well."""

    def __init__(self, options: ClusterOptions):
        """`options` is not checked before `start`."""
        self.options = options
        self.folder = cache_dir() / "clusters" / options.name
        self._undo = ExitStack()  # what `finish` does, the last first

    def start(self) -> DocsCluster:
        """Return a ready cluster.

        Raises ClusterError when another run or somebody else's cluster is in the way, or when
        something that the cluster needs cannot be had.
        """
        options = self.options
        self.folder.mkdir(parents=True, exist_ok=True)
        self._undo.enter_context(_locked(self.folder))
        _require_disk(self.folder)
        engine = engines.ensure()
        self._undo.callback(engines.stop, engine)
        kube = versions.kubernetes(options.minor)
        source = sources.prepare(engine, options.image_source, kube, options.mirror)
        say(f"• {source.sentence()}")
        kubeconfig = options.kubeconfig or self.folder / "kubeconfig"
        cluster = DocsCluster(options.name, kubeconfig, source, engine)
        if not self._reused(cluster):
            self._create(cluster)
        return cluster

    def finish(self) -> None:
        """Remove the cluster if this run made it and was not asked to keep it; stop our engine."""
        self._undo.close()

    def _reused(self, cluster: DocsCluster) -> bool:
        """Reuse the cluster if it is ours and that was asked; clear away one that a run lost."""
        state, there = _state(self.folder), cluster.exists()
        if there and not _is_ours(state, cluster.containers()):
            raise ClusterError(
                f"a kind cluster named {cluster.name} exists that this project did not make; "
                "it is left alone: choose another name with --cluster-name"
            )
        if there and state["kept"]:
            self._require_use(cluster, state)
            say(f"• cluster {cluster.name} is reused")
            return True
        if there:
            with step(f"remove cluster {cluster.name}, which an interrupted run left behind"):
                cluster.delete()
        _forget(self.folder, cluster)
        return False

    def _require_use(self, cluster: DocsCluster, state: dict[str, Any]) -> None:
        if not self.options.keep:
            raise ClusterError(
                f"cluster {cluster.name} was kept by an earlier run: use it again with "
                f"--keep-cluster, or remove it with {CLEAN}"
            )
        if problem := _worn(cluster, state["source"]):
            raise ClusterError(f"{problem}; remove the cluster with {CLEAN}")

    def _create(self, cluster: DocsCluster) -> None:
        _require_free_ports()
        _remember(self.folder, cluster, [], kept=False)
        self._undo.callback(self._remove, cluster)
        setup.bring_up(cluster, self.folder)
        _remember(self.folder, cluster, cluster.containers(), kept=self.options.keep)

    def _remove(self, cluster: DocsCluster) -> None:
        state = _state(self.folder)
        if state.get("kept"):
            return
        if cluster.engine.ours and not cluster.engine.answers():
            engines.ensure()  # it died; the nodes outlived it
        with step(f"delete cluster {cluster.name}"):
            cluster.delete()
        # the engine may still be starting nodes of a cluster that was only half made: the next run
        # then knows by the state that they are ours, and removes them
        if state.get("containers"):
            _forget(self.folder, cluster)


def _locked(folder: Path) -> IO[str]:
    """Return the file whose lock keeps other runs from the cluster of `folder` until it closes."""
    lock = (folder / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise ClusterError(
            f"another run (pid {lock.read().strip()}) is using cluster {folder.name}; "
            "wait until it ends"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _state(folder: Path) -> dict[str, Any]:
    """Return what the last run wrote of the cluster of `folder`; nothing if there is none."""
    file = folder / "state.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _remember(folder: Path, cluster: DocsCluster, containers: list[str], *, kept: bool) -> None:
    state = {
        "containers": containers,
        "kept": kept,
        "engine_is_ours": cluster.engine.ours,
        "source": cluster.source.record(),
    }
    # renamed, so that an interrupted write leaves no half of a file
    whole = folder / "state.json.new"
    whole.write_text(json.dumps(state, indent=1), encoding="utf-8")
    whole.rename(folder / "state.json")


def _forget(folder: Path, cluster: DocsCluster) -> None:
    for name in ("state.json", "kind.yaml", "kubeconfig", "namespaces"):
        (folder / name).unlink(missing_ok=True)
    # what the API client remembers of this cluster's kinds is not true of the next one
    Path(cluster.kubeconfig_path).with_suffix(".discovery.json").unlink(missing_ok=True)


def _is_ours(state: dict[str, Any], containers: list[str]) -> bool:
    """Tell whether the containers are those that we made.

    A run that died while it created them left a state without ids: then they are ours too, since
    it looked before it began.
    """
    known = state.get("containers")
    return known == [] or set(containers) <= set(known or [])


def _worn(cluster: DocsCluster, made: dict[str, Any]) -> str:
    """Return why a kept cluster, made of what `made` records, is of no use; nothing if it is."""
    wanted, name = cluster.source.record(), f"the kept cluster {cluster.name}"
    if made["node_image"] != wanted["node_image"]:
        return (
            f"{name} was made from {made['node_image']} and this run wants {wanted['node_image']}"
        )
    digests = made["images"]
    if moved := [ref for ref, digest in wanted["images"].items() if digests.get(ref) != digest]:
        return f"{name} was made from another build of {', '.join(moved)}"
    if stopped := cluster.stopped_nodes():
        return f"node {', '.join(stopped)} of {name} does not run"
    cluster.export_kubeconfig()
    cluster.kubectl("get", "--raw", "/readyz", timeout=30)
    if closed := cluster.closed_nodes():
        closed_nodes = ", ".join(closed)
        return f"node {closed_nodes} of {name} is cordoned or tainted, as a killed run leaves it"
    return ""


def _require_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_DISK:
        raise ClusterError(
            f"{free / 1024**3:.1f} GiB are free where {folder} is and a cluster needs "
            f"{FREE_DISK / 1024**3:.0f}; free some disk, or set K8S_BASIC_CACHE to another one"
        )


def _require_free_ports() -> None:
    """Refuse early, in a sentence, what Docker would refuse late with half a cluster made."""
    config = yaml.safe_load(setup.CONFIG.read_text(encoding="utf-8"))
    for node in config["nodes"]:
        for mapping in node.get("extraPortMappings", []):
            if ports.refusal(mapping["listenAddress"], mapping["hostPort"]):
                raise ClusterError(
                    f"port {mapping['hostPort']} of localhost is taken (another cluster of these "
                    "lessons, perhaps); free it, then run again"
                )


def clean_clusters() -> list[str]:
    """Delete every cluster that this project made, and return their names.

    Raises ClusterError when one is in use.
    """
    folders = sorted(file.parent for file in (cache_dir() / "clusters").glob("*/state.json"))
    return [folder.name for folder in folders if _clean(folder)]


def _clean(folder: Path) -> bool:
    with _locked(folder):
        state = _state(folder)
        engine = engines.find()
        if not engine and not state["engine_is_ours"]:
            raise ClusterError(
                f"the Docker engine that cluster {folder.name} is in does not answer; start it, "
                "then run again"
            )
        engine = engine or engines.ensure()
        containers = kind.nodes(engine, folder.name)
        ours = _is_ours(state, containers)
        if containers and ours:
            with step(f"delete cluster {folder.name}"):
                engine.docker("rm", "-f", "-v", *containers)
        shutil.rmtree(folder)  # while we hold the lock: no run can begin in it before it is gone
    return ours
