"""A registry is used wherever it answers, and what a cluster was made from is recorded."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from k8s_basic import versions
from k8s_basic.cluster import manifests, setup, sources, tools
from k8s_basic.cluster.cgroup import of_nodes
from k8s_basic.errors import ClusterError
from k8s_basic.packages import image
from k8s_basic.packages.engine import Engine

KUBE = versions.kubernetes()
PINNED = {reference: digest for reference, digest in versions.images().items() if digest}
METALLB = "go.universe.tf/metallb"
ENGINE = Engine(None, ours=False)


@pytest.mark.parametrize(
    ("status", "chosen"), [(200, "registry"), (401, "registry"), (429, "packages")]
)
def test_registry_is_taken_wherever_it_answers_even_if_it_wants_a_token_first(
    machine: Any, answering: Any, capsys: pytest.CaptureFixture[str], status: int, chosen: str
) -> None:
    with answering(status) as mirror:
        assert sources.choose("auto", KUBE, mirror) == chosen
        assert sources.choose("packages", KUBE, mirror) == "packages"
    told = f"• images are made from packages, because {mirror} answers 429 Too Many Requests\n"
    assert capsys.readouterr().err == (told if chosen == "packages" else "")


def test_images_come_by_digest_or_tag_under_the_mirrors_paths_and_keep_their_public_names(
    machine: Any, answering: Any
) -> None:
    machine.build()
    with answering(200) as mirror:
        for _ in range(2):  # a digest that is here is not pulled again, and a tag is
            source = sources.prepare(ENGINE, "registry", KUBE, mirror)
    pulled = [line.split()[3] for line in machine.log if line.startswith("docker pull")]
    assert pulled.count(f"{mirror}/library/nginx@{PINNED['nginx:1.22.1']}") == 1
    assert pulled.count(f"{mirror}/library/busybox:1.35") == 2
    assert (
        f"docker tag {mirror}/metallb/speaker:v0.15.3 quay.io/metallb/speaker:v0.15.3"
        in machine.log
    )
    assert source.images == {ref: PINNED.get(ref, "sha256:came") for ref in sources.needed(KUBE)}
    assert [source.node_image, *source.load] == list(source.images)
    assert source.record() == {
        "image_source": "registry",
        "kubernetes": "v1.37.9",  # of the node image: neither that of the modules nor of its tag
        "node_image": KUBE.node,
        "stand_ins": [],
        "images": source.images,
    }
    copied = [line for line in machine.log if line.startswith("docker cp")]
    assert len(copied) == 2 and machine.log.count("docker rm container") == 1
    assert source.kind == machine.folder / "bin/kind"


def test_source_of_packages_names_every_image_that_is_no_registrys(machine: Any) -> None:
    machine.build()
    record = sources.prepare(ENGINE, "packages", KUBE).record()
    assert record["stand_ins"] == image.substitutes(KUBE) and record["images"] == {}


@pytest.mark.parametrize(("minor", "fits"), [(35, False), (36, True), (38, True), (39, False)])
def test_kubectl_of_the_machine_may_be_one_minor_away(machine: Any, minor: int, fits: bool) -> None:
    own = machine.folder / "bin/kubectl"
    machine.write("kubectl-version", f'{{"clientVersion": {{"gitVersion": "v1.{minor}.1"}}}}')
    if fits:
        assert tools.own_kubectl(KUBE) == own
        return
    with pytest.raises(ClusterError, match=rf"needs kubectl 1\.37, and {own} is v1\.{minor}\.1; "):
        tools.own_kubectl(KUBE)


# --- what a cluster gets


def test_manifest_is_fetched_once_and_one_that_cannot_be_had_is_told_with_where_to_put_it(
    machine: Any, answering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, entry = manifests.kept(METALLB), dict(versions.load()["manifests"][METALLB])
    monkeypatch.setitem(versions.load()["manifests"], METALLB, entry)
    for status, body in ((500, b""), (200, b"<p>Sign in</p>")):
        with answering(status, body) as host:
            entry["published"] = f"http://{host}/{{version}}.yaml"
            with pytest.raises(ClusterError, match=rf"cannot be had .* put that file at {file}, "):
                manifests.documents(None, METALLB)
        assert not file.exists()
    with answering(200, b"---\nkind: CustomResourceDefinition\n---\nkind: Pod\n") as host:
        entry["published"] = f"http://{host}/{{version}}.yaml"
        manifests.documents(None, METALLB)
    assert len(manifests.documents(None, METALLB)) == 2  # the server is gone


@pytest.mark.parametrize("cgroup", ["1", "2"])
@pytest.mark.parametrize("labels", [{}, {image.ETCD_LABEL: "3.9-0", image.DNS_LABEL: "v1.9"}])
def test_nodes_are_the_readers_own_and_kubeadm_is_told_what_engine_and_image_need(
    cgroup: str, labels: dict[str, str]
) -> None:
    engine: Any = SimpleNamespace(docker=lambda *a: cgroup if "info" in a else json.dumps(labels))
    cluster: Any = SimpleNamespace(engine=engine, source=SimpleNamespace(node_image="node"))
    config = setup.configuration(cluster)
    assert config["nodes"] == yaml.safe_load(setup.CONFIG.read_text(encoding="utf-8"))["nodes"]
    patches = {p["kind"]: p for p in map(yaml.safe_load, config["kubeadmConfigPatches"])}
    assert ("KubeletConfiguration" in patches) is (cgroup == "1")
    assert ("ClusterConfiguration" in patches) is bool(labels)
    if labels:
        assert patches["ClusterConfiguration"]["etcd"] == {"local": {"imageTag": "3.9-0"}}


@pytest.mark.parametrize(
    ("engine", "config", "told"),
    [
        ("1\n", '{"kubeletconfig": {"failCgroupV1": false}}', ("v1", False)),
        ("2\n", '{"kubeletconfig": {"failCgroupV1": true}}', ("v2", True)),
        ("", "{}", ()),
        ("1", "no JSON", ()),
    ],
)
def test_cgroup_version_of_the_nodes_is_recorded_or_costs_no_run(
    engine: str, config: str, told: tuple[object, ...]
) -> None:
    docker: Any = SimpleNamespace(docker=lambda *args: engine)
    cluster: Any = SimpleNamespace(engine=docker, kubectl=lambda *args: config)
    assert tuple(of_nodes(cluster).values()) == told
