"""How a run ends; and a small repository that is in order, for tests that break it or build it."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT, processes
from k8s_basic.content import recordings
from k8s_basic.content.claims import proofs
from k8s_basic.evidence import hashes

WORKERS_END = 60.0  # seconds that the workers of an interrupted run may take to tidy up


INTERRUPTED = pytest.StashKey[Callable[[], bool]]()


def pytest_configure(config: pytest.Config) -> None:
    """Tidy up after SIGTERM as after Ctrl-C, in the workers as well."""
    config.stash[INTERRUPTED] = processes.end_by_signals()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no test after a signal that the test before has swallowed, as Playwright may."""
    if item.config.stash[INTERRUPTED]():
        raise KeyboardInterrupt


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Let the workers of an interrupted run tidy up: xdist leaves them seconds, then kills them."""
    # a signal may come before this file is configured
    interrupted = session.config.stash.get(INTERRUPTED, lambda: False)()
    distributor = session.config.pluginmanager.getplugin("dsession")
    if interrupted and distributor and distributor.nodemanager:
        workers = [gateway._io.popen for gateway in distributor.nodemanager.group]
        deadline = time.monotonic() + WORKERS_END
        for worker in workers:
            worker.terminate()
        with suppress(subprocess.TimeoutExpired):
            for worker in workers:
                worker.wait(max(0, deadline - time.monotonic()))
    try:
        yield
    finally:
        if hasattr(session.config, "workerinput"):  # a worker, whose fixtures are torn down
            if interrupted:
                os._exit(exitstatus)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


PAGE = """\
---
title: Pod
description: {description}
minutes: 3
---
# Pod {{#pod}}

{sentence} [WL-3]

```yaml
--8<-- "workloads/pod/pod.yaml"
```

```bash
kubectl apply -f {{{{ examples }}}}/workloads/pod/pod.yaml
```

## {heading} {{#why}}

{other} [WL-12] [Pod](../index.md#index)

``` {{ .bash .fails data-reason="{reason}" }}
kubectl get pod nothing
```

```output
nothing
```
"""
INDEX = """\
---
title: Start
description: {description}
minutes: 1
---
# K8s {{#index}}

[Pod](workloads/pod.md#why)
"""
EXAMPLE = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: nginx:1.22.1
      ports:
        - containerPort: 80
"""
TEST = """\
from k8s_basic.live import claim


@claim("WL-3")
def test_pod_answers(lab):
    lab.becomes(lab.apply("workloads/pod/pod.yaml")[0], {"kind": "Pod"})


@claim("WL-12")
def test_pod_is_not_made_again(lab):
    assert lab.delete("pod/web")
"""
KOREAN = {
    "description": "Pod 하나를 띄웁니다.",
    "sentence": "Pod가 응답합니다.",
    "heading": "왜",
    "other": "지운 Pod는 돌아오지 않습니다.",
    "reason": "없는 Pod입니다",
}
ENGLISH = {
    "description": "Run one Pod.",
    "sentence": "The Pod answers.",
    "heading": "Why",
    "other": "A deleted Pod doesn't come back.",
    "reason": "there is no such Pod",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The root of a repository with one lesson in both languages and nothing wrong."""
    files = {
        "docs/ko/index.md": INDEX.format(**KOREAN),
        "docs/en/index.md": INDEX.format(**ENGLISH),
        "docs/ko/workloads/pod.md": PAGE.format(**KOREAN),
        "docs/en/workloads/pod.md": PAGE.format(**ENGLISH),
        "examples/workloads/pod/pod.yaml": EXAMPLE,
        "tests/live/workloads/test_pod.py": TEST,
        "tests/live/not-enforceable.yaml": "[]\n",
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    recordings.write(tmp_path, "workloads/pod/nothing", "kubectl get pod nothing", "not found\n")
    for name in (".yamllint", "docs/glossary.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".gitignore").touch()
    shutil.copytree(ROOT / "docs" / "assets", tmp_path / "docs" / "assets")
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = "nav:\n  - index.md\n  - 워크로드:\n      - workloads/pod.md\n"
    config = re.sub(r"^nav:\n(?: .*\n)+", nav, config, flags=re.MULTILINE)
    (tmp_path / "mkdocs.yml").write_text(config, encoding="utf-8")
    return tmp_path


Evidence = Callable[..., Path]


@pytest.fixture
def evidence(tree: Path) -> Evidence:
    """Return a function that writes the evidence of a run on `tree` as it is at that moment.

    `outcomes` and `days` name what is not "passed" today: claim → outcome, claim → days ago.
    """

    def written(
        version: str = "v1.37.2",
        source: str = "packages",
        folder: str = "",
        outcomes: dict[str, str] | None = None,
        days: dict[str, int] | None = None,
        **more: Any,
    ) -> Path:
        now, minor = hashes.current(tree), ".".join(version[1:].split(".")[:2])

        def result(claim: str, test: str) -> dict[str, Any]:
            known, outcome = now[claim], (outcomes or {}).get(claim, "passed")
            age = datetime.timedelta(days=(days or {}).get(claim, 0))
            return {
                "test": test,
                "outcome": outcome,
                "date": (datetime.datetime.now(datetime.UTC) - age).isoformat(timespec="seconds"),
                "seconds": 4.2,
                "commit": "c" * 40,
                "reason": "" if outcome in ("passed", "failed") else f"why {outcome}",
                "message": "",
                "waits": [{"wait": "becomes", "what": "Ready", "seconds": 1.2, "bound": 60}],
                "hashes": {"test": known["test"], "examples": known["examples"]},
                "claims": {claim: {k: known[k] for k in ("sentences", "recordings")}},
            }

        run = {
            "schema": 1,
            "kubernetes": version,
            "minor": minor,
            "image_source": source,
            "node_image": "node:x",
            "stand_ins": ["nginx:1.22.1"] if source == "packages" else [],
            "started": "2026-11-24T20:00:00+00:00",
            "seconds": 301.5,
            "commit": "c" * 40,
            "dirty": False,
            "tests": [result(p.claim, f"{p.path}::{p.test}") for p in proofs(tree)[0]],
            "recordings": {},
            **more,
        }
        file = tree / "build" / "evidence" / folder / f"{minor}-{source}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run), encoding="utf-8")
        return file

    return written
