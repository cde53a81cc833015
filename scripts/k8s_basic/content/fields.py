"""A manifest's documents, and how a field of one is written: `metadata.labels[a.b/c]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

Keys = tuple[str | int, ...]


def keys_of(path: str) -> Keys:
    """Return the keys of a written path."""
    return tuple(a or b for a, b in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path))


def path_of(keys: Keys) -> str:
    """Return the keys as a path is written."""
    written = "".join(f"[{k}]" if "." in str(k) else f".{k}" for k in keys)
    return written.removeprefix(".")


def load(file: Path) -> list[dict[str, Any]]:
    """Return the documents of an example file."""
    return [d for d in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader) if d]
