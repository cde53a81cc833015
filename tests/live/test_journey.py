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
from urllib.parse import urlsplit

import pytest
from _pytest.mark import ParameterSet
from k8s_basic import BUILD, ROOT, versions
from k8s_basic.cluster.kind import DocsCluster
from k8s_basic.content.pages import Page, read_pages
from k8s_basic.live import normalizers
from k8s_basic.live.api import Api
from k8s_basic.live.built_page import BuiltPage
from k8s_basic.live.cleanup import CleanupJournal
from k8s_basic.live.journey import Reader
from k8s_basic.live.locks import cluster_lock, exclusive_lock
from k8s_basic.live.session import run_folder
from k8s_basic.live.terminal import Terminal
from k8s_basic.webserver import served

LESSONS = [p for p in read_pages(ROOT) if p.language == "ko" and p.items("commands")]
# What these commands change is everybody's, so a page with one of them has the cluster for itself.
NODE_COMMAND = re.compile(r"\bkubectl (?:taint|cordon|drain|label nodes?) ")
# These list the Pods that mirror the programs of the control plane; a test deletes one of them and
# holds the same lock meanwhile.
MIRRORS_COMMAND = re.compile(r"-l tier=control-plane\b")


def lesson(page: Page) -> ParameterSet:
    """Return the page's name as the parameter of a test."""
    exclusive = any(NODE_COMMAND.search(command.text) for command in page.items("commands"))
    return pytest.param(page.name, id=page.name, marks=[pytest.mark.exclusive] * exclusive)


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
def terminal(kind_cluster: DocsCluster, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with an empty folder, and with kubectl and kind for the cluster."""
    kubeconfig = tmp_path / "kubeconfig"  # a copy, as a page may write to it
    shutil.copy(kind_cluster.kubeconfig_path, kubeconfig)
    tools = tmp_path / "tools"  # these two, whatever lies beside them where they come from
    tools.mkdir()
    for name in ("kubectl", "kind"):
        if found := getattr(kind_cluster, f"{name}_path", None):  # one's own comes without kind
            (tools / name).symlink_to(Path(found).absolute())
    made = Terminal(tmp_path / "terminal", kubeconfig, f"{tools}:{os.environ['PATH']}")
    yield made
    made.close()


@pytest.fixture
def reader(
    page: str,
    request: pytest.FixtureRequest,
    kind_cluster: DocsCluster,
    api: Api,
    built_site: Path,
    terminal: Terminal,
) -> Iterator[Reader]:
    """Somebody who is going to follow a page on the cluster of the lessons."""
    built = BuiltPage.read(built_site, f"{page}/")
    folder = run_folder(kind_cluster)
    exclusive = request.node.get_closest_marker("exclusive") is not None
    mirrors = any(MIRRORS_COMMAND.search(step.text) for step in built.steps)
    with (
        cluster_lock(folder, exclusive=exclusive),
        exclusive_lock(folder, "mirrors") if mirrors else nullcontext(),
        served(built_site, urlsplit(built.site).path) as url,
    ):
        follower = Reader(built, built_site, url, terminal, api, kind_cluster.name)
        request.node.user_properties.append(("not run", follower.not_run))
        request.node.user_properties.append(("waits", follower.waits))
        yield follower
        follower.close()


@pytest.mark.slow
@pytest.mark.touches_cluster
@pytest.mark.timeout(900, func_only=True)  # waiting for locks is not part of it
@pytest.mark.parametrize("page", [lesson(page) for page in LESSONS])
def test_reader_can_follow_the_page_to_its_end(
    page: str,
    reader: Reader,
    built_site: Path,
    kind_cluster: DocsCluster,
    request: pytest.FixtureRequest,
) -> None:
    assert reader.page.steps == BuiltPage.read(built_site, f"en/{page}/").steps

    reader.starts_clean(CleanupJournal(run_folder(kind_cluster)))
    record = request.config.getoption("record")
    source = kind_cluster.source
    declared = normalizers.declared(ROOT, source.name if source else "")
    differing = []
    for step in reader.page.steps:
        output = reader.follows(step)
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
    """Tell whether this run is of the minor that the recordings are of, on a cluster of ours."""
    source = cluster.source
    return source is not None and source.kubernetes.minor == versions.kubernetes().minor
