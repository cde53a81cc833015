"""A journey reads the commands of built pages, runs them as a reader, and compares outputs."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content import recordings
from k8s_basic.live import journey, volatile
from k8s_basic.live.api import Api
from k8s_basic.live.journey import BuiltPage, Reader, Server, Step, Terminal
from k8s_basic.live.ledger import Ledger

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
TABLE = "NAME        READY   NODE                     AGE\n"
ROWS = {
    "web-6d4cf56db6-x7k2p   1/1     k8s-basic-worker         12s\n",
    "web-6d4cf56db6-2bq9z   1/1     k8s-basic-worker2        3m4s\n",
}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with a kubeconfig whose context points to the namespace web."""
    kubeconfig = tmp_path / "kubeconfig"
    context = "{name: c, context: {cluster: c, user: u, namespace: web}}"
    kubeconfig.write_text(f"current-context: c\ncontexts: [{context}]\n")
    made = Terminal(tmp_path / "terminal", kubeconfig, os.environ["PATH"])
    yield made
    made.close()


def test_commands_marks_and_recordings_are_read_from_the_built_page(tmp_path: Path) -> None:
    (tmp_path / "workloads/pod").mkdir(parents=True)
    (tmp_path / "workloads/pod/index.html").write_text(BUILT)
    page = BuiltPage.read(tmp_path, "workloads/pod/")
    assert page.site == "https://example.org/docs/"
    assert page.steps == [
        Step("kubectl get pods -l 'a=b'", "", "workloads/pod/pods"),
        Step("kubectl get nothing", "fails", ""),
    ]


def test_terminal_keeps_its_state_and_goes_on_after_a_failure(terminal: Terminal) -> None:
    assert terminal.run("x=1; mkdir a; cd a").code == 0
    seen = terminal.run("echo $x; basename $PWD; (exit 3); echo on; echo err >&2")
    assert (seen.code, seen.output) == (3, "1\na\non\nerr\n")
    assert terminal.run("true").code == 0


def test_terminal_offers_no_input_so_that_nothing_waits_for_a_key(terminal: Terminal) -> None:
    seen = terminal.run("read -r answer || echo none")
    assert (seen.code, seen.output) == (0, "none\n")


def test_shell_that_ends_is_a_failure(terminal: Terminal) -> None:
    assert terminal.run("exit 0").code != 0


def test_background_command_goes_on_while_others_run_and_ends_with_the_terminal(
    tmp_path: Path,
) -> None:
    made = Terminal(tmp_path / "t", tmp_path / "k", os.environ["PATH"])
    assert made.run_in_background("echo up; sleep 60").code == 0
    assert made.run("true").code == 0
    (process,) = made._background
    assert process.poll() is None
    made.close()
    assert process.poll() is not None


def test_background_command_that_does_not_heed_the_signal_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journey, "ENDED", 0.2)
    made = Terminal(tmp_path / "t", tmp_path / "k", os.environ["PATH"])
    made.run_in_background("trap '' TERM; echo up; sleep 60")
    made.close()
    assert made._background[0].poll() == -signal.SIGKILL


def test_files_and_the_namespace_of_the_context_are_told(terminal: Terminal) -> None:
    terminal.run("touch left.yaml; mkdir -p ~/.kube/cache; touch ~/.kube/cache/x")
    assert terminal.files() == ["left.yaml"]
    assert terminal.context_namespace() == "web"


def test_ages_names_nodes_and_the_order_of_rows_make_no_difference() -> None:
    one, two = (TABLE + "".join(sorted(ROWS, reverse=r)) for r in (False, True))
    two = two.replace("x7k2p", "zzz9b").replace("12s", "5d").replace("worker2 ", "worker  ")
    assert volatile.differences(one, two) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("1/1", "0/1"), ("READY", "RAEDY"), ("web-", "wob-"), ("3m4s", "<none>")],
)
def test_one_other_character_in_what_is_not_volatile_is_a_difference(old: str, new: str) -> None:
    recorded = TABLE + "".join(sorted(ROWS))
    assert volatile.differences(recorded, recorded.replace(old, new, 1)) != []


def test_port_that_a_client_happened_to_get_makes_no_difference() -> None:
    seen = "10.244.2.1:18116  172.18.0.3\n172.18.0.2:51947  172.18.0.2\n"
    assert volatile.differences(seen, seen.replace("51947", "9467")) == []
    assert volatile.differences("a 10.244.2.1:8080", "a 10.244.2.1:8081") != []


