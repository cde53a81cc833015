"""A live run charges each claim with its own part of a test, and ends when its cluster has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from k8s_basic import ROOT
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.content.claims import sentences
from k8s_basic.errors import ClusterError
from k8s_basic.evidence.record import FAILED, HELD, NOT_REACHED, charge
from k8s_basic.live import session
from k8s_basic.live.cleanup import CleanupJournal
from k8s_basic.live.own import OwnCluster

# Claims of the pages; what their tests do here has nothing to do with what they say.
ONE, TWO, THREE, FOUR, FIVE = CLAIMS = ("WL-3", "WL-12", "WL-15", "WL-20", "WL-21")
CONFTEST = f"""\
from pathlib import Path

import pytest
from k8s_basic.packages.engine import Engine
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.cluster.lifecycle import Lifecycle
from k8s_basic.evidence import record
from k8s_basic.live import Lab, plugin, report, session

HERE = Path(__file__).parent


class Source:
    substitutes = ()

    def record(self):
        return {{"image_source": "packages", "kubernetes": "v1.37.2"}}

    def sentence(self):
        return "Kubernetes of nowhere"


def cluster(self):
    made = object.__new__(DocsCluster)  # what is pickled has to be importable in a worker
    made.name, made.source, made.engine = "test", None, Engine(None, ours=False)
    return made


Lifecycle.start, Lifecycle.finish = cluster, lambda self: None
session.what_broke = lambda cluster: "node a stopped" if (HERE / "broken").exists() else ""
report.described = lambda cluster: Source()
plugin.version_of = lambda cluster: "v1.37.2"
plugin.why_not = lambda item, cluster: ("", "")
report.of_nodes = lambda cluster: {{}}
report.FOLDER = report.ROOT = HERE
hashes = {{"test": "", "examples": {{}}, "sentences": {{}}, "recordings": {{}}}}
record.current = lambda root: dict.fromkeys({CLAIMS}, hashes)
record.state = lambda root: ("0" * 40, False)
record.edited_since = lambda root, commit: []
pytest_addoption, pytest_configure = plugin.add_options, plugin.register


@pytest.fixture
def lab(request):
    lab = object.__new__(Lab)  # as far as it charges claims
    lab.claims, lab._marked = {{}}, plugin.claims_of(request.node)
    request.node.user_properties.append(("claims", lab.claims))
    return lab
"""
INI = "[pytest]\nmarkers =\n  claim(*ids)\n  exclusive\n  slow\n"
WORKERS = ("-n", "1", "--dist=load", "--maxschedchunk=1")  # as ./scripts/test starts them
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a suite of live tests without a cluster; returns pytest's exit code and what it says."""

    def ran(suite: str, *options: str) -> tuple[int, str]:
        head = "from pathlib import Path\nimport pytest\nfrom k8s_basic.live import *\n"
        head += f"HERE = Path(__file__).parent\nONE, TWO, THREE, FOUR, FIVE = {CLAIMS}\n"
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


@pytest.mark.parametrize(
    ("claims", "parts", "outcome", "ends"),
    [
        ([ONE], {}, "passed", [HELD]),
        ([ONE], {}, "failed", [FAILED]),
        ([ONE, TWO, THREE], {ONE: HELD, TWO: FAILED}, "failed", [HELD, FAILED, NOT_REACHED]),
        ([ONE, TWO], {ONE: HELD}, "failed", [HELD, NOT_REACHED]),  # it failed between the parts
        ([ONE, TWO], {}, "failed", [NOT_REACHED, NOT_REACHED]),  # or before all of them
        ([ONE, TWO], {ONE: HELD, TWO: HELD}, "passed", [HELD, HELD]),
        ([ONE, TWO], {}, "skipped", ["skipped", "skipped"]),
        ([], {}, "failed", []),
    ],
)
def test_each_claim_is_charged_with_its_own_part(
    claims: list[str], parts: dict[str, str], outcome: str, ends: list[str]
) -> None:
    assert charge(claims, parts, outcome) == dict(zip(claims, ends, strict=True))


