"""How a field of a manifest is written: `spec.ports.0.name`, `metadata.labels[a.b/c]`."""

from __future__ import annotations

import re

Keys = tuple[str | int, ...]


def keys_of(path: str) -> Keys:
    """Return the keys of a written path."""
    return tuple(a or b for a, b in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path))


def path_of(keys: Keys) -> str:
    """Return the keys as a path is written."""
    written = "".join(f"[{k}]" if "." in str(k) else f".{k}" for k in keys)
    return written.removeprefix(".")