def test_declared_difference_of_an_image_source_covers_what_fits_its_pattern_and_no_more(
    tmp_path: Path,
) -> None:
    (tmp_path / volatile.DECLARED).parent.mkdir(parents=True)
    (tmp_path / volatile.DECLARED).write_text(
        "- {image_source: registry, recordings: [a/b/c, a/b/d], pattern: 'v1\\.\\d+', reason: x}\n"
        "- {image_source: registry, recordings: [a/b/c], pattern: ^ls, reason: x}\n"
    )
    assert volatile.declared(tmp_path, "packages") == {}
    also = volatile.declared(tmp_path, "registry")
    assert also == {"a/b/c": [r"v1\.\d+", "^ls"], "a/b/d": [r"v1\.\d+"]}
    assert volatile.differences("node v1.2 Ready", "node v1.34 Ready", also["a/b/d"]) == []
    assert volatile.differences("node v1.2 Ready", "node v1.34 NotReady", also["a/b/d"]) != []
    assert volatile.differences("node v1.2 Ready", "node v1.34 Ready") != []


def test_declared_differences_are_about_recordings_that_have_them_and_give_a_reason() -> None:
    for entry in yaml.safe_load((ROOT / volatile.DECLARED).read_text(encoding="utf-8")):
        assert entry.keys() == {"image_source", "recordings", "pattern", "reason"}
        assert entry["image_source"] in ("registry", "packages") and entry["reason"].strip()
        for name in entry["recordings"]:
            recorded = recordings.read(ROOT, name)
            assert recorded, f"{name} is gone"
            pattern = re.compile(entry["pattern"], re.MULTILINE)
            assert pattern.search(recorded.output), f"nothing in {name} fits {entry['pattern']}"


def test_missing_row_is_a_difference() -> None:
    assert volatile.differences(TABLE + "".join(sorted(ROWS)), TABLE + sorted(ROWS)[0]) != []


@pytest.mark.parametrize(
    "text",
    ["replicaset/frontend", "deployment.apps/web", "web-production", "tier=frontend", "k8s-basic"],
)
def test_words_that_look_alike_are_not_volatile(text: str) -> None:
    assert volatile.comparable(text) == [text]


def test_readers_see_the_names_of_their_own_cluster_in_aligned_columns() -> None:
    seen = (
        "NAME                           STATUS   ROLES\n"
        "k8s-basic-test-control-plane   Ready    control-plane\n"
        "k8s-basic-test-worker          Ready    <none>\n"
    )
    assert volatile.as_readers_see(seen, "k8s-basic-test", "http://x/examples") == (
        "NAME                      STATUS   ROLES\n"
        "k8s-basic-control-plane   Ready    control-plane\n"
        "k8s-basic-worker          Ready    <none>\n"
    )


def test_address_of_the_served_examples_becomes_the_placeholder() -> None:
    seen = "error: http://127.0.0.1:4321/docs/examples/a/b.yaml: not found\n"
    shown = volatile.as_readers_see(seen, "t", "http://127.0.0.1:4321/docs/examples")
    assert shown == "error: {{ examples }}/a/b.yaml: not found\n"


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


def test_namespace_of_another_page_is_neither_blamed_on_a_page_nor_deleted(
    terminal: Terminal, tmp_path: Path
) -> None:
    names = Names()
    server = cast(Server, None)  # nothing is fetched
    reader = Reader(cast(Api, names), terminal, server, tmp_path, "lessons")
    steps = [Step("kubectl create namespace own"), Step("kubectl get service,pv data -n own")]
    reader.starts_clean(BuiltPage(steps, ""), Ledger(tmp_path))
    # two other pages begin: the name of one's namespace is a word of this page
    names.names = {"namespaces": ["own", "service", "other"], "persistentvolumes": ["data"]}
    assert reader.left() == ["namespaces/own", "persistentvolumes/data"]
    reader.close()
    assert names.deleted == ["namespace/own"]


def test_block_that_waits_is_noted_with_its_tightest_bound_and_one_that_does_not_is_not(
    terminal: Terminal, tmp_path: Path
) -> None:
    server = cast(Server, SimpleNamespace(url="http://x/"))
    reader = Reader(cast(Api, Names()), terminal, server, tmp_path, "lessons")
    reader.follows(Step("true"), "https://example.org/")
    reader.follows(Step("true\n: rollout --timeout=120s\n: wait --timeout=60s"), "https://a/")
    (note,) = reader.waits
    assert (note["wait"], note["what"]) == ("block", ": rollout --timeout=120s")
    assert note["bound"] == 60 and 0 <= note["seconds"] < 5
