"""What stands in the way of a cluster is told in one sentence, with what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import versions
from k8s_basic.cluster import lifecycle
from k8s_basic.cluster.lifecycle import ClusterOptions, Lifecycle
from k8s_basic.errors import ClusterError

FILE = Path(__file__).with_name("cluster-errors.yaml")
TABLE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
REGISTRY = {"image_source": "registry", "mirror": "{mirror}"}


def words(mirror: str) -> dict[str, str]:
    """Return what stands for the words in braces."""
    return {
        "mirror": mirror,
        "port": mirror.partition(":")[2],
        "nginx": f"{mirror}/library/nginx@{versions.images()['nginx:1.22.1']} cannot be pulled",
        "other": "name another with --registry-mirror HOST:PORT, or use --image-source packages",
        "kind": versions.module("sigs.k8s.io/kind"),
        "kube": versions.kubernetes().version,
    }


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_error_is_one_sentence_that_says_what_to_do(
    machine: Any, answering: Any, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # who may install nothing
    if row.get("built"):
        machine.build()
    with answering(row.get("status", 200)) as mirror:
        known = words(mirror)
        for name, text in row.get("files", {}).items():
            machine.write(name, text.format(**known))
        options = {k: v.format(**known) for k, v in row.get("options", REGISTRY).items()}
        run = Lifecycle(ClusterOptions("lessons", **options))
        with pytest.raises(ClusterError) as told:
            run.start()
        run.finish()
    assert str(told.value).startswith(row["says"].format(**known))
    assert machine.clusters == {}


def test_full_disk_is_told_before_an_engine_is_asked(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "FREE_DISK", 2**60)
    with pytest.raises(ClusterError, match=r"GiB are free where .* needs 1073741824; free some"):
        Lifecycle(ClusterOptions("lessons")).start()
    assert machine.log == []
