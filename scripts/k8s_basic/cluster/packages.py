"""Debian packages that a run needs: installed for root on a Debian-like system, else named."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from ..errors import ClusterError
from ..steps import run, step

KOREAN = ":charset=ac00-d7a3"  # a font with every syllable from 가 to 힣, in fontconfig's words

_updated = False


def need(programs: dict[str, str]) -> None:
    """Make sure that programs are there: `programs` maps program → Debian package.

    A name that begins with a colon is a font, as fontconfig describes it.
    Raises ClusterError with the line to type when the user may not install them.
    """
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = {
        deb
        for name, deb in programs.items()
        if not (_has_font(name) if name.startswith(":") else shutil.which(name, path=path))
    }
    if missing:
        install(sorted(missing))


def _has_font(pattern: str) -> bool:
    """Tell whether there is such a font: a Mac has Korean ones, elsewhere browsers ask fontconfig.

    Where that can't be asked, nobody knows of a font, and so there is none.
    """
    if sys.platform == "darwin":
        return True
    try:
        library = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    pointer = ctypes.c_void_p
    for name in ("FcInitLoadConfigAndFonts", "FcNameParse", "FcObjectSetCreate"):
        getattr(library, name).restype = pointer
    library.FcFontList.restype = ctypes.POINTER(ctypes.c_int)  # a struct, the number of fonts first
    found = library.FcFontList(
        pointer(library.FcInitLoadConfigAndFonts()),
        pointer(library.FcNameParse(pattern.encode())),
        pointer(library.FcObjectSetCreate()),
    )
    return bool(found) and found[0] > 0


def install(packages: list[str]) -> None:
    """Install Debian packages with apt-get; raises ClusterError where that is not possible."""
    global _updated
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        names = " ".join(packages)
        raise ClusterError(
            f"this needs {names}: install it (on Debian: sudo apt-get install {names}), "
            "then run again"
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"install {' '.join(packages)}"):
        if not _updated:
            run("apt-get", "update", "-qq", env=env, what="apt-get update")
            _updated = True
        options = ("-y", "-qq", "--no-install-recommends")
        run("apt-get", "install", *options, *packages, env=env, what=f"installing {packages}")


def unpack(names: tuple[str, ...], into: Path) -> Path:
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
