"""A live run charges each claim with its own part of a test, and ends when its cluster has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.content.claims import sentences

# Three claims of the pages; what their tests do here has nothing to do with what they say.
ONE, TWO, THREE = "WL-3", "WL-12", "WL-15"
CONFTEST = """\
from contextlib import contextmanager
from pathlib import Path

import pytest
from k8s_basic.cluster.engine import Engine
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.cluster.lifecycle import Lifecycle
from k8s_basic.evidence import record
from k8s_basic.live import plugin, report, session

HERE = Path(__file__).parent


class Source:
    name = "packages"
    stand_ins = ()

    class kubernetes:
        version = "v1.37.2"

    def record(self):
        return {"image_source": "packages", "kubernetes": "v1.37.2"}

    def sentence(self):
        return "Kubernetes of nowhere"


def cluster(self):
    made = object.__new__(DocsCluster)
    made.name, made.source, made.engine = "test", SOURCE, Engine(None, ours=False)
    return made


SOURCE = None  # what is pickled has to be importable in a worker
Lifecycle.start, Lifecycle.finish = cluster, lambda self: None
session.what_broke = lambda cluster: "node a stopped" if (HERE / "broken").exists() else ""
session.described = report.described = lambda cluster: Source()
plugin.version_of = lambda cluster: "v1.37.2"
plugin.why_not = lambda item, cluster: ("", "")
report.of_nodes = lambda cluster: {}
report.FOLDER = report.ROOT = HERE
record.current = lambda root: dict.fromkeys(CLAIMS, HASHES)
record.state = lambda root: ("0" * 40, False)
record.edited_since = lambda root, commit: []
CLAIMS = ("WL-3", "WL-12", "WL-15")
HASHES = {"test": "", "examples": {}, "sentences": {}, "recordings": {}}


def pytest_addoption(parser):
    plugin.add_options(parser)


def pytest_configure(config):
    plugin.register(config)


@pytest.fixture
def proves(request):
    parts = {}
    request.node.user_properties.insert(0, ("claims", parts))

    @contextmanager
    def block(claim):
        try:
            yield
        except Exception:
            parts[claim] = "failed"
            raise
        parts[claim] = "held"

    return block
"""
INI = "[pytest]\nmarkers =\n  claim(*ids)\n  exclusive\n  slow\n  needs\n"
WORKERS = ("-n", "1", "--dist=load", "--maxschedchunk=1")  # as ./scripts/test starts them
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a suite of live tests without a cluster; returns pytest's exit code and what it says."""

    def ran(suite: str, *options: str) -> tuple[int, str]:
        head = "from pathlib import Path\nimport pytest\nHERE = Path(__file__).parent\n"
        texts = {"conftest.py": CONFTEST, "pytest.ini": INI, "test_it.py": head + suite}
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "COLUMNS": "120"}
        env.pop("CI", None)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "test_it.py"]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, cwd=tmp_path, env=env, check=False, **pipes)
        return done.returncode, done.stdout

    return ran


def ends(folder: Path) -> dict[str, Any]:
    """Return claim → what the evidence says became of it."""
    data = json.loads((folder / "1.37-packages.json").read_text(encoding="utf-8"))
    return {
        claim: about.get("outcome") for t in data["tests"] for claim, about in t["claims"].items()
    }


def test_failure_is_charged_to_the_claim_whose_part_failed(run: Run, tmp_path: Path) -> None:
    code, said = run(
        f"""
@pytest.mark.claim("{ONE}", "{TWO}", "{THREE}")
def test_several(proves):
    with proves("{ONE}"):
        pass
    with proves("{TWO}"):
        assert False
    with proves("{THREE}"):
        pass
""",
        *WORKERS,
    )
    assert code == 1
    assert ends(tmp_path) == {ONE: "held", TWO: "failed", THREE: "not-reached"}
    fell, _, missed = said.partition(f"no longer holds: {TWO} ")[2].partition(
        f"not reached: {THREE} "
    )
    for text, claim in ((fell, TWO), (missed, THREE)):
        assert all(line in text for line in sentences(ROOT, claim))
    assert sentences(ROOT, ONE)[0] not in said
    assert (
        f"1 claims hold, 1 do not {TWO}\n1 not reached, their test failed before: {THREE}" in said
    )


def test_failure_outside_of_the_parts_is_charged_to_none(run: Run, tmp_path: Path) -> None:
    assert (
        run(
            f"""
@pytest.mark.claim("{ONE}", "{TWO}")
def test_several(proves):
    with proves("{ONE}"):
        pass
    assert False

@pytest.mark.claim("{THREE}")
def test_single(proves):
    assert False
"""
        )[0]
        == 1
    )
    assert ends(tmp_path) == {ONE: "held", TWO: "not-reached", THREE: "failed"}


def test_test_that_passes_without_the_part_of_a_claim_is_a_failure(run: Run) -> None:
    code, said = run(
        f"""
@pytest.mark.claim("{ONE}", "{TWO}")
def test_several(proves):
    with proves("{ONE}"):
        pass

@pytest.mark.claim("{THREE}")
def test_without_parts():
    pass
"""
    )
    assert code == 1
    assert (
        f'no part of the test proved {TWO}; put what does below `with lab.proves("{TWO}"):`' in said
    )
    assert "1 failed, 1 passed" in said


@pytest.mark.parametrize("options", [(), WORKERS])
def test_run_ends_with_one_sentence_when_the_cluster_has_gone(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, said = run(
        f"""
def test_before():
    pass

@pytest.mark.claim("{ONE}")
def test_meanwhile():
    (HERE / "broken").touch()
    assert False

@pytest.mark.parametrize("number", range(20))
def test_after(number):
    with (HERE / "after").open("a") as file:
        file.write("x")
    assert False
""",
        *options,
    )
    assert code == 2
    assert "error: node a stopped" in said
    began = tmp_path / "after"
    assert not began.exists() or len(began.read_text()) < 5, "what a worker had been given already"
    assert not (tmp_path / "1.37-packages.json").exists(), "no evidence of a broken cluster"


def test_failure_on_a_cluster_that_answers_ends_nothing(run: Run) -> None:
    assert (
        "1 failed, 1 passed" in run("def test_a():\n    assert False\ndef test_b():\n    pass\n")[1]
    )


def test_slow_tests_begin_and_those_that_want_the_cluster_alone_end(run: Run) -> None:
    _, said = run(
        """
@pytest.mark.exclusive
@pytest.mark.slow
def test_alone(): pass
def test_quick(): pass
@pytest.mark.slow
def test_slow(): pass
""",
        "-v",
    )
    order = [line.split("::")[1].split()[0] for line in said.splitlines() if "PASSED" in line]
    assert order == ["test_slow", "test_quick", "test_alone"]
