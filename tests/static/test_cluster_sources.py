"""A registry is used only when it answers and every digest is pinned; else package registries."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.cluster import programs, sources, versions
from k8s_basic.cluster.errors import ClusterError
from k8s_basic.cluster.sources import Source, choose
from k8s_basic.cluster.versions import Kubernetes

KUBE = Kubernetes("1.37", "v1.37.2", "v3.7.3", "v1.15.0", "kindest/node:v1.37.0")
DIGEST = "sha256:" + "ab" * 32


@contextmanager
def registry(status: int) -> Iterator[str]:
    """A registry on this machine that answers /v2/ with `status`; its host:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v2/" else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is asked directly."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The images of versions.yaml, all of them pinned; a test may unpin one."""
    table: dict[str, str | None] = {
        "kindest/node:v1.37.0": DIGEST,
        "nginx:1.22.1": DIGEST,
        "registry.k8s.io/pause:3.10.2": DIGEST,
    }
    monkeypatch.setattr(versions, "images", lambda: table)
    return table


@pytest.fixture
def unreachable() -> Iterator[str]:
    """host:port of a socket on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("status", [200, 401])  # 401: it wants a token first
def test_auto_takes_the_registry_that_answers_when_all_is_pinned(
    digests: dict[str, str | None], status: int
) -> None:
    with registry(status) as mirror:
        assert choose("auto", KUBE, mirror) == "registry"


def test_auto_takes_packages_when_no_registry_answers(
    digests: dict[str, str | None], unreachable: str
) -> None:
    assert choose("auto", KUBE, unreachable) == "packages"


@pytest.mark.parametrize("reference", ["nginx:1.22.1", "kindest/node:v1.37.0"])
def test_auto_takes_packages_while_one_digest_is_missing_though_the_registry_answers(
    digests: dict[str, str | None], reference: str
) -> None:
    digests[reference] = None
    with registry(200) as mirror:
        assert choose("auto", KUBE, mirror) == "packages"


def test_auto_takes_packages_for_a_minor_without_a_node_image(
    digests: dict[str, str | None],
) -> None:
    with registry(200) as mirror:
        assert choose("auto", dataclasses.replace(KUBE, node=None), mirror) == "packages"


