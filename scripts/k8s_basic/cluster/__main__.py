"""`python -m k8s_basic.cluster`: what scripts and workflows ask of the cluster's maker."""

from __future__ import annotations

import argparse
import json
import shutil

from .. import ROOT, cache_dir, processes, versions
from ..errors import ClusterError
from ..packages import engine as engines
from ..steps import say, step
from . import lifecycle

LEFT = ("build", "site", ".pytest-kind", ".venv", ".venv.lock")  # in the repository


def main() -> int:
    """Run one subcommand; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m k8s_basic.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True)
    minors = commands.add_parser("minors", help="print the supported Kubernetes minors as JSON")
    minors.set_defaults(do=_minors)
    built = "those that the night builds from packages: the pinned one and the previews"
    minors.add_argument("--packages", action="store_true", help=built)
    clean = commands.add_parser("clean", help="remove what this project left on the machine")
    clean.set_defaults(do=_clean)
    clean.add_argument("--cluster", action="store_true", help="clusters only")
    options = parser.parse_args()
    try:
        options.do(options)
    except ClusterError as problem:
        say(f"error: {problem}")
        return 1
    return 0


def _minors(options: argparse.Namespace) -> None:
    known = versions.minors(previews=options.packages)
    if options.packages:
        known = [known[0], *(kube for kube in known if kube.preview)]
    print(json.dumps([kube.minor for kube in known]))


def _clean(options: argparse.Namespace) -> None:
    for name in lifecycle.clean_clusters():
        say(f"• cluster {name} is gone")
    engines.stop(engines.own_engine())
    if options.cluster:
        return
    if engines.own_engine().answers():
        raise ClusterError("our Docker engine still has containers; remove them, then run again")
    for path in (cache_dir(), *(ROOT / name for name in LEFT)):
        with step(f"remove {path}"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    processes.command(main)
