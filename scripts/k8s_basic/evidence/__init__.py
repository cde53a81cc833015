"""What live runs saw of each claim: written by them, read by the build of the site."""

from .. import BUILD

FOLDER = BUILD / "evidence"  # an input of the build, never committed

__all__ = ["FOLDER"]
