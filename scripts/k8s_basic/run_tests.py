"""`./scripts/test`: the three tiers in order, each as one pytest run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from . import BUILD, ROOT, TESTS
from .cluster import packages
from .cluster.errors import ClusterError
from .cluster.steps import say

USAGE = """\
usage: ./scripts/test [--static] [--site] [--live] [paths and options of pytest]

  --static   pages, examples, claims, workflows: seconds, no cluster
  --site     the built site in a real browser
  --live     every claim on a real kind cluster
  (none)     all three, in this order; the first that fails ends the run

For --live: --keep-cluster  --cluster-name NAME  --image-source auto|registry|packages
            --kubernetes 1.36  --registry-mirror HOST:PORT
Of pytest:  -k EXPRESSION, -x, -n WORKERS, --durations=10, paths …
"""

TIERS = ("static", "site", "live")
# waiting dominates, so more tests run at once than there are cores; beyond this, starting Pods
# gets slower for all
LIVE_WORKERS = 6


def main(arguments: list[str]) -> int:
    """Run the chosen tiers and return the exit code of the first that fails, else 0."""
    if "--help" in arguments or "-h" in arguments:
        print(USAGE)
        return 0
    rest = [a for a in arguments if a.removeprefix("--") not in TIERS]
    tiers = [tier for tier in TIERS if f"--{tier}" in arguments] or _tiers_of(rest)
    for tier in tiers:
        code = _run(tier, rest)
        if code:
            return code
    return 0


def _tiers_of(arguments: list[str]) -> list[str]:
    """Return the tiers that the given paths lie in; all of them without a path."""
    paths = [Path(a.split("::")[0]).resolve() for a in arguments if _is_path(a)]
    named = [tier for tier in TIERS if any(TESTS / tier in (p, *p.parents) for p in paths)]
    return named or list(TIERS)


def _is_path(argument: str) -> bool:
    return not argument.startswith("-") and (ROOT / argument.split("::")[0]).exists()


def _run(tier: str, arguments: list[str]) -> int:
    say(f"\n=== {tier}")
    started = time.monotonic()
    try:
        if tier == "site":
            packages.need({"chromium": "chromium"})
    except ClusterError as problem:
        say(f"error: {problem}")
        return 3
    paths = [] if any(_is_path(a) for a in arguments) else [str(TESTS / tier)]
    code = _pytest([*_defaults(tier, arguments), *paths, *arguments])
    say(f"=== {tier}: {'passed' if code == 0 else 'failed'} in {time.monotonic() - started:.0f} s")
    return code


def _defaults(tier: str, arguments: list[str]) -> list[str]:
    junit = BUILD / tier / "junit.xml"
    options = [f"--junitxml={junit}", "--durations=5", "--durations-min=1", "-ra", "--tb=short"]
    if tier == "live":
        workers = [] if _has(arguments, "-n", "--numprocesses") else ["-n", str(LIVE_WORKERS)]
        options += [*workers, "--dist=load", "--maxschedchunk=1"]
    return options


def _has(arguments: list[str], *names: str) -> bool:
    return any(a.split("=")[0] in names or a.startswith("-n") for a in arguments)


def _pytest(arguments: list[str]) -> int:
    """Run pytest; Ctrl-C and SIGTERM are its own to handle, as it tidies up before it ends."""
    with subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=ROOT) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
