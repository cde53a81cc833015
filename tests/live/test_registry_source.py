"""The registry image source, against a registry on loopback that this test fills.

The public registries are not asked: small images made here take the place of theirs.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from k8s_basic import versions
from k8s_basic.cluster import registries, sources, tools
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.cluster.sources import ImageSource
from k8s_basic.errors import ClusterError
from k8s_basic.live import Lab, needs, ready
from k8s_basic.packages import programs
from k8s_basic.packages.engine import Engine
from k8s_basic.steps import run

OCI = "application/vnd.oci.image"
HANGS = 3.0  # seconds after which a pull that does not end is given up here
REFUSALS = {
    401: ("UNAUTHORIZED", "docker login"),
    429: ("TOOMANYREQUESTS", "or wait, or name another"),
    500: ("UNKNOWN", "try again later"),
}


class Handler(BaseHTTPRequestHandler):
    """As much of a registry as `docker pull` needs."""

    protocol_version = "HTTP/1.1"
    server: Registry

    def do_GET(self) -> None:
        """Answer with what the registry has, or as it was told to fail."""
        failure = self.server.failure if "/manifests/" in self.path else None
        if failure == HANGS:
            self.server.closing.wait()
        body = self.server.files.get(self.path)
        status = int(failure or (200 if body is not None else 404))
        if status != 200:
            code = REFUSALS.get(status, ("MANIFEST_UNKNOWN",))[0]
            body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self.send_response(status)
        kind = "application/json" if status != 200 else f"{OCI}.manifest.v1+json"
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Content-Digest", digest(body or b""))
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Registry(ThreadingHTTPServer):
    """A registry of our own on a free port of loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.files = {"/v2/": b"{}"}
        self.failure: float | None = None
        self.closing = threading.Event()

    def add(self, engine: Engine, reference: str, files: dict[str, Path]) -> str:
        """Have an image of these files (path → file), the first of which it runs; its digest."""
        name, _, tag = reference.rpartition(":")
        path = f"/v2/{versions.home(name)[1]}"
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for place, file in files.items():
                tar.add(file.resolve(), place)
        config = {
            "architecture": engine.docker("version", "--format", "{{.Server.Arch}}").strip(),
            "os": "linux",
            "config": {"Entrypoint": [f"/{next(iter(files))}"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer.getvalue())]},
        }
        parts = {"config.v1+json": json.dumps(config).encode(), "layer.v1.tar": layer.getvalue()}
        described = [
            {"mediaType": f"{OCI}.{kind}", "digest": digest(blob), "size": len(blob)}
            for kind, blob in parts.items()
        ]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": described[0],
                "layers": described[1:],
            }
        ).encode()
        self.files |= {f"{path}/blobs/{digest(blob)}": blob for blob in parts.values()}
        self.files |= {f"{path}/manifests/{ref}": manifest for ref in (tag, digest(manifest))}
        return digest(manifest)


def digest(data: bytes) -> str:
    """Return the digest under which a registry has these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An empty registry that answers."""
    server = Registry()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


def pause(cluster: DocsCluster, folder: Path) -> Path:
    """Return the program of the image `pause`, from where this run's source has it."""
    if cluster.source.name == "packages":
        return programs.build(cluster.source.kubernetes, ("pause",))["pause"] / "pause"
    container = cluster.engine.docker("create", versions.image("pause")).strip()
    cluster.engine.docker("cp", f"{container}:/pause", folder / "pause")
    cluster.engine.docker("rm", container)
    return folder / "pause"


Images = dict[str, str | None]


@pytest.fixture
def filled(
    lab: Lab, registry: Registry, kind_cluster: DocsCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Images, Callable[[], ImageSource]]]:
    """A node image and a workload in the registry: their digests, and how they are prepared."""
    engine, kube = kind_cluster.engine, kind_cluster.source.kubernetes
    run_id = uuid.uuid4().hex[:8]  # a name that no node can have from an earlier run
    node = f"k8s-basic-test/node:{run_id}"
    workload = f"registry.k8s.io/k8s-basic-test/pause:{run_id}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "version").write_text("v1.2.3\n")
        kubectl = Path(kind_cluster.kubectl_path)
        files = {"usr/bin/kubectl": kubectl, "kind/version": folder / "version"}
        table: Images = {
            node: registry.add(engine, node, files),
            workload: registry.add(engine, workload, {"pause": pause(kind_cluster, folder)}),
        }
        names = [
            f"{registry.address}/{versions.home(reference.rpartition(':')[0])[1]}{ending}"
            for reference, digest in table.items()
            for ending in (f":{run_id}", f"@{digest}")
        ]
        names += table
        monkeypatch.setattr(versions, "images", lambda: table)
        monkeypatch.setattr(sources, "needed", lambda _: [node, workload])
        monkeypatch.setattr(tools, "kind", lambda _: Path(kind_cluster.kind_path))
        monkeypatch.setattr(tools, "cache_dir", lambda: folder)
        wanted = replace(kube, node=node)
        yield table, lambda: sources.prepare(engine, "registry", wanted, registry.address)
    for name in names:
        with contextlib.suppress(ClusterError):  # not every test has pulled every one
            engine.docker("rmi", name)


@needs("node-shell")
def test_images_are_pulled_by_digest_or_tag_and_loaded_into_the_nodes(
    lab: Lab, kind_cluster: DocsCluster, filled: tuple[Images, Callable[[], ImageSource]]
) -> None:
    table, prepare = filled
    node, workload = table
    came = dict(table)
    table[workload] = None

    source = prepare()

    assert (source.name, source.node_image, source.load) == ("registry", node, [workload])
    assert source.images == came
    assert source.substitutes == []
    assert source.kubernetes.version == "v1.2.3"
    assert kind_cluster.source.kubernetes.version in run(source.kubectl, "version", "--client")
    kind_cluster.load_docker_image(*source.load)
    lab.apply(pod(workload))
    lab.becomes("pods app=loaded", ready(1))


@needs("node-shell")
def test_image_that_is_not_there_is_named_with_what_to_do(
    registry: Registry, filled: tuple[Images, Callable[[], ImageSource]]
) -> None:
    table, prepare = filled
    _, workload = table
    table[workload] = "sha256:" + "0" * 64
    with pytest.raises(
        ClusterError, match=r"pause@sha256:0{64} cannot be pulled; .*versions\.yaml"
    ):
        prepare()

    table[workload] = None
    registry.files = {p: body for p, body in registry.files.items() if "/pause/" not in p}
    with pytest.raises(ClusterError, match=r"/pause:\w+ cannot be pulled; .*: give it to 127\.0"):
        prepare()


@needs("node-shell")
@pytest.mark.parametrize("status", REFUSALS)
def test_registry_that_refuses_is_told_with_what_to_do(
    registry: Registry, filled: tuple[Images, Callable[[], ImageSource]], status: int
) -> None:
    registry.failure = status
    with pytest.raises(ClusterError, match=rf"node@\S+ cannot be pulled; .*{REFUSALS[status][1]}"):
        filled[1]()


@needs("node-shell")
def test_registry_that_says_nothing_is_given_up(
    registry: Registry,
    filled: tuple[Images, Callable[[], ImageSource]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registries, "PULL_TIMEOUT", HANGS)
    registry.failure = HANGS
    with pytest.raises(ClusterError, match=r"node@\S+ cannot be pulled; .*look at the network"):
        filled[1]()


def pod(image: str) -> dict[str, object]:
    """Return a Pod that runs `image`, which no registry has under that name."""
    metadata = {"name": "loaded", "labels": {"app": "loaded"}}
    spec = {"containers": [{"name": "loaded", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
