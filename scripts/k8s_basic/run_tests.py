"""`./scripts/test`: the three tiers in order, each as one pytest run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from . import BUILD, EXAMPLES, ROOT, TESTS, processes
from .content.claims import proofs
from .errors import ClusterError
from .packages import debian
from .site import browser
from .steps import say

USAGE = """\
usage: ./scripts/test [--static] [--site] [--live] [examples/… | paths and options of pytest]

  --static   pages, examples, claims, workflows: seconds, no cluster
  --site     the built site in a real browser
  --live     every claim on a real kind cluster
  (none)     all three, in this order; the first that fails ends the run

An example's path, such as examples/workloads/replicaset/replicaset.yaml, runs the live tests that
apply it.

For --live: --keep-cluster  --cluster-name NAME  --image-source auto|registry|packages
            --kubernetes 1.36  --registry-mirror HOST:PORT
            --context NAME (your own cluster)  --allow-cluster-changes
Of pytest:  -k EXPRESSION, -x, -n WORKERS, --durations=10, paths …
"""

TIERS = ("static", "site", "live")
# waiting dominates, so more tests run at once than there are cores; beyond this, starting Pods
# gets slower for all
LIVE_WORKERS = 6
SITE_WORKERS = 2
INTERRUPTED = 2  # pytest's code when Ctrl-C, or a cluster that broke, ended the run


def main(arguments: list[str]) -> int:
    """Run the chosen tiers and return the exit code of the first that fails, else 0."""
    if "--help" in arguments or "-h" in arguments:
        print(USAGE)
        return 0
    chosen = [tier for tier in TIERS if f"--{tier}" in arguments] or TIERS
    others = [a for a in arguments if a not in {f"--{tier}" for tier in TIERS}]
    rest = [path for a in others for path in _tests_of(a)]
    tiers = [tier for tier in _tiers_of(rest) if tier in chosen]
    if not tiers:
        say(f"error: the given paths do not lie in {', '.join(chosen)}")
        return 4  # pytest's code for a command line that makes no sense
    for tier in tiers:
        code = run_tier(tier, rest)
        if code:
            return code
    return 0


def _tests_of(argument: str) -> list[str]:
    """Return the live tests that apply the example named by `argument`, else `argument`."""
    path = (ROOT / argument).resolve()
    if EXAMPLES not in path.parents:
        return [argument]
    name = path.relative_to(EXAMPLES).as_posix()
    found = {f"{p.path}::{p.test}" for p in proofs(ROOT)[0] if name in p.examples}
    return sorted(found) or [argument]


def _tiers_of(arguments: list[str]) -> list[str]:
    """Return the tiers that the given paths lie in; all of them without a path."""
    named = [tier for tier in TIERS if any(_is_path(a, TESTS / tier) for a in arguments)]
    return named or list(TIERS)


def _is_path(argument: str, folder: Path) -> bool:
    """Tell whether an argument is `folder`, or a file, folder or test in it."""
    path = (ROOT / argument.split("::")[0]).resolve()
    return not argument.startswith("-") and path.exists() and folder in (path, *path.parents)


def run_tier(tier: str, arguments: list[str]) -> int:
    """Run pytest on one tier with the options that belong to it, and return its exit code."""
    say(f"\n=== {tier}")
    started = time.monotonic()
    try:
        if tier == "site":
            debian.need(browser.lacking())
    except ClusterError as problem:
        say(f"error: {problem}")
        return 3
    paths = [] if any(_is_path(a, TESTS / tier) for a in arguments) else [str(TESTS / tier)]
    own = [a for a in arguments if _is_path(a, TESTS / tier) or not _is_path(a, TESTS)]
    code = _pytest([*_defaults(tier, arguments), *paths, *own])
    ended = {0: "passed", INTERRUPTED: "interrupted"}.get(code, "failed")
    say(f"=== {tier}: {ended} in {time.monotonic() - started:.0f} s")
    return code


def _defaults(tier: str, arguments: list[str]) -> list[str]:
    junit = BUILD / tier / "junit.xml"
    options = [f"--junitxml={junit}", "--durations=5", "--durations-min=1", "-ra", "--tb=short"]
    number = {"live": LIVE_WORKERS, "site": SITE_WORKERS}.get(tier)
    named = [a for a in arguments if "::" in a and _is_path(a, TESTS / tier)]
    if number and named:  # for one or two tests the start of more workers would take the longest
        number = min(number, len(named))
    if number and not any(a.startswith(("-n", "--numprocesses")) for a in arguments):
        options += ["-n", str(number)]
    if tier == "live":
        options += ["--dist=load", "--maxschedchunk=1"]  # long tests first, none held in reserve
    return options


def _pytest(arguments: list[str]) -> int:
    return processes.run_to_its_end([sys.executable, "-m", "pytest", *arguments], ROOT)


if __name__ == "__main__":
    processes.command(lambda: main(sys.argv[1:]))
