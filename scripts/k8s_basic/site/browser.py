"""The browser that the site is tested and measured in: the system's own Chromium or Chrome."""

from __future__ import annotations

import shutil

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find() -> str | None:
    """Return the path of the browser, None where there is none; Playwright's own is not used."""
    return next(filter(None, map(shutil.which, NAMES)), None)
