"""The browser that the site is tested and measured in: the system's own Chromium or Chrome."""

from __future__ import annotations

import ctypes
import shutil
import sys

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

KOREAN = ":charset=ac00-d7a3"  # a font with every syllable from 가 to 힣, in fontconfig's words


def lacking() -> dict[str, str]:
    """Return what this machine lacks to show the site, as its name → its Debian package."""
    return {
        **({} if find() else {"chromium": "chromium"}),
        **({} if _has_font(KOREAN) else {"a Korean font": "fonts-noto-cjk"}),
    }


def find() -> str | None:
    """Return the path of the browser, None where there is none; Playwright's own is not used."""
    return next(filter(None, map(shutil.which, NAMES)), None)


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
