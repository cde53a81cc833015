"""One cluster for one run: made, reused when asked, and removed when it is ours."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from .. import cache_dir, ports
from ..errors import ClusterError
from ..steps import say, step
from . import engine as engines
from . import sources, versions
from .engine import Engine
from .kind import CONFIG, DocsCluster
from .sources import Source

FREE_DISK = 2 * 1024**3  # bytes that three nodes and their logs may take


@dataclass(frozen=True)
class Wish:
    """What a run asks for, as given on the command line."""

    name: str
    keep: bool = False
    image_source: str = "auto"
    minor: str | None = None
    mirror: str | None = None
    kubeconfig: Path | None = None


class Lifecycle:
    """The cluster of one run, from the first question to the last container."""

    def __init__(self, wish: Wish):
        """`wish` is not checked before `start`."""
        self.wish = wish
        self.folder = cache_dir() / "clusters" / wish.name
        self.cluster: DocsCluster | None = None
        self._engine: Engine | None = None
        self._lock: IO[str] | None = None
        self._to_remove = False
        self._half_made = False

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of this cluster; the user's own file is never written."""
        return self.wish.kubeconfig or self.folder / "kubeconfig"

    def start(self) -> DocsCluster:
        """Return a ready cluster.

        Raises ClusterError when another run or somebody else's cluster is in the way, or when
        something that the cluster needs cannot be had.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        _require_disk(self.folder)
        self._engine = engines.ensure()
        kube = versions.kubernetes(self.wish.minor)
        source = sources.prepare(self._engine, self.wish.image_source, kube, self.wish.mirror)
        self.cluster = DocsCluster(self.wish.name, self.kubeconfig, source, self._engine)
        say(f"• {source.sentence()}")
        if not self._reused(self.cluster):
            self._create(self.cluster, source)
        return self.cluster

    def finish(self) -> None:
        """Remove the cluster if this run made it and was not asked to keep it; stop our engine."""
        try:
            if self.cluster and self._to_remove and not self.wish.keep:
                if self._engine and self._engine.ours and not self._engine.answers():
                    self._engine = engines.ensure()  # it died; the nodes outlived it
                with step(f"delete cluster {self.wish.name}"):
                    self.cluster.delete()
                # the engine may still be starting nodes of a cluster that was only half made: the
                # next run then knows by the state that they are ours, and removes them
                if not self._half_made:
                    self._forget()
        finally:
            if self._engine:
                engines.stop(self._engine)
            if self._lock:
                self._lock.close()

    def _take_lock(self) -> None:
        self._lock = (self.folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise ClusterError(
                f"another run (pid {self._lock.read().strip()}) is using cluster {self.wish.name}; "
                "wait until it ends"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def _reused(self, cluster: DocsCluster) -> bool:
        """Reuse the cluster if it is ours and that was asked; clear away one that a run lost."""
        if not cluster.exists():
            self._forget()
            return False
        state = self._state()
        if not _is_ours(state, cluster.containers()):
            raise ClusterError(
                f"a kind cluster named {self.wish.name} exists that this project did not make; "
                "it is left alone: choose another name with --cluster-name"
            )
        if not state.get("kept"):
            with step(f"remove cluster {self.wish.name}, which an interrupted run left behind"):
                cluster.delete()
            self._forget()
            return False
        if not self.wish.keep:
            raise ClusterError(
                f"cluster {self.wish.name} was kept by an earlier run: use it again with "
                "--keep-cluster, or remove it with ./scripts/clean --cluster"
            )
        self._check_kept(cluster, state)
        return True

    def _check_kept(self, cluster: DocsCluster, state: dict[str, Any]) -> None:
        made, wanted = state["source"], cluster.source.record()
        if made["node_image"] != wanted["node_image"]:
            raise ClusterError(
                f"the kept cluster {self.wish.name} was made from {made['node_image']} "
                f"and this run wants {wanted['node_image']}; remove it with "
                "./scripts/clean --cluster"
            )
        digests = made.get("images", {})
        if moved := [ref for ref, digest in wanted["images"].items() if digests.get(ref) != digest]:
            raise ClusterError(
                f"the kept cluster {self.wish.name} was made from another build of "
                f"{', '.join(moved)}; remove it with ./scripts/clean --cluster"
            )
        stopped = cluster.stopped_nodes()
        if stopped:
            raise ClusterError(
                f"node {', '.join(stopped)} of the kept cluster does not run; remove the cluster "
                "with ./scripts/clean --cluster"
            )
        cluster.export_kubeconfig()
        cluster.kubectl("get", "--raw", "/readyz", timeout=30)
        if closed := cluster.closed_nodes():
            raise ClusterError(
                f"node {', '.join(closed)} of the kept cluster is cordoned or tainted, as a killed "
                "run leaves it; remove the cluster with ./scripts/clean --cluster"
            )
        say(f"• cluster {self.wish.name} is reused")

    def _create(self, cluster: DocsCluster, source: Source) -> None:
        _require_free_ports()
        self._to_remove = True
        self._remember(source, [], kept=False)
        try:
            cluster.bring_up(self.folder)
        except BaseException:
            self.wish = Wish(self.wish.name)  # a half-made cluster is of no use to anyone
            self._half_made = True
            raise
        self._remember(source, cluster.containers(), kept=self.wish.keep)

    def _remember(self, source: Source, containers: list[str], *, kept: bool) -> None:
        state = {
            "containers": containers,
            "kept": kept,
            "engine_is_ours": bool(self._engine and self._engine.ours),
            "source": source.record(),
        }
        # renamed, so that an interrupted write leaves no half of a file
        whole = self.folder / "state.json.new"
        whole.write_text(json.dumps(state, indent=1), encoding="utf-8")
        whole.rename(self.folder / "state.json")

    def _state(self) -> dict[str, Any]:
        file = self.folder / "state.json"
        state: dict[str, Any] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )
        return state

    def _forget(self) -> None:
        for name in ("state.json", "kind.yaml", "kubeconfig", "namespaces"):
            (self.folder / name).unlink(missing_ok=True)
        # what the API client remembers of this cluster's kinds is not true of the next one
        self.kubeconfig.with_suffix(".discovery.json").unlink(missing_ok=True)


def _is_ours(state: dict[str, Any], containers: list[str]) -> bool:
    """Tell whether the containers are those that we made.

    A run that died while it created them left a state without ids: then they are ours too, since
    it looked before it began.
    """
    if not state:
        return False
    known = state["containers"]
    return not known or set(containers) <= set(known)


def _require_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_DISK:
        raise ClusterError(
            f"{free / 1024**3:.1f} GiB are free where {folder} is and a cluster needs "
            f"{FREE_DISK / 1024**3:.0f}; free some disk, or set K8S_BASIC_CACHE to another one"
        )


def _require_free_ports() -> None:
    """Refuse early, in a sentence, what Docker would refuse late with half a cluster made."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
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
    return [folder.name for folder in folders if _clean_one(_engine_of(folder), folder)]


def _engine_of(folder: Path) -> Engine:
    """Return the engine that a cluster is in; our own is started again for it."""
    engine = engines.find()
    if engine:
        return engine
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if not state.get("engine_is_ours"):
        raise ClusterError(
            f"the Docker engine that cluster {folder.name} is in does not answer; start it, then "
            "run again"
        )
    return engines.ensure()


def _clean_one(engine: Engine, folder: Path) -> bool:
    lifecycle = Lifecycle(Wish(folder.name))
    lifecycle._take_lock()
    label = f"label=io.x-k8s.kind.cluster={folder.name}"
    containers = engine.docker("ps", "-aq", "--no-trunc", "--filter", label).split()
    ours = _is_ours(lifecycle._state(), containers)
    if containers and ours:
        with step(f"delete cluster {folder.name}"):
            engine.docker("rm", "-f", "-v", *containers)
    shutil.rmtree(folder)  # while we hold the lock: no run can begin in it before it is gone
    if lifecycle._lock:
        lifecycle._lock.close()
    return ours
