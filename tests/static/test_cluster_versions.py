"""versions.yaml is read as it stands, and what it lists fits together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from k8s_basic import ROOT
from k8s_basic.cluster import __main__ as commands
from k8s_basic.cluster import image, programs, versions
from k8s_basic.errors import ClusterError

every_minor = pytest.mark.parametrize(
    "kube", versions.minors(previews=True), ids=lambda kube: kube.minor
)
FILE = """\
kubernetes:
  - {minor: "1.42", version: v1.42.0-beta.0, etcd: v3.9.1, coredns: v1.20.0, preview: true}
  - {minor: "1.41", version: v1.41.0, node: kindest/node:v1.41.0, etcd: v3.9.1, coredns: v1.20.0}
  - {minor: "1.40", version: v1.40.7, etcd: v3.8.2, coredns: v1.19.0}
modules: {example.com/kind: v0.40.0}
images:
  example.com/group/web-pause:2: null
  example.com/group/pause:3.99: sha256:00
  nginx:1.2: null
"""


@pytest.fixture
def other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another versions.yaml in place of the repository's."""
    (tmp_path / "versions.yaml").write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(versions, "FILE", tmp_path / "versions.yaml")
    versions.load.cache_clear()
    yield
    versions.load.cache_clear()


def test_first_minor_of_the_file_is_the_pinned_one(other_file: None) -> None:
    assert versions.kubernetes().version == "v1.41.0"
    assert [kube.minor for kube in versions.minors()] == ["1.41", "1.40"]


def test_preview_is_found_by_its_name_and_gates_nothing(
    other_file: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert versions.kubernetes("1.42").version == "v1.42.0-beta.0"
    listed = {(): '["1.41", "1.40"]', ("--packages",): '["1.41", "1.42"]'}
    for options, names in listed.items():
        monkeypatch.setattr("sys.argv", ["cluster", "minors", "--json", *options])
        assert commands.main() == 0
        assert capsys.readouterr().out == f"{names}\n"


@pytest.mark.parametrize("minor", ["1.4", "1.43", "v1.41", "1.41.0", ""])
def test_unknown_minor_is_answered_with_those_that_are_listed(other_file: None, minor: str) -> None:
    with pytest.raises(ClusterError, match=r"is not listed in .*; it lists 1\.41, 1\.40, 1\.42"):
        versions.kubernetes(minor)


def test_etcd_tag_is_written_as_kubeadm_writes_it(other_file: None) -> None:
    assert versions.kubernetes("1.40").etcd_tag == "3.8.2-0"


def test_image_is_found_by_its_whole_name_and_not_by_a_part_of_it(other_file: None) -> None:
    assert versions.image("pause") == "example.com/group/pause:3.99"
    assert versions.image("nginx") == "nginx:1.2"


def test_minors_of_the_repository_are_listed_newest_first() -> None:
    numbers = [int(entry["minor"].split(".")[1]) for entry in versions.load()["kubernetes"]]
    assert numbers == sorted(set(numbers), reverse=True)


@every_minor
def test_version_and_node_image_are_of_their_minor(kube: versions.Kubernetes) -> None:
    end = r"(-(alpha|beta|rc)\.\d+)?" if kube.preview else ""
    assert re.fullmatch(rf"v{re.escape(kube.minor)}\.\d+{end}", kube.version)
    assert kube.node is None or kube.node.startswith(f"kindest/node:v{kube.minor}.")
    assert kube.node is None or kube.node in versions.images()


@every_minor
def test_every_program_of_a_cluster_has_a_pinned_version(kube: versions.Kubernetes) -> None:
    modules = [program for program in programs.programs(kube) if program.module]
    unpinned = [p.name for p in modules if not re.match(r"v\d+\.\d+\.\d+", p.version)]
    assert unpinned == []


@every_minor
def test_every_image_of_a_cluster_has_one_tag_and_a_folder(kube: versions.Kubernetes) -> None:
    references = image.stand_ins(kube)
    assert all(re.fullmatch(r"[a-z0-9./-]+:v?\d[\w.-]*", ref) for ref in references), references
    names = {ref.rsplit(":", 1)[0].rsplit("/", 1)[-1] for ref in references}
    folders = {"control-plane" if n.startswith("kube-") and n != "kube-proxy" else n for n in names}
    assert {folder for folder in folders if not (image.FILES / folder).is_dir()} == set()


def test_every_digest_of_the_repository_is_a_sha256() -> None:
    digests = [digest for digest in versions.images().values() if digest is not None]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests)


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


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("nginx", ("registry-1.docker.io", "library/nginx")),
        ("kindest/node", ("registry-1.docker.io", "kindest/node")),
        ("registry.k8s.io/e2e-test-images/agnhost", ("registry.k8s.io", "e2e-test-images/agnhost")),
        ("localhost:5000/a/b", ("localhost:5000", "a/b")),
    ],
)
def test_image_has_a_registry_and_a_path_there(name: str, home: tuple[str, str]) -> None:
    assert versions.home(name) == home
