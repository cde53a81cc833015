"""Of two outputs of one command, what a run happened to get makes no difference; the rest does."""

from __future__ import annotations

import re

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content import recordings
from k8s_basic.live import normalizers

TABLE = """\
NAME                   READY   NODE                     AGE
web-6d4cf56db6-2bq9z   1/1     k8s-basic-worker2        3m4s
web-6d4cf56db6-x7k2p   1/1     k8s-basic-worker         12s
"""


def test_ages_names_nodes_ports_and_the_order_of_rows_make_no_difference() -> None:
    head, first, second = TABLE.splitlines(keepends=True)
    other = head + second.replace("x7k2p", "zzz9b").replace("12s", "5d") + first
    assert normalizers.differences(TABLE, other.replace("worker2 ", "worker  ")) == []
    seen = "10.244.2.1:18116  172.18.0.3\n172.18.0.2:51947  172.18.0.2\n"
    assert normalizers.differences(seen, seen.replace("51947", "9467")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("1/1", "0/1"), ("READY", "RAEDY"), ("web-", "wob-"), ("3m4s", "<none>"), ("web", "x:8080")],
)
def test_one_other_character_in_what_is_not_volatile_is_a_difference(old: str, new: str) -> None:
    assert normalizers.differences(TABLE, TABLE.replace(old, new, 1)) != []
    assert normalizers.differences(TABLE, TABLE.rpartition("web")[0]) != [], "a row is missing"


@pytest.mark.parametrize(
    "text", ["replicaset/frontend", "web-production", "tier=frontend", "k8s-basic", "web:8080"]
)
def test_words_that_look_alike_are_not_volatile(text: str) -> None:
    assert normalizers.normalized(text) == [text]


def test_declared_differences_fit_recordings_of_that_source_and_give_a_reason() -> None:
    for entry in yaml.safe_load((ROOT / normalizers.DECLARED).read_text(encoding="utf-8")):
        assert entry.keys() == {"image_source", "recordings", "pattern", "reason"}
        assert entry["image_source"] in ("registry", "packages") and entry["reason"].strip()
        for name in entry["recordings"]:
            assert entry["pattern"] in normalizers.declared(ROOT, entry["image_source"])[name]
            recorded = recordings.read(ROOT, name)
            assert recorded, f"{name} is gone"
            pattern = re.compile(entry["pattern"], re.MULTILINE)
            assert pattern.search(recorded.output), f"nothing in {name} fits {entry['pattern']}"
    seen = "node v1.2 Ready", "node v1.34 Ready"
    assert normalizers.differences(*seen, [r"v1\.\d+"]) == []
    assert normalizers.differences(*seen) != []


def test_readers_see_the_names_of_their_own_cluster_in_aligned_columns() -> None:
    seen = (
        "NAME                           STATUS   ROLES\n"
        "k8s-basic-test-control-plane   Ready    control-plane\n"
        "k8s-basic-test-worker          Ready    <none>\n"
    )
    assert normalizers.as_readers_see(seen, "k8s-basic-test", "http://x/examples") == (
        "NAME                      STATUS   ROLES\n"
        "k8s-basic-control-plane   Ready    control-plane\n"
        "k8s-basic-worker          Ready    <none>\n"
    )
    seen = "error: http://127.0.0.1:4321/docs/examples/a/b.yaml: not found\n"
    shown = normalizers.as_readers_see(seen, "t", "http://127.0.0.1:4321/docs/examples")
    assert shown == "error: {{ examples }}/a/b.yaml: not found\n"