def test_evidence_and_output_tell_of_each_claim_whether_it_held_failed_or_was_not_reached(
    run: Run, tmp_path: Path
) -> None:
    code, said = run(
        """
@claim(ONE, TWO, THREE)
def test_part_fails(lab):
    with lab.proves(ONE):
        pass
    with lab.proves(TWO):
        assert False
    with lab.proves(THREE):
        pass

@claim(FOUR, FIVE)
def test_lab_is_in_trouble(lab):
    with lab.proves(FOUR):
        raise Trouble
""",
        *WORKERS,
    )
    data = json.loads((tmp_path / "1.37-packages.json").read_text(encoding="utf-8"))
    ends = {c: about["outcome"] for test in data["tests"] for c, about in test["claims"].items()}
    assert (code, ends) == (1, dict(zip(CLAIMS, (HELD, FAILED, *[NOT_REACHED] * 3))))
    fell, missed = said.partition(f"holds: {TWO} ")[2].split(f"reached: {THREE} ", 1)
    for text, claim in ((fell, TWO), (missed, THREE)):
        assert all(line in text for line in sentences(ROOT, claim))
    assert sentences(ROOT, ONE)[0] not in said
    assert f"1 claims hold, 1 do not {TWO}\n" in said
    assert f"3 not reached, their test failed before: {THREE} {FOUR} {FIVE}\n" in said


def test_test_that_passes_without_the_part_of_a_claim_is_a_failure(run: Run) -> None:
    code, said = run(
        """
@claim(ONE, TWO)
def test_several(lab):
    with lab.proves(ONE):
        pass

@claim(THREE, FOUR)
def test_fault_of_a_part_is_swallowed(lab):
    with lab.proves(THREE):
        pass
    with pytest.raises(AssertionError), lab.proves(FOUR):
        assert False

@claim(FIVE)
def test_single(lab):
    pass
"""
    )
    assert (code, "2 failed, 1 passed" in said) == (1, True)
    for claim in (TWO, FOUR):
        what = f'no part of the test proved {claim}; put what does below `with lab.proves("{claim}"'
        assert what in said


@pytest.mark.parametrize("options", [(), WORKERS])
def test_run_ends_with_one_sentence_when_the_cluster_has_gone(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, said = run(
        """
def test_that_fails_on_a_cluster_that_answers():
    assert False

@claim(ONE)
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
    assert (code, said.count("error: node a stopped")) == (2, 1)
    began = tmp_path / "after"
    assert not began.exists() or len(began.read_text()) < 5, "what a worker had been given already"
    assert not (tmp_path / "1.37-packages.json").exists(), "no evidence of a broken cluster"


def test_slow_tests_begin_and_exclusive_ones_end(run: Run) -> None:
    _, said = run(
        """
@pytest.mark.exclusive
@pytest.mark.slow
def test_exclusive(): pass
def test_quick(): pass
@pytest.mark.slow
def test_slow(): pass
""",
        "-v",
    )
    order = [line.split("::")[1].split()[0] for line in said.splitlines() if "PASSED" in line]
    assert order == ["test_slow", "test_quick", "test_exclusive"]


@pytest.mark.parametrize(
    ("nodes", "answer", "sentence"),
    [
        (["a"], "", "node a stopped during the run; run again"),
        (ClusterError("gone"), "", "the Docker engine stopped answering during the run; start it"),
        ([], ClusterError("late"), "the API server stopped answering during the run (late); run"),
        ([], "", ""),
    ],
)
def test_what_broke_is_told_in_a_sentence(nodes: Any, answer: Any, sentence: str) -> None:
    cluster = Mock(spec=DocsCluster)
    cluster.stopped_nodes.side_effect = [nodes]
    cluster.kubectl.side_effect = [answer]
    said = session.what_broke(cluster)
    assert said.startswith(sentence) and bool(said) == bool(sentence)


def test_own_cluster_that_is_silent_is_told_in_a_sentence() -> None:
    cluster = Mock(spec=OwnCluster)
    cluster.ask_version.side_effect = ["v1.37.2", ClusterError("late")]
    said = [session.what_broke(cluster) for _ in range(2)]
    assert said == ["", "your cluster stopped answering during the run (late); look at it first"]


@pytest.mark.parametrize("keep", [True, False])
def test_kept_cluster_is_rid_of_what_an_interrupted_run_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    orders: list[Any] = []
    monkeypatch.setattr(CleanupJournal, "clean_up", lambda *about: orders.append(about))
    monkeypatch.setattr(session, "run_folder", lambda cluster: tmp_path)
    run = object.__new__(session.Session)
    run.cluster, run.lifecycle = Mock(spec=DocsCluster, env={}, kubectl_path="kubectl"), Mock()
    run._context, run.broken, run.lifecycle.options.keep = None, "", keep
    run.finish()
    assert len(orders) == keep
