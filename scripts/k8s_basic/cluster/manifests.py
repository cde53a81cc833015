"""Manifests of others that lessons have the reader apply, as `versions.yaml` lists them."""

from __future__ import annotations

import http.client
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from .. import cache_dir, versions
from ..errors import ClusterError
from ..packages import programs
from .sources import ImageSource

FETCH_TIMEOUT = 30.0  # seconds for a published manifest to begin


def of_every_cluster(source: ImageSource | None) -> str:
    """Return as YAML what each cluster gets of them before its first test."""
    return yaml.safe_dump_all(
        document
        for module, entry in versions.load()["manifests"].items()
        for document in documents(source, module)
        if document["kind"] == entry.get("only", document["kind"])
    )


def documents(source: ImageSource | None, module: str) -> list[dict[str, Any]]:
    """Return the documents that a Go module publishes: of the module itself on source packages.

    Raises ClusterError when they cannot be had.
    """
    files = [kept(module)]
    if source and source.name == "packages":
        named = versions.load()["manifests"][module].get("file", "*.yaml")
        files = sorted(programs.module_files(module).glob(named))
    elif not files[0].exists():
        _fetch(module, files[0])
    texts = [file.read_text(encoding="utf-8") for file in files]
    return [found for text in texts for found in yaml.load_all(text, yaml.CSafeLoader) if found]


def kept(module: str) -> Path:
    """Return the file of the cache in which a module's published manifest is kept."""
    name = f"{module.rpartition('/')[2]}-{versions.module(module)}.yaml"
    return cache_dir() / "manifests" / name


def _fetch(module: str, file: Path) -> None:
    address = versions.load()["manifests"][module]["published"]
    address = address.format(version=versions.module(module))
    try:
        with urllib.request.urlopen(address, timeout=FETCH_TIMEOUT) as answer:
            text = answer.read()
        if b"\nkind: CustomResourceDefinition\n" not in text:
            raise ValueError("what answers is no such manifest")
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise ClusterError(
            f"{address} cannot be had ({problem}); put that file at {file}, or use "
            "--image-source packages"
        ) from None
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = file.with_suffix(".new")
    whole.write_bytes(text)
    whole.rename(file)
