"""What is not run, and why: on one's own cluster, on an older minor, on an image source."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from k8s_basic import ROOT
from k8s_basic.content.claims import proofs
from k8s_basic.errors import ClusterError
from k8s_basic.evidence.states import not_enforceable
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


def test_missing_context_or_kubectl_is_told_in_a_sentence(
    kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError, match="no context exists"):
        own.OwnCluster.of("play", None)
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


def item(*marks: pytest.Mark, claim: str = "WL-3", allowed: bool = False) -> Any:
    """A collected test."""
    marks = (pytest.mark.claim(claim).mark, *marks)
    return SimpleNamespace(
        config=SimpleNamespace(getoption=lambda option: allowed),
        iter_markers=lambda kind: [m for m in marks if m.name == kind],
        get_closest_marker=lambda kind: next((m for m in reversed(marks) if m.name == kind), None),
        user_properties=[],
    )


def ours(source: str = "packages", version: str = "v1.37.2") -> Any:
    """A cluster as the lessons make it, as far as a test's place in a run depends on it."""
    cluster: Any = object.__new__(plugin.DocsCluster)
    kubernetes = SimpleNamespace(version=version)
    cluster.source = SimpleNamespace(name=source, kubernetes=kubernetes)
    return cluster


@pytest.mark.parametrize(("platform", "runs"), [("linux", True), ("darwin", False)])
def test_test_that_reaches_for_the_nodes_from_outside_is_left_out_on_a_mac(
    monkeypatch: pytest.MonkeyPatch, platform: str, runs: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    test, api = item(pytest.mark.needs("node-network", "node-shell").mark), cast(Any, None)
    with nullcontext() if runs else pytest.raises(pytest.skip.Exception, match="Docker Desktop"):
        plugin.leave_out_if_lacking(test, ours(), api)
    assert test.user_properties == ([] if runs else [("instead", "lacking")])


@pytest.mark.parametrize(
    ("since", "version", "outcome"),
    [("1.37", "v1.36.3", "not-applicable"), ("1.37", "v1.37.0", ""), ("1.9", "v1.36.3", "")],
)
def test_claim_of_a_later_version_is_not_run_on_an_earlier_one(
    since: str, version: str, outcome: str
) -> None:
    mark = pytest.mark.claim("WL-3", since=since).mark
    assert plugin.why_not(item(mark), ours(version=version))[0] == outcome


def test_declared_claim_is_not_run_on_that_source_and_is_on_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = {("NP-2", "packages"): {"ko": "컨트롤러가 없습니다", "en": "no controller"}}
    monkeypatch.setattr(plugin, "not_enforceable", lambda root: listed)
    test = item(claim="NP-2")
    assert plugin.why_not(test, ours()) == ("not-enforceable", "no controller")
    assert plugin.why_not(test, ours("registry")) == ("", "")
    assert plugin.why_not(item(claim="NP-1"), ours()) == ("", "")


@pytest.mark.parametrize("mark", ["exclusive", "touches_cluster"])
def test_own_cluster_is_not_changed_unless_that_is_allowed(mark: str, kubectl: Path) -> None:
    changing, cluster = getattr(pytest.mark, mark).mark, own.OwnCluster.of("work", None)
    assert plugin.why_not(item(changing), cluster)[0] == "left-out"
    assert plugin.why_not(item(changing, allowed=True), cluster)[0] == ""
    assert plugin.why_not(item(), cluster)[0] == ""
    assert plugin.why_not(item(changing), ours())[0] == ""
    cluster.close()


def test_reviewed_list_names_claims_of_the_pages_sources_and_reasons() -> None:
    known = {proof.claim for proof in proofs(ROOT)[0]}
    for (claim, source), reason in not_enforceable(ROOT).items():
        assert claim in known and source in ("packages", "registry")
        assert reason.keys() == {"ko", "en"} and all(len(text) > 10 for text in reason.values())
