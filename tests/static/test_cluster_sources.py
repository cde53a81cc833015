"""A registry is used wherever it answers; what it lacks or refuses is told with what to do."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.cluster import kind as kind_cluster
from k8s_basic.cluster import programs, sources, versions
from k8s_basic.cluster.sources import ImageSource, choose
from k8s_basic.cluster.versions import Kubernetes
from k8s_basic.errors import ClusterError

KUBE = Kubernetes("1.37", "v1.37.2", "v3.7.3", "v1.15.0", "kindest/node:v1.37.0")
DIGEST, CAME = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
KIND = versions.module("sigs.k8s.io/kind")


@contextmanager
def server(status: int, body: bytes = b"") -> Iterator[str]:
    """A server on this machine that answers everything with `status`; its host:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

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


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """host:port of a server that takes connections and never says a word."""
    monkeypatch.setattr(sources, "PROBE_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("wanted", ["auto", "registry"])
@pytest.mark.parametrize("status", [200, 401])  # 401: it wants a token first
def test_registry_that_answers_is_taken_though_no_digest_is_known(
    digests: dict[str, str | None], status: int, wanted: str
) -> None:
    digests.update(dict.fromkeys(digests))
    with server(status) as mirror:
        assert choose(wanted, KUBE, mirror) == "registry"


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_registry_of_no_use_is_an_error_where_it_was_asked_for_and_else_told(
    digests: dict[str, str | None], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(status) as mirror:
        with pytest.raises(ClusterError, match=rf"^{mirror} answers {status} .*; name another"):
            choose("registry", KUBE, mirror)
        assert choose("auto", KUBE, mirror) == "packages"
        assert choose("packages", KUBE, mirror) == "packages"
    told = f"• images are made from packages, because {mirror} answers {status} "
    assert [line.startswith(told) for line in capsys.readouterr().err.splitlines()] == [True]


@pytest.mark.parametrize("who", ["unreachable", "silent"])
def test_registry_that_does_not_answer_is_an_error_where_it_was_asked_for_and_else_told(
    digests: dict[str, str | None],
    who: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mirror = request.getfixturevalue(who)
    with pytest.raises(ClusterError, match=rf"^{mirror} does not answer \(.+\); name another"):
        choose("registry", KUBE, mirror)
    assert choose("auto", KUBE, mirror) == "packages"
    assert f"because {mirror} does not answer" in capsys.readouterr().err


def test_something_else_than_a_registry_is_told(digests: dict[str, str | None]) -> None:
    def answer(server: socket.socket) -> None:
        for _ in ("https", "http"):
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        with pytest.raises(ClusterError, match="does not answer"):
            choose("registry", KUBE, f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_mirror_address_without_a_port_number_is_told(digests: dict[str, str | None]) -> None:
    with pytest.raises(ClusterError, match=r"^127\.0\.0\.1:port does not answer"):
        choose("registry", KUBE, "127.0.0.1:port")


def test_minor_without_a_node_image_is_told(digests: dict[str, str | None]) -> None:
    kube = dataclasses.replace(KUBE, node=None)
    with server(200) as mirror:
        assert choose("auto", kube, mirror) == "packages"
        with pytest.raises(
            ClusterError, match=r"no kind node image for Kubernetes 1\.37; .*packag"
        ):
            choose("registry", kube, mirror)


def test_every_registry_that_an_image_comes_from_is_asked(
    digests: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests["quay.io/metallb/controller:v0.15.3"] = None
    asked: list[str] = []
    monkeypatch.setattr(sources, "_silence", lambda host: asked.append(host) or "")
    assert choose("auto", KUBE) == "registry"
    assert asked == ["registry-1.docker.io", "registry.k8s.io", "quay.io"]
    monkeypatch.setattr(sources, "_silence", lambda host: "it sleeps" if host == "quay.io" else "")
    assert choose("auto", KUBE) == "packages"


# --- pulling


class Docker:
    """An engine that has pulled what it was asked for, and remembers what that was."""

    host = None

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.here: set[str] = set()
        self.fails: str = "nothing"
        self.words = ""

    def docker(self, *args: str | Path, **_: Any) -> str:
        line = " ".join(str(a) for a in args)
        if line.startswith("image inspect --format {{.Id}}"):
            return "sha256:0123456789abcdef\n"
        if args[:2] == ("image", "inspect"):
            return self._digests(str(args[-1]))
        self.asked.append(line)
        if line.startswith(self.fails):
            raise ClusterError(f"docker {args[0]} failed: {self.words}")
        if args[0] == "pull":
            self.here.add(str(args[-1]))
        if args[0] == "cp":
            Path(args[-1]).write_text("v1.37.4\n")
        return "0123abc\n" if args[0] == "create" else ""

    def _digests(self, name: str) -> str:
        if name not in self.here:
            raise ClusterError("no such image")
        repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
        digest = name.partition("@")[2] or CAME
        return json.dumps([f"other@{DIGEST}", f"{repository}@{digest}"])


@pytest.fixture
def engine() -> Docker:
    """An engine without images."""
    return Docker()


@pytest.fixture
def prepare(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    digests: dict[str, str | None],
    engine: Docker,
) -> Callable[..., ImageSource]:
    """A function that prepares source "registry" for a registry that answers."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "build", lambda kube, names: {"kind": tmp_path / "built"})
    monkeypatch.setattr(sources, "_silence", lambda *_: "")
    return lambda mirror=None: sources.prepare(engine, "registry", KUBE, mirror)  # type: ignore


def test_images_are_pulled_by_digest_or_tag_and_named_as_the_examples_name_them(
    prepare: Callable[..., ImageSource], engine: Docker, digests: dict[str, str | None]
) -> None:
    digests["nginx:1.22.1"] = None
    source = prepare()
    assert engine.asked[:5] == [
        f"pull -q kindest/node@{DIGEST}",
        f"tag kindest/node@{DIGEST} kindest/node:v1.37.0",
        "pull -q nginx:1.22.1",
        f"pull -q registry.k8s.io/pause@{DIGEST}",
        f"tag registry.k8s.io/pause@{DIGEST} registry.k8s.io/pause:3.10.2",
    ]
    assert (
        source.record()["images"]
        == source.images
        == {
            "kindest/node:v1.37.0": DIGEST,
            "nginx:1.22.1": CAME,
            "registry.k8s.io/pause:3.10.2": DIGEST,
        }
    )
    assert source.sentence() == (
        "Kubernetes v1.37.4, image source registry; 3 images, 2 of them pinned by digest"
    )


def test_digest_that_is_here_is_not_pulled_again_and_a_tag_is(
    prepare: Callable[..., ImageSource], engine: Docker, digests: dict[str, str | None]
) -> None:
    digests["nginx:1.22.1"] = None
    first = prepare()
    engine.asked.clear()
    assert prepare().images == first.images
    assert [line for line in engine.asked if "pull" in line] == ["pull -q nginx:1.22.1"]


def test_mirror_is_asked_for_the_paths_of_the_registries_and_the_names_stay_public(
    prepare: Callable[..., ImageSource], engine: Docker, digests: dict[str, str | None]
) -> None:
    digests["quay.io/metallb/controller:v0.15.3"] = None
    prepare("mirror:5000")
    assert [line.split()[-1] for line in engine.asked if "pull" in line] == [
        f"mirror:5000/kindest/node@{DIGEST}",
        f"mirror:5000/library/nginx@{DIGEST}",
        f"mirror:5000/pause@{DIGEST}",
        "mirror:5000/metallb/controller:v0.15.3",
    ]
    named = "tag mirror:5000/metallb/controller:v0.15.3 quay.io/metallb/controller:v0.15.3"
    assert named in engine.asked


WORDS = {
    "manifest for nginx@sha256:00 not found: manifest unknown: manifest unknown": "look into versi",
    "failed to resolve reference: docker.io/library/nginx@sha256:00: not found": "look into versi",
    "pull access denied for nginx, repository does not exist or may require": "docker login",
    'Head "http://x/v2/nginx/manifests/a": no basic auth credentials': "docker login",
    "unexpected status from HEAD request to http://x: 401 Unauthorized": "docker login",
    "toomanyrequests: You have reached your unauthenticated pull rate limit.": "or wait, or name",
    "error parsing HTTP 429 response body: invalid character 'T'": "or wait, or name another",
    "received unexpected HTTP status: 500 Internal Server Error": "try again later",
    "unexpected status from GET request to http://x: 503 Service Unavailable": "try again later",
    "docker pull: no end after 600 s": "look at the network",
    'Get "https://x/v2/": dial tcp 127.0.0.1:5000: connect: connection refused': "look at the net",
    'Get "https://x/v2/": context deadline exceeded (Client.Timeout)': "look at the network",
    "something that no engine has said before": "name another with --registry-mirror",
}


@pytest.mark.parametrize("mirror", [None, "mirror:5000"])
@pytest.mark.parametrize(("words", "advice"), WORDS.items())
def test_pull_that_fails_names_the_image_and_what_to_do(
    prepare: Callable[..., ImageSource],
    engine: Docker,
    digests: dict[str, str | None],
    words: str,
    advice: str,
    mirror: str | None,
) -> None:
    digests["nginx:1.22.1"] = "sha256:" + "429-" * 16
    wanted = f"{mirror}/library/nginx" if mirror else "nginx"
    wanted += f"@{digests['nginx:1.22.1']}"
    engine.fails, engine.words = f"pull -q {wanted}", f"{wanted}: {words}"
    with pytest.raises(ClusterError) as told:
        prepare(mirror)
    assert str(told.value).startswith(f"{wanted} cannot be pulled; ")
    assert advice in str(told.value)
    assert "--image-source packages" in str(told.value)
    assert ("give it to mirror:5000" in str(told.value)) is (
        bool(mirror) and advice.startswith("look into")
    )


def test_cluster_of_a_registry_is_what_its_node_image_is(
    prepare: Callable[..., ImageSource], engine: Docker
) -> None:
    source = prepare()
    # neither the version of the modules, v1.37.2, nor that of the tag
    assert source.record()["kubernetes"] == "v1.37.4"
    assert source.record()["stand_ins"] == []
    assert source.load == ["nginx:1.22.1", "registry.k8s.io/pause:3.10.2"]


def test_kubectl_comes_out_of_the_node_image_once_and_no_container_stays(
    prepare: Callable[..., ImageSource], engine: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.sys, "platform", "linux")
    source = prepare()
    assert engine.asked[-4:] == [
        "create kindest/node:v1.37.0",
        f"cp -L 0123abc:/usr/bin/kubectl {source.kubectl}",
        f"cp 0123abc:/kind/version {source.kubectl.parent / 'version'}",
        "rm 0123abc",
    ]
    engine.asked.clear()
    assert prepare().kubectl == source.kubectl
    assert not [line for line in engine.asked if line.startswith(("create", "cp"))]


def test_container_for_kubectl_is_removed_when_the_copy_fails(
    prepare: Callable[..., ImageSource], engine: Docker
) -> None:
    engine.fails = "cp"
    with pytest.raises(ClusterError):
        prepare()
    assert engine.asked[-1] == "rm 0123abc"


def script(folder: Path, name: str, says: str) -> Path:
    """A program that prints something and ends."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nprintf '%s' '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("minor", "fits"), [(35, False), (36, True), (38, True), (39, False)])
def test_mac_uses_its_own_kubectl_if_it_is_one_minor_away_at_most(
    prepare: Callable[..., ImageSource],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minor: int,
    fits: bool,
) -> None:
    monkeypatch.setattr(sources.sys, "platform", "darwin")
    with pytest.raises(ClusterError, match=r"needs kubectl 1\.37, and there is none; install it"):
        prepare()
    version = {"clientVersion": {"gitVersion": f"v1.{minor}.1"}}
    own = script(tmp_path, "kubectl", json.dumps(version))
    if fits:
        assert prepare().kubectl == own
        return
    with pytest.raises(ClusterError, match=rf"needs kubectl 1\.37, and {own} is v1\.{minor}\.1; "):
        prepare()


def test_kind_of_the_pinned_version_is_used_and_no_other(
    prepare: Callable[..., ImageSource], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = script(tmp_path, "kind", f"kind {KIND} go1.26.1 linux/amd64")
    assert prepare().kind == own
    capsys.readouterr()
    script(tmp_path, "kind", f"kind {KIND}0 go1.26.1 linux/amd64")
    assert prepare().kind == tmp_path / "built" / "kind"
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "not used" in line]
    assert told.startswith(f"• {own} is kind {KIND}0 ")
    assert told.endswith(f"with kind {KIND}")
    own.write_text("#!/bin/sh\necho 'no version is set' >&2; exit 126\n")
    assert prepare().kind == tmp_path / "built" / "kind"
    assert "no version is set) and not used" in capsys.readouterr().err


def test_kind_that_is_neither_here_nor_can_be_built_is_told_with_what_to_install(
    prepare: Callable[..., ImageSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object) -> dict[str, Path]:
        raise ClusterError("no Go is here")

    monkeypatch.setattr(programs, "build", build)
    with pytest.raises(
        ClusterError, match=rf"^kind {KIND} is not on .*no Go is here\); install it"
    ):
        prepare()


# --- manifests of others


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """A module whose manifest is published on loopback; nothing of it is in the cache."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    monkeypatch.setattr(versions, "module", lambda module: "v1.2.3")
    monkeypatch.setattr(programs, "module_files", lambda *what: tmp_path.joinpath(*what))
    return ("example.org/crds", "http://{host}/{{version}}/all.yaml", "config/crds")


CRDS = b"---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"


def test_manifest_comes_from_where_it_is_published_once_and_from_the_module_on_packages(
    published: tuple[str, str, str], tmp_path: Path
) -> None:
    module, address, folder = published
    with server(200, CRDS) as host:
        file = kind_cluster.manifest(None, module, address.format(host=host), folder)
    assert (file.name, file.read_bytes()) == ("crds-v1.2.3.yaml", CRDS)
    # the server is gone
    assert kind_cluster.manifest(None, module, address.format(host=host), folder) == file
    packages = ImageSource("packages", KUBE, "", Path(), Path())
    found = kind_cluster.manifest(packages, module, "nowhere", folder)
    assert found == tmp_path / module / folder


@pytest.mark.parametrize(("status", "body"), [(404, b""), (500, b""), (200, b"<p>Sign in</p>")])
def test_manifest_that_cannot_be_had_is_told_with_where_to_put_it(
    published: tuple[str, str, str], tmp_path: Path, status: int, body: bytes
) -> None:
    module, address, folder = published
    file = tmp_path / "programs" / "crds-v1.2.3.yaml"
    with (
        server(status, body) as host,
        pytest.raises(
            ClusterError, match=rf"v1\.2\.3/all\.yaml cannot .*; put that file at {file}"
        ),
    ):
        kind_cluster.manifest(None, module, address.format(host=host), folder)
    assert list(file.parent.iterdir()) == []


# --- packages


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
        "images": {},
    }
    assert (source.kind, source.kubectl) == (tmp_path / "kind/kind", tmp_path / "kube/kubectl")
    number = len(source.substitutes)
    assert source.sentence().endswith(f"; {number} images are rebuilt from packages under their"
                                      " public names")  # fmt: skip
