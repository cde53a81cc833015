"""The project's virtual environment, made or brought up to date; then its Python takes over.

`scripts/python` starts this before anything is installed: the standard library is all there is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from pathlib import Path

from . import ROOT, processes

PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r")


def main() -> int:
    """Run the environment's Python in place of this process, with the arguments of this one."""
    python = ready(ROOT, os.environ.get("K8S_BASIC_GROUP", "test"))
    os.execv(python, [str(python), *sys.argv[1:]])


def ready(root: Path, group: str) -> Path:
    """Return the Python of an environment in which the packages of a lock are installed.

    `group` names the lock, scripts/requirements/`group`.txt. Exits with a sentence where that is
    impossible.
    """
    venv, folder = root / ".venv", root / "scripts" / "requirements"
    lock = folder / f"{group}.txt"
    # the stamp holds the hash of the lock that is installed; test contains site
    enough = {_hash(lock), _hash(folder / "test.txt")}
    stamp, python = venv / "installed", venv / "bin" / "python"
    if not _is_installed(stamp, enough):
        with (root / ".venv.lock").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # two commands must not install over each other
            if not _is_installed(stamp, enough):
                _install(venv, lock)
                stamp.write_text(f"{_hash(lock)}\n", encoding="ascii")
    return python


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _is_installed(stamp: Path, enough: set[str]) -> bool:
    return stamp.exists() and not enough.isdisjoint(stamp.read_text(encoding="ascii").split())


def _install(venv: Path, lock: Path) -> None:
    print(f"• install the Python packages of {lock.name} into .venv", file=sys.stderr, flush=True)
    if not (venv / "installed").exists():  # not there, or its making was broken off
        made = processes.run([sys.executable, "-m", "venv", "--clear", venv], stdout=sys.stderr)
        if made.returncode:
            sys.exit(
                "error: python3 cannot make a virtual environment; on Debian: "
                "sudo apt-get install python3-venv"
            )
    if processes.run([venv / "bin" / "python", *PIP, lock], stdout=sys.stderr).returncode:
        sys.exit("error: the Python packages could not be installed; the lines above say which")


if __name__ == "__main__":
    processes.command(main)
