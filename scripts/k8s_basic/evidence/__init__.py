"""What live runs saw of each claim: written by them, read by the build of the site."""

from .. import BUILD

FOLDER = BUILD / "evidence"  # of the runs on this machine, never committed
KEPT = "tests/evidence"  # of the last full green runs, in the repository (see keep.py)

__all__ = ["FOLDER", "KEPT"]
