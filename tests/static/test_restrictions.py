"""The table of what a namespace with few rights lets in: its list, its rows, its questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic import DOCS, EXAMPLES, ROOT
from k8s_basic.content import restrictions
from k8s_basic.live.restrictions import _pod_specs
from k8s_basic.site.tables import restrictions_table


def test_list_names_examples_and_fills_every_column() -> None:
    for name, verdict in restrictions.read(ROOT).items():
        assert (EXAMPLES / name).exists(), f"{name} is gone: record the list anew"
        assert set(verdict) == set(restrictions.COLUMNS)


def test_written_list_is_read_back_as_rows(tmp_path: Path) -> None:
    (tmp_path / restrictions.FILE).parent.mkdir(parents=True)
    verdict = {"baseline": True, "restricted": False, "namespace": True}
    restrictions.write(tmp_path, {"topic/pod.yaml": verdict})

    assert restrictions.read(tmp_path) == {"topic/pod.yaml": verdict}
    address = "[topic/pod.yaml]({{ examples }}/topic/pod.yaml)"
    assert restrictions_table(tmp_path, "en") == f"| {address} | ✓ | – | ✓ |"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_page_shows_the_table(language: str) -> None:
    page = DOCS / language / "security" / "pod-security.md"
    assert page.read_text(encoding="utf-8").count("{{ restrictions }}") == 1


def test_pods_are_found_in_templates_however_deep() -> None:
    spec = {"containers": [{"name": "main"}]}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": spec}
    job = {"kind": "Job", "spec": {"template": template}}
    cron_job = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": job["spec"]}}}

    for document in ({"kind": "Pod", "spec": spec}, job, cron_job):
        assert list(_pod_specs(document)) == [spec]
    assert not list(_pod_specs({"kind": "Service", "spec": {"ports": [{"port": 80}]}}))
