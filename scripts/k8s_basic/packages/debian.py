"""Debian packages: installed for root on a Debian-like system, else named; or only unpacked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import ClusterError
from ..steps import run, step


def need(programs: dict[str, str]) -> None:
    """Make sure that programs are there: `programs` maps program → Debian package.

    Raises ClusterError with the line to type when the user may not install them.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {deb for name, deb in programs.items() if not shutil.which(name, path=path)}
    if missing:
        _install(sorted(missing))


def _install(packages: list[str]) -> None:
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(
            f"this needs {names}: install it (on Debian: sudo apt-get install {names}), "
            "then run again"
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"install {names}"):
        run("apt-get", "update", "-qq", env=env, what="apt-get update")
        options = ("-y", "-qq", "--no-install-recommends")
        run("apt-get", "install", *options, *packages, env=env, what=f"installing {names}")


def unpack(names: Sequence[str], into: Path) -> Path:
    """Lay the files of Debian packages out below `into`, installing nothing, and return it.

    Raises ClusterError when a package cannot be had.
    """
    debs = into.parent / f"{into.name}-debs"
    debs.mkdir(parents=True, exist_ok=True)
    # apt's own unprivileged user may not write into our folder
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names, cwd=debs)
    for deb in debs.glob("*.deb"):
        run("dpkg", "-x", deb, into)
    shutil.rmtree(debs)
    return into
