"""What kind and kubectl are asked, and what their answers are taken for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic.cluster import image, kind, versions
from k8s_basic.cluster.engine import Engine
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.cluster.sources import ImageSource
from k8s_basic.errors import ClusterError


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DocsCluster:
    """A cluster whose kind and kubectl are scripts that a test writes."""
    monkeypatch.chdir(tmp_path)  # pytest-kind makes a folder where it is called
    docker(tmp_path, "echo 2")  # the version of its cgroups
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    source = ImageSource(
        "packages", versions.kubernetes(), "node:x", tmp_path / "kind", tmp_path / "kubectl"
    )
    return DocsCluster("lessons", tmp_path / "kubeconfig", source, Engine(None, ours=False))


def docker(folder: Path, text: str) -> None:
    """Write the program that stands in for docker."""
    (folder / "docker").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "docker").chmod(0o755)


def script(cluster: DocsCluster, name: str, text: str) -> None:
    """Write the program of this name."""
    path = Path(getattr(cluster, f"{name}_path"))
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        ("echo kind; echo lessons", True),
        ("echo lessons-2; echo my-lessons", False),
        ("echo 'No kind clusters found.' >&2", False),
    ],
)
def test_cluster_exists_when_kind_lists_its_whole_name(
    cluster: DocsCluster, answer: str, there: bool
) -> None:
    script(cluster, "kind", answer)
    assert cluster.exists() is there


def test_kind_and_kubectl_write_our_kubeconfig_and_not_the_users(
    cluster: DocsCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    script(cluster, "kind", 'echo "$KUBECONFIG" >kind.said')
    script(cluster, "kubectl", 'echo "$KUBECONFIG"')
    cluster.create()
    assert Path("kind.said").read_text() == f"{cluster.kubeconfig_path}\n"
    assert cluster.kubectl("get", "nodes") == f"{cluster.kubeconfig_path}\n"


def test_cluster_is_created_from_the_image_of_its_source(cluster: DocsCluster) -> None:
    script(cluster, "kind", 'echo "$@" >kind.said')
    cluster.create("config.yaml")
    said = Path("kind.said").read_text()
    assert said == "create cluster --name=lessons --image=node:x --config=config.yaml\n"


def test_failure_of_kind_is_told_with_its_last_words(cluster: DocsCluster) -> None:
    script(cluster, "kind", "echo 'ERROR: failed to create cluster: port is taken' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"kind create cluster failed: ERROR: .* port is taken"):
        cluster.create()


def test_kubectl_gets_its_input_and_fails_with_what_it_was_asked(cluster: DocsCluster) -> None:
    script(cluster, "kubectl", "cat; [ $1 = apply ] || { echo 'not found' >&2; exit 1; }")
    assert cluster.kubectl("apply", "-f", "-", stdin="kind: Pod") == "kind: Pod"
    with pytest.raises(ClusterError, match=r"^kubectl get pod x failed: not found$"):
        cluster.kubectl("get", "pod", "x", "--ignored")


def test_nodes_that_do_not_run_are_named(cluster: DocsCluster, tmp_path: Path) -> None:
    rows = "lessons-worker running\nlessons-worker2 exited\nlessons-control-plane paused"
    docker(tmp_path, f"[ \"$2\" = -a ] && echo '{rows}'")
    assert cluster.stopped_nodes() == ["lessons-worker2", "lessons-control-plane"]


@pytest.mark.parametrize(
    ("store", "saved"),
    [
        ("[[Backing Filesystem extfs] [Native Overlay Diff true]]", "save -o"),
        ("[[driver-type io.containerd.snapshotter.v1]]", "save --platform linux/arm64 -o"),
    ],
)
def test_images_are_loaded_from_an_archive_of_the_one_platform_that_was_pulled(
    cluster: DocsCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, saved: str
) -> None:
    answers = f"info) echo '{store}';; version) echo linux/arm64;; *) echo \"$@\" >docker.said;;"
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ncase $1 in {answers} esac\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    script(cluster, "kind", 'echo "$@" >kind.said')
    cluster.load_docker_image("nginx:1.22.1", "busybox:1.35")
    archive = Path("kind.said").read_text().split()[-1]
    assert Path("kind.said").read_text() == f"load image-archive --name=lessons {archive}\n"
    assert Path("docker.said").read_text() == f"{saved} {archive} nginx:1.22.1 busybox:1.35\n"
    assert not Path(archive).parent.exists()


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The labels of the node image, as the engine tells them."""
    said: dict[str, str] = {}
    monkeypatch.setattr(Engine, "docker", lambda *_: json.dumps(said))
    return said


def test_nodes_are_those_of_the_readers_own_configuration(
    cluster: DocsCluster, labels: dict[str, str]
) -> None:
    readers = yaml.safe_load(kind.CONFIG.read_text(encoding="utf-8"))
    assert cluster._config()["nodes"] == readers["nodes"]
    assert "networking" not in cluster._config()


def test_kubeadm_asks_for_what_the_node_image_says_was_built(
    cluster: DocsCluster, labels: dict[str, str]
) -> None:
    def patches() -> list[Any]:
        return [yaml.safe_load(patch) for patch in cluster._config()["kubeadmConfigPatches"]]

    kinds = [patch["kind"] for patch in patches()]
    assert "ClusterConfiguration" not in kinds, "a published image has what kubeadm asks for"
    labels.update({image.ETCD_LABEL: "3.7.3-0", image.DNS_LABEL: "v1.15.0"})
    (told,) = [patch for patch in patches() if patch["kind"] == "ClusterConfiguration"]
    assert told["etcd"]["local"]["imageTag"] == "3.7.3-0"
    assert told["dns"]["imageTag"] == "v1.15.0"


@pytest.mark.parametrize("old", [True, False])
def test_kubelet_is_told_of_old_cgroups_only_where_they_are(
    cluster: DocsCluster, tmp_path: Path, old: bool
) -> None:
    info = f'[ "$*" = "info --format {{{{.CgroupVersion}}}}" ] && echo {1 if old else 2}'
    docker(tmp_path, f"{info} || echo '{{}}'")  # the node image has no labels
    patches = [yaml.safe_load(patch) for patch in cluster._config()["kubeadmConfigPatches"]]
    told = [p["failCgroupV1"] for p in patches if p["kind"] == "KubeletConfiguration"]
    assert told == ([False] if old else [])


def test_closed_is_a_node_with_a_taint_that_kind_did_not_give(cluster: DocsCluster) -> None:
    taints = {
        "control-plane": ["node-role.kubernetes.io/control-plane"],
        "worker": [],
        "cordoned": ["node.kubernetes.io/unschedulable"],
        "tainted": ["dedicated"],
    }
    items = [
        {"metadata": {"name": name}, "spec": {"taints": [{"key": key} for key in keys]}}
        for name, keys in taints.items()
    ]
    script(cluster, "kubectl", f"echo '{json.dumps({'items': items})}'")
    assert cluster.closed_nodes() == ["cordoned", "tainted"]
