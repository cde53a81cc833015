"""The registry image source, against Debian's docker-registry on loopback, filled by this test.

The public registries are not asked: small images built here take the place of theirs.
"""

from __future__ import annotations

import io
import socket
import subprocess
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from k8s_basic import cache_dir
from k8s_basic.cluster import packages, programs, sources, versions
from k8s_basic.cluster.engine import Engine
from k8s_basic.cluster.errors import ClusterError
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.cluster.steps import run
from k8s_basic.live import Lab, needs, ready
from k8s_basic.upgrade import Image

STARTS = 20.0  # seconds for the registry to answer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry of our own on a free port of loopback, as host:port."""
    files = cache_dir() / "docker-registry"
    if not files.exists():
        packages.unpack(("docker-registry",), files)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    store = f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'store'}}}}}"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\n{store}\nhttp: {{addr: {address}}}\n")
    command = [files / "usr/bin/docker-registry", "serve", config]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until_it_answers(address)
            yield address
        finally:
            server.terminate()


def wait_until_it_answers(address: str) -> None:
    deadline = time.monotonic() + STARTS
    while True:
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=2)
            return
        except OSError:
            assert time.monotonic() < deadline, f"no registry at {address} after {STARTS:.0f} s"
            time.sleep(0.2)


def push(engine: Engine, address: str, reference: str, program: Path, path: str) -> None:
    """Push an image that holds one program under `reference`, and forget it locally."""
    name = f"{address}/{reference.removeprefix('registry.k8s.io/')}"
    archive = program.parent / f"{uuid.uuid4().hex}.tar"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.add(program.resolve(), path)
    archive.write_bytes(content.getvalue())
    try:
        engine.docker("import", "--change", f'ENTRYPOINT ["/{path}"]', archive, name)
    finally:
        archive.unlink()
    engine.docker("push", "-q", name)
    engine.docker("rmi", name)


@needs("node-shell")
def test_images_pinned_by_digest_are_pulled_and_loaded_into_the_nodes(
    lab: Lab, kind_cluster: DocsCluster, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, kube = kind_cluster.engine, kind_cluster.source.kubernetes
    run_id = uuid.uuid4().hex[:8]  # a name that no node can have from an earlier run
    node = f"k8s-basic-test/node:{run_id}"
    workload = f"registry.k8s.io/k8s-basic-test/pause:{run_id}"
    push(engine, registry, node, Path(kind_cluster.kubectl_path), "usr/bin/kubectl")
    pause = programs.build(kube, ("pause",))["pause"] / "pause"
    push(engine, registry, workload, pause, "pause")

    table = versions.images()
    unpinned: dict[str, str | None] = {node: None, workload: None}
    monkeypatch.setattr(versions, "images", lambda: {**table, **unpinned})
    monkeypatch.setattr(sources, "_needed", lambda _: list(unpinned))
    with pytest.raises(ClusterError, match="no digest is pinned"):
        sources.prepare(engine, "registry", replace(kube, node=node), registry)

    answers = f"http://{registry}"
    pinned = {reference: Image.parse(reference, answers).digest() for reference in unpinned}
    monkeypatch.setattr(versions, "images", lambda: {**table, **pinned})
    try:
        source = sources.prepare(engine, "registry", replace(kube, node=node), registry)

        assert (source.name, source.node_image, source.load) == ("registry", node, [workload])
        assert source.stand_ins == []
        assert kube.version in run(source.kubectl, "version", "--client")
        kind_cluster.load_docker_image(*source.load)
    finally:
        for reference, digest in pinned.items():
            name = reference.rsplit(":", 1)[0].removeprefix("registry.k8s.io/")
            engine.docker("rmi", reference, f"{registry}/{name}@{digest}")
    lab.apply(pod(workload))
    lab.becomes("pods app=loaded", ready(1))

    wrong = {**table, **pinned, node: "sha256:" + "0" * 64}
    monkeypatch.setattr(versions, "images", lambda: wrong)
    with pytest.raises(ClusterError, match="docker pull failed"):
        sources.prepare(engine, "registry", replace(kube, node=node), registry)


def pod(image: str) -> dict[str, object]:
    """Return a Pod that runs `image`, which no registry has under that name."""
    metadata = {"name": "loaded", "labels": {"app": "loaded"}}
    spec = {"containers": [{"name": "loaded", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
