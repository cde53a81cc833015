"""What is not run, and why: on one's own cluster, on an older minor, on an image source."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from k8s_basic.errors import ClusterError
from k8s_basic.live import Refused, own, plugin

VIEW = "current-context: work\nclusters: []\n"
KUBECTL = f"""\
#!/bin/sh
case "$*" in
  *"--context=work"*) printf '{VIEW}' ;;
  *config*) echo 'error: no context exists with the name' >&2; exit 1 ;;
  version*) echo '{{"serverVersion": {{"gitVersion": "v1.36.9-eks-1"}}}}' ;;
esac
"""


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that knows the context `work`, first on the PATH."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def test_own_cluster_works_on_a_copy_of_the_context_that_goes_with_the_run(kubectl: Path) -> None:
    cluster = own.OwnCluster.of("work", None)
    assert cluster.kubeconfig_path.read_text() == VIEW
    assert cluster.kubeconfig_path.stat().st_mode & 0o077 == 0
    assert cluster.env["KUBECONFIG"] == str(cluster.kubeconfig_path)
    assert cluster.record()["kubernetes"] == "v1.36.9-eks-1"
    cluster.close()
    assert not cluster.kubeconfig_path.exists()


def test_unknown_context_is_told_in_a_sentence(kubectl: Path) -> None:
    with pytest.raises(ClusterError, match="no context exists"):
        own.OwnCluster.of("play", None)


def test_missing_kubectl_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ClusterError, match="kubectl is not installed"):
        own.OwnCluster.of("work", None)


def test_lack_is_named_in_words_and_what_is_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(api: Any) -> bool:
        raise Refused("nodes is forbidden")

    probes = {"a": ("an A", lambda api: True), "b": ("a B", lambda api: False)}
    monkeypatch.setattr(own, "NEEDS", {**probes, "c": ("a C", forbidden)})
    api: Any = None
    assert own.lacking(api, ("a",)) == ""
    assert own.lacking(api, ("a", "b", "c")) == "a B; a C (nodes is forbidden)"


@pytest.mark.parametrize(("platform", "runs"), [("linux", True), ("darwin", False)])
def test_test_that_reaches_for_the_nodes_from_outside_is_left_out_on_a_mac(
    monkeypatch: pytest.MonkeyPatch, platform: str, runs: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    cluster, api = object.__new__(plugin.DocsCluster), cast(Any, None)
    test = item(pytest.mark.needs("node-network", "node-shell").mark, about=OURS)
    test.user_properties = []
    with nullcontext() if runs else pytest.raises(pytest.skip.Exception, match="Docker Desktop"):
        plugin.leave_out_if_lacking(test, cluster, api)
    assert test.user_properties == ([] if runs else [("instead", "lacking")])


def item(
    *markers: pytest.Mark, about: dict[str, Any], allowed: bool = False, name: str = "WL-3"
) -> Any:
    """A collected test in a worker of a run on the cluster `about`."""
    marks = [pytest.mark.claim(name).mark, *markers]
    config = SimpleNamespace(workerinput={"k8s_basic": about}, getoption=lambda option, *_: allowed)
    return SimpleNamespace(
        config=config,
        iter_markers=lambda kind: [m for m in marks if m.name == kind],
        get_closest_marker=lambda kind: next((m for m in reversed(marks) if m.name == kind), None),
    )


OURS = {"source": "packages", "version": "v1.37.2"}
OWN = {"context": "work", "version": "v1.37.2"}


@pytest.mark.parametrize(
    ("since", "version", "outcome"),
    [
        ("1.37", "v1.36.3", "not-applicable"),
        ("1.37", "v1.37.0", ""),
        ("1.9", "v1.36.3", ""),
        ("", "v1.35.4", ""),
    ],
)
def test_claim_of_a_later_version_is_not_run_on_an_earlier_one(
    since: str, version: str, outcome: str
) -> None:
    mark = pytest.mark.claim("WL-3", since=since).mark
    assert plugin.why_not(item(mark, about={**OURS, "version": version}))[0] == outcome


def test_declared_claim_is_not_run_on_that_source_and_is_on_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = {("NP-2", "packages"): {"ko": "컨트롤러가 없습니다", "en": "no controller"}}
    monkeypatch.setattr(plugin, "not_enforceable", lambda root: listed)
    assert plugin.why_not(item(about=OURS, name="NP-2")) == ("not-enforceable", "no controller")
    assert plugin.why_not(item(about={**OURS, "source": "registry"}, name="NP-2"))[0] == ""
    assert plugin.why_not(item(about=OURS, name="NP-1"))[0] == ""


@pytest.mark.parametrize("mark", ["exclusive", "touches_cluster"])
def test_own_cluster_is_not_changed_unless_that_is_allowed(mark: str) -> None:
    changing = getattr(pytest.mark, mark).mark
    assert plugin.why_not(item(changing, about=OWN))[0] == "left-out"
    assert plugin.why_not(item(changing, about=OWN, allowed=True))[0] == ""
    assert plugin.why_not(item(about=OWN))[0] == ""
    assert plugin.why_not(item(changing, about=OURS))[0] == ""


def test_reviewed_list_names_claims_of_the_pages_sources_and_reasons() -> None:
    import yaml
    from k8s_basic import ROOT
    from k8s_basic.content.claims import proofs
    from k8s_basic.evidence.states import NOT_ENFORCEABLE

    known = {proof.claim for proof in proofs(ROOT)[0]}
    for entry in yaml.safe_load((ROOT / NOT_ENFORCEABLE).read_text(encoding="utf-8")):
        assert entry.keys() == {"claim", "image_source", "reason"}
        assert entry["claim"] in known
        assert entry["image_source"] in ("packages", "registry")
        assert entry["reason"].keys() == {"ko", "en"}
        assert all(len(text) > 10 for text in entry["reason"].values())
