"""`python -m k8s_basic.cluster`: what scripts and workflows ask of the cluster's maker."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from .. import ROOT, cache_dir, processes
from ..errors import ClusterError
from ..steps import say, step
from . import engine as engines
from . import lifecycle, sources, versions


def main() -> int:
    """Run one subcommand; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m k8s_basic.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    minors = commands.add_parser("minors", help="list the Kubernetes minors that are supported")
    minors.add_argument("--json", action="store_true")
    built = "those that the night builds from packages: the pinned one and the previews"
    minors.add_argument("--packages", action="store_true", help=built)
    prepare = commands.add_parser("prepare", help="build or pull what a cluster needs")
    prepare.add_argument("--image-source", default="auto", choices=("auto", "registry", "packages"))
    prepare.add_argument("--kubernetes")
    clean = commands.add_parser("clean", help="remove what this project left on the machine")
    clean.add_argument("--cluster", action="store_true", help="clusters only")
    options = parser.parse_args()
    try:
        return int(
            {"minors": _minors, "prepare": _prepare, "clean": _clean}[options.command](options)
        )
    except ClusterError as problem:
        say(f"error: {problem}")
        return 1


def _minors(options: argparse.Namespace) -> int:
    known = versions.minors(previews=options.packages)
    if options.packages:
        known = [known[0], *(kube for kube in known if kube.preview)]
    names = [kube.minor for kube in known]
    print(json.dumps(names) if options.json else "\n".join(names))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    engine = engines.ensure()
    try:
        kube = versions.kubernetes(options.kubernetes)
        source = sources.prepare(engine, options.image_source, kube)
        print(source.sentence())
    finally:
        engines.stop(engine)
    return 0


def _clean(options: argparse.Namespace) -> int:
    for name in lifecycle.clean_clusters():
        say(f"• cluster {name} is gone")
    engines.stop(engines.own_engine())
    if not options.cluster:
        running = engines.own_engine().answers()
        if running:
            raise ClusterError(
                "our Docker engine still has containers; remove them, then run again"
            )
        with step(f"remove {cache_dir()}"):
            shutil.rmtree(cache_dir(), ignore_errors=True)
        for name in ("build", "site", ".pytest-kind", ".venv", ".venv.lock"):
            _remove(ROOT / name)
    return 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    processes.command(main)