def test_auto_takes_packages_when_something_else_than_a_registry_answers(
    digests: dict[str, str | None],
) -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.recv(1000)
        connection.sendall(b"220 mail.example.com ESMTP\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        assert choose("auto", KUBE, f"127.0.0.1:{server.getsockname()[1]}") == "packages"
        thread.join()


def test_mirror_address_without_a_port_number_is_not_taken_for_a_registry(
    digests: dict[str, str | None],
) -> None:
    assert choose("auto", KUBE, "127.0.0.1:port") == "packages"


def test_auto_needs_every_public_registry_to_answer(
    digests: dict[str, str | None], unreachable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(401) as one:
        monkeypatch.setattr(sources, "REGISTRIES", (f"http://{one}/v2/",))
        assert choose("auto", KUBE) == "registry"
        both = (f"http://{one}/v2/", f"http://{unreachable}/v2/")
        monkeypatch.setattr(sources, "REGISTRIES", both)
        assert choose("auto", KUBE) == "packages"


@pytest.mark.parametrize("wanted", ["registry", "packages"])
def test_source_that_is_named_is_taken_without_a_question(
    digests: dict[str, str | None], unreachable: str, wanted: str
) -> None:
    assert choose(wanted, KUBE, unreachable) == wanted


# --- pulling


class Docker:
    """An engine that remembers what it was asked."""

    host = None

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: str | None = None

    def docker(self, *args: str | Path, **_: Any) -> str:
        line = " ".join(str(a) for a in args)
        self.asked.append(line)
        if self.fails and line.startswith(self.fails):
            raise ClusterError(f"{self.fails} failed")
        return "0123abc\n" if args[0] == "create" else ""


@pytest.fixture
def pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digests: dict[str, str | None]
) -> Callable[..., tuple[Source, list[str]]]:
    """A function that prepares source "registry" and returns it with what Docker was asked."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    monkeypatch.setattr(programs, "build", lambda kube, names: {"kind": tmp_path / "kind-folder"})

    def prepare(kube: Kubernetes = KUBE, mirror: str | None = None) -> tuple[Source, list[str]]:
        engine = Docker()
        return sources.prepare(engine, "registry", kube, mirror), engine.asked  # type: ignore[arg-type]

    return prepare


def test_images_are_pulled_by_digest_and_named_as_the_examples_name_them(
    pulled: Callable[..., tuple[Source, list[str]]],
) -> None:
    _, asked = pulled()
    assert asked[:6] == [
        f"pull -q kindest/node@{DIGEST}",
        f"tag kindest/node@{DIGEST} kindest/node:v1.37.0",
        f"pull -q nginx@{DIGEST}",
        f"tag nginx@{DIGEST} nginx:1.22.1",
        f"pull -q registry.k8s.io/pause@{DIGEST}",
        f"tag registry.k8s.io/pause@{DIGEST} registry.k8s.io/pause:3.10.2",
    ]


def test_mirror_is_asked_for_the_same_digests_and_the_names_stay_public(
    pulled: Callable[..., tuple[Source, list[str]]],
) -> None:
    _, asked = pulled(mirror="mirror:5000")
    assert f"pull -q mirror:5000/kindest/node@{DIGEST}" in asked
    assert f"pull -q mirror:5000/pause@{DIGEST}" in asked
    assert f"tag mirror:5000/pause@{DIGEST} registry.k8s.io/pause:3.10.2" in asked


def test_cluster_of_a_registry_is_what_its_node_image_is(
    pulled: Callable[..., tuple[Source, list[str]]],
) -> None:
    source, _ = pulled()
    assert source.record()["kubernetes"] == "v1.37.0"  # though the modules are of v1.37.2
    assert source.record()["stand_ins"] == []
    assert source.load == ["nginx:1.22.1", "registry.k8s.io/pause:3.10.2"]
    assert source.sentence() == (
        "Kubernetes v1.37.0, image source registry; images pinned by digest"
    )


def test_digest_that_is_not_pinned_is_told_before_anything_is_pulled(
    digests: dict[str, str | None],
) -> None:
    digests["registry.k8s.io/pause:3.10.2"] = None
    engine = Docker()
    with pytest.raises(ClusterError, match=r"no digest is pinned for registry\.k8s\.io/pause:3"):
        sources.prepare(engine, "registry", KUBE)  # type: ignore[arg-type]
    assert engine.asked == []


def test_minor_without_a_node_image_is_told_with_the_other_source(
    digests: dict[str, str | None],
) -> None:
    kube = Kubernetes("1.36", "v1.36.3", "v3.7.3", "v1.15.0")
    with pytest.raises(ClusterError, match=r"no kind node image for Kubernetes 1\.36.*packages"):
        sources.prepare(Docker(), "registry", kube)  # type: ignore[arg-type]


def test_kubectl_comes_out_of_the_node_image_once_and_no_container_stays(
    pulled: Callable[..., tuple[Source, list[str]]], tmp_path: Path
) -> None:
    source, asked = pulled()
    assert asked[-3:] == [
        "create kindest/node:v1.37.0",
        f"cp -L 0123abc:/usr/bin/kubectl {source.kubectl}",
        "rm 0123abc",
    ]
    source.kubectl.touch()  # as docker cp would have done
    assert not [line for line in pulled()[1] if line.startswith(("create", "cp"))]


def test_container_for_kubectl_is_removed_when_the_copy_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    engine = Docker()
    engine.fails = "cp"
    with pytest.raises(ClusterError):
        sources._kubectl_of_node(engine, "kindest/node:v1.37.0")  # type: ignore[arg-type]
    assert engine.asked[-1] == "rm 0123abc"


def test_source_of_packages_names_every_image_that_is_no_registrys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sources.image, "ensure", lambda engine, kube: "k8s-basic/node:x")
    built = {"kube": tmp_path / "kube", "kind": tmp_path / "kind"}
    monkeypatch.setattr(programs, "build", lambda kube, names: {n: built[n] for n in names})
    source = sources.prepare(Docker(), "packages", KUBE)  # type: ignore[arg-type]
    assert source.record() == {
        "image_source": "packages",
        "kubernetes": "v1.37.2",
        "node_image": "k8s-basic/node:x",
        "stand_ins": sources.image.stand_ins(KUBE),
    }
    assert (source.kind, source.kubectl) == (tmp_path / "kind/kind", tmp_path / "kube/kubectl")
    number = len(source.stand_ins)
    assert source.sentence().endswith(f"; {number} images are rebuilt from packages under their"
                                      " public names")  # fmt: skip
