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

from .. import cache_dir, ports, versions
from ..errors import ClusterError
from ..packages import engine as engines
from ..packages.engine import Engine
from ..steps import say, step
from . import kind, sources
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
    kubeconfig: Path | None = None


class Lifecycle:
    """The cluster of one run, from the first question to the last container."""

    def __init__(self, options: ClusterOptions):
        """`options` is not checked before `start`."""
        self.options = options
        self.folder = cache_dir() / "clusters" / options.name
        self.cluster: DocsCluster | None = None
        self._engine: Engine | None = None
        self._lock: IO[str] | None = None
        self._to_remove = False
        self._half_made = False

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of this cluster; the user's own file is never written."""
        return self.options.kubeconfig or self.folder / "kubeconfig"

    def start(self) -> DocsCluster:
        """Return a ready cluster.

        Raises ClusterError when another run or somebody else's cluster is in the way, or when
        something that the cluster needs cannot be had.
        """
        options = self.options
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.folder)
        _require_disk(self.folder)
        self._engine = engines.ensure()
        kube = versions.kubernetes(options.minor)
        source = sources.prepare(self._engine, options.image_source, kube, options.mirror)
        self.cluster = DocsCluster(options.name, self.kubeconfig, source, self._engine)
        say(f"• {source.sentence()}")
        if not self._reused(self.cluster):
            self._create(self.cluster)
        return self.cluster

    def finish(self) -> None:
        """Remove the cluster if this run made it and was not asked to keep it; stop our engine."""
        try:
            if self.cluster and self._engine and self._to_remove:
                if self._engine.ours and not self._engine.answers():
                    self._engine = engines.ensure()  # it died; the nodes outlived it
                with step(f"delete cluster {self.options.name}"):
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

    def _reused(self, cluster: DocsCluster) -> bool:
        """Reuse the cluster if it is ours and that was asked; clear away one that a run lost."""
        if not cluster.exists():
            self._forget()
            return False
        state = _state(self.folder)
        if not _is_ours(state, cluster.containers()):
            raise ClusterError(
                f"a kind cluster named {cluster.name} exists that this project did not make; "
                "it is left alone: choose another name with --cluster-name"
            )
        if not state["kept"]:
            with step(f"remove cluster {cluster.name}, which an interrupted run left behind"):
                cluster.delete()
            self._forget()
            return False
        if not self.options.keep:
            raise ClusterError(
                f"cluster {cluster.name} was kept by an earlier run: use it again with "
                f"--keep-cluster, or remove it with {CLEAN}"
            )
        if problem := _worn(cluster, state["source"]):
            raise ClusterError(f"{problem}; remove the cluster with {CLEAN}")
        say(f"• cluster {cluster.name} is reused")
        return True

    def _create(self, cluster: DocsCluster) -> None:
        _require_free_ports()
        self._to_remove = self._half_made = True  # if it breaks, though it was to be kept
        self._remember(cluster, [], kept=False)
        cluster.bring_up(self.folder)
        self._remember(cluster, cluster.containers(), kept=self.options.keep)
        self._to_remove, self._half_made = not self.options.keep, False

    def _remember(self, cluster: DocsCluster, containers: list[str], *, kept: bool) -> None:
        state = {
            "containers": containers,
            "kept": kept,
            "engine_is_ours": cluster.engine.ours,
            "source": cluster.source.record(),
        }
        # renamed, so that an interrupted write leaves no half of a file
        whole = self.folder / "state.json.new"
        whole.write_text(json.dumps(state, indent=1), encoding="utf-8")
        whole.rename(self.folder / "state.json")

    def _forget(self) -> None:
        for name in ("state.json", "kind.yaml", "kubeconfig", "namespaces"):
            (self.folder / name).unlink(missing_ok=True)
        # what the API client remembers of this cluster's kinds is not true of the next one
        self.kubeconfig.with_suffix(".discovery.json").unlink(missing_ok=True)


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
    digests = made.get("images", {})
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
    config = yaml.safe_load(kind.CONFIG.read_text(encoding="utf-8"))
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
        if not engine and not state.get("engine_is_ours"):
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
