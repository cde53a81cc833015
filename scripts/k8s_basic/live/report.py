"""What a run says at its end: the evidence that it leaves, and the lines under the tests."""

from __future__ import annotations

import re
from pathlib import Path

from _pytest.terminal import TerminalReporter

from .. import BUILD, ROOT
from ..cluster.cgroup import of_nodes
from ..evidence import FOLDER
from ..evidence.record import FAILED, HELD, NOT_REACHED, Results
from .own import OwnCluster
from .session import Session, described

OWN_REPORTS = BUILD / "own-cluster"  # kept apart from the site's evidence


def write(session: Session, results: Results) -> Path | None:
    """Write what a run saw, as the site's evidence or as the report on one's own cluster.

    Returns the file; None when there is nothing to tell, or the cluster broke: what was seen on a
    broken one says nothing of any sentence.
    """
    cluster = session.cluster
    if not cluster or not results.tests or session.broken:
        return None
    about = described(cluster).record()
    if isinstance(cluster, OwnCluster):
        return results.write(about, OWN_REPORTS / re.sub(r"[^\w.-]+", "-", cluster.name))
    about |= of_nodes(cluster)
    if session.lifecycle.options.mirror and about["image_source"] == "registry":
        about["registry_mirror"] = session.lifecycle.options.mirror
    return results.write(about, FOLDER)


def show(terminal: TerminalReporter, session: Session, results: Results, file: Path | None) -> None:
    """Print how many claims hold, on what, and what was not run and why; `file` is the evidence."""
    if not session.cluster:
        return
    about = described(session.cluster)
    terminal.section("claims")
    terminal.line(about.sentence())
    for reference in about.substitutes:
        terminal.line(f"  stand-in: {reference}")
    held, failed, missed = map(results.claims, (HELD, FAILED, NOT_REACHED))
    terminal.line(f"{len(held)} claims hold, {len(failed)} do not {' '.join(failed)}")
    if missed:
        terminal.line(f"{len(missed)} not reached, their test failed before: {' '.join(missed)}")
    for test in results.tests:
        if test["outcome"] not in ("passed", "failed"):
            terminal.line(f"  {test['outcome']}: {' '.join(test['claims'])}: {test['reason']}")
    if blocks := sum(results.not_run.values()):
        terminal.line(f"{blocks} command blocks of the pages are marked as not to be run here")
    for text in results.elsewhere.values():
        terminal.line(f"not as recorded, and reported only, on this version:\n{text}")
    if file:
        terminal.line(f"evidence: {file.relative_to(ROOT)}")
