"""A journey reads the commands of built pages, runs them as a reader, and tells what they leave."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from k8s_basic.live import journey, terminal
from k8s_basic.live.api import Api
from k8s_basic.live.built_page import BuiltPage, Step
from k8s_basic.live.cleanup import CleanupJournal
from k8s_basic.live.journey import Reader
from k8s_basic.live.terminal import Terminal

BUILT = """\
<html><head><link rel="canonical" href="https://example.org/docs/workloads/pod/"></head>
<div class="language-bash highlight"><pre><span></span><code><a></a>kubectl get <b>pods</b> -l \
&#39;a=b&#39;
</code></pre></div>
<div class="language-text output no-copy highlight" data-recording="workloads/pod/pods"><pre>\
<code>NAME</code></pre></div>
<div class="language-bash fails highlight" data-reason="no"><pre><code>kubectl get nothing
</code></pre></div>
<div class="language-yaml highlight"><pre><code>kind: Pod</code></pre></div>
<code>kubectl delete pod web</code>
"""


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with a kubeconfig whose context points to the namespace web."""
    kubeconfig = tmp_path / "kubeconfig"
    context = "{name: c, context: {cluster: c, user: u, namespace: web}}"
    kubeconfig.write_text(f"current-context: c\ncontexts: [{context}]\n")
    made = Terminal(tmp_path / "terminal", kubeconfig, os.environ["PATH"])
    yield made
    made.close()


class Names:
    """An API server that knows the names of objects by kind, and what was deleted."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.deleted: list[str] = []

    def target(self, kind: str, namespace: str) -> str:
        """Return the target as it was named."""
        return kind

    def get(self, kind: str) -> list[SimpleNamespace]:
        """Return objects of the kind that have a name and nothing else."""
        return [SimpleNamespace(name=name) for name in self.names.get(kind, [])]

    def delete(self, target: str) -> None:
        """Keep the name of what was deleted."""
        self.deleted.append(target)


def reader(bash: Terminal, *texts: str, names: Names | None = None) -> Reader:
    """Somebody who is going to follow a page with these blocks."""
    page = BuiltPage([Step(text) for text in texts], "https://example.org/")
    api = cast(Api, names or Names())
    return Reader(page, bash.folder.parent, "http://localhost/", bash, api, "lessons")


def test_commands_marks_and_recordings_are_read_from_the_built_page(tmp_path: Path) -> None:
    (tmp_path / "workloads/pod").mkdir(parents=True)
    (tmp_path / "workloads/pod/index.html").write_text(BUILT)
    page = BuiltPage.read(tmp_path, "workloads/pod/")
    assert page.site == "https://example.org/docs/"
    assert page.steps == [
        Step("kubectl get pods -l 'a=b'", "", "workloads/pod/pods"),
        Step("kubectl get nothing", "fails", ""),
    ]


def test_terminal_keeps_its_state_goes_on_after_a_failure_and_offers_no_input(
    bash: Terminal,
) -> None:
    assert bash.run("x=1; mkdir a; cd a").code == 0
    seen = bash.run("echo $x; basename $PWD; (exit 3); echo on; echo err >&2")
    assert (seen.code, seen.output) == (3, "1\na\non\nerr\n")
    assert bash.run("read -r answer || echo none").output == "none\n"
    assert bash.run("exit 0").code != 0, "a shell that ends is a failure"


def test_block_that_does_not_end_is_a_failure(
    bash: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "BLOCK_TIMEOUT", 0.2)
    seen = bash.run("echo begun; sleep 60")
    assert (seen.code, seen.output) == (terminal.NO_END, "begun\n\nno end after 0 s")


def test_command_in_the_background_goes_on_and_ends_with_the_terminal_whatever_it_does(
    bash: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "ENDED", 0.2)
    assert bash.run_in_background("trap '' TERM; echo up; sleep 60").code == 0
    assert bash.run_in_background("exit 4").code != 0
    assert bash.run("true").code == 0
    process = bash._started[1]
    assert process.poll() is None
    bash.close()
    assert process.poll() == -signal.SIGKILL


def test_files_and_the_namespace_of_the_context_are_what_a_reader_leaves(bash: Terminal) -> None:
    bash.run("touch left.yaml; mkdir -p ~/.kube/cache; touch ~/.kube/cache/x")
    follower = reader(bash, "")
    with pytest.raises(AssertionError, match="the context still points to namespace web"):
        follower.leaves_nothing()
    bash.kubeconfig.write_text(bash.kubeconfig.read_text().replace("web", "default"))
    with pytest.raises(AssertionError, match=r"files are left: left\.yaml"):
        follower.leaves_nothing()


def test_object_is_a_page_s_own_when_the_page_creates_it_and_not_when_it_only_names_it(
    bash: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journey, "GONE", 0)
    (tmp_path / "examples/a").mkdir(parents=True)
    manifest = "kind: StorageClass\nmetadata:\n  name: slow\n"
    (tmp_path / "examples/a/b.yaml").write_text(manifest)
    names, commands = Names(), "kubectl create namespace own\nkubectl get service,pv data -n own"
    follower = reader(bash, commands, "apply -f http://x/examples/a/b.yaml", names=names)
    follower.starts_clean(CleanupJournal(tmp_path))
    assert CleanupJournal(tmp_path).names() == ["own"]
    # another page begins: the names of its objects are words of this page
    names.names = {"namespaces": ["own", "service"], "persistentvolumes": ["data"]}
    names.names |= {"storageclasses": ["slow"], "pods": ["any"]}
    assert follower.leaks.left() == ["default/pods/any", "namespaces/own", "storageclasses/slow"]
    with pytest.raises(AssertionError, match="own is there before the page begins"):
        reader(bash, commands, names=names).starts_clean(CleanupJournal(tmp_path))
    follower.close()
    assert names.deleted == ["namespaces/own"]


def test_block_ends_as_its_mark_says_and_one_that_waits_is_noted_with_its_tightest_bound(
    bash: Terminal,
) -> None:
    follower = reader(bash)
    assert follower.follows(Step("echo https://example.org/x")) == "http://localhost/x\n"
    assert follower.follows(Step("false", "not-run")) == ""
    with pytest.raises(AssertionError, match="a reader would be stuck here:\nfalse\n--- exit code"):
        follower.follows(Step("false"))
    with pytest.raises(AssertionError, match="the page says that this fails, and it did not"):
        follower.follows(Step("true", "fails"))
    follower.follows(Step("true\n: rollout --timeout=120s\n: wait --timeout=60s"))
    (note,) = follower.waits
    assert (note["what"], note["bound"]) == (": rollout --timeout=120s", 60)
    assert follower.not_run == ["false"]
