"""The reader's journey: each page's commands, from the built site, in order, on the cluster."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet
from k8s_basic import BUILD, ROOT, versions
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.content.pages import Page, read_pages
from k8s_basic.live import plugin, volatile
from k8s_basic.live.api import Api
from k8s_basic.live.journey import BuiltPage, Reader, Server, Terminal
from k8s_basic.live.ledger import Ledger
from k8s_basic.live.locks import apart, turn

LESSONS = [p for p in read_pages(ROOT) if p.language == "ko" and p.items("commands")]
# What these commands change is everybody's, so a page with one of them is followed alone, and
# after all that may go side by side.
NODE_COMMAND = re.compile(r"\bkubectl (?:taint|cordon|drain|label nodes?) ")
# A test deletes the mirror of a program that such a page lists, so the two take turns.
MIRRORS_COMMAND = re.compile(r"-l tier=control-plane\b")


def lesson(page: Page) -> ParameterSet:
    """Return the page's name as the parameter of a test."""
    alone = any(NODE_COMMAND.search(command.text) for command in page.items("commands"))
    return pytest.param(page.name, id=page.name, marks=[pytest.mark.exclusive] if alone else [])


def lists_mirrors(request: pytest.FixtureRequest) -> bool:
    """Tell whether the page that the test follows lists the mirrors of the static Pods."""
    name = request.node.callspec.params["page"]
    page = next(page for page in LESSONS if page.name == name)
    return any(MIRRORS_COMMAND.search(command.text) for command in page.items("commands"))


@pytest.fixture(scope="session")
def built_site(testrun_uid: str) -> Path:
    """The site as it is published, built once per run for all workers."""
    folder = BUILD / "journey" / testrun_uid
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for older in folder.parent.glob("*/"):
                shutil.rmtree(older)
            # not strict: what is wrong with the content is the site tier's to say, and a page
            # whose output is still to be recorded has to be built for that
            command = ["mkdocs", "build", "--no-strict", "--quiet", "--site-dir", str(folder)]
            environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
            subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, check=True)
    return folder


@pytest.fixture
def reader(
    request: pytest.FixtureRequest,
    kind_cluster: DocsCluster,
    api: Api,
    built_site: Path,
    tmp_path: Path,
) -> Iterator[Reader]:
    """Somebody with an empty folder, a terminal and the cluster of the lessons."""
    config = yaml.safe_load(Path(kind_cluster.kubeconfig_path).read_text(encoding="utf-8"))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    tools = tmp_path / "tools"  # these two, whatever lies beside them where they come from
    tools.mkdir()
    for name in ("kubectl", "kind"):
        (tools / name).symlink_to(Path(str(getattr(kind_cluster, f"{name}_path"))).absolute())
    path = f"{tools}:{os.environ['PATH']}"
    site = BuiltPage.read(built_site, f"{LESSONS[0].name}/").site
    alone = request.node.get_closest_marker("exclusive") is not None
    turns = plugin.turns(kind_cluster)
    with (
        turn(turns, alone=alone),
        apart(turns, "mirrors") if lists_mirrors(request) else nullcontext(),
    ):
        server = Server(built_site, site)
        terminal = Terminal(tmp_path / "terminal", kubeconfig, path)
        follower = Reader(api, terminal, server, built_site, kind_cluster.name)
        request.node.user_properties.append(("recordings", follower.recordings))
        request.node.user_properties.append(("not run", follower.not_run))
        request.node.user_properties.append(("waits", follower.waits))
        yield follower
        follower.close()
        server.close()


@pytest.mark.slow
@pytest.mark.touches_cluster
@pytest.mark.timeout(900, func_only=True)  # waiting for its turn is not part of it
@pytest.mark.parametrize("page", [lesson(page) for page in LESSONS])
def test_reader_can_follow_the_page_to_its_end(
    page: str,
    reader: Reader,
    built_site: Path,
    kind_cluster: DocsCluster,
    request: pytest.FixtureRequest,
) -> None:
    korean, english = (BuiltPage.read(built_site, f"{code}{page}/") for code in ("", "en/"))
    assert korean.steps == english.steps

    reader.starts_clean(korean, Ledger(plugin.turns(kind_cluster)))
    record = request.config.getoption("record")
    declared = volatile.declared(ROOT, kind_cluster.source.name)
    differing = []
    for step in korean.steps:
        output = reader.follows(step, korean.site)
        if step.output:
            also = declared.get(step.output, ())
            differing.append(reader.compares(step, output, record=record, also=also))
    reader.leaves_nothing()

    text = "\n\n".join(filter(None, differing))
    if is_recorded_here(kind_cluster):
        assert not text, f"outputs are not as recorded (./scripts/record {page} accepts):\n{text}"
    elif text:
        request.node.user_properties.append(("elsewhere", text))


def is_recorded_here(cluster: DocsCluster) -> bool:
    """Tell whether this run is of the minor that the recordings are of, from whichever images."""
    return cluster.source.kubernetes.minor == versions.kubernetes().minor
