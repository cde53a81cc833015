"""What a claim rests on, as hashes: they catch what was edited after a run, not forgers."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..content import recordings
from ..content.claims import proofs, said
from ..content.pages import Page, read_pages

Hashes = dict[str, Any]


def of_text(text: str) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of `text`, however it is wrapped."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


def of_file(file: Path) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of a file's bytes; nothing when absent."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.exists() else ""


def of_run(run: dict[str, Any]) -> str:
    """Return the SHA-256 of what an evidence file says, without the one that stands in it."""
    said = {key: value for key, value in run.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def current(root: Path) -> dict[str, Hashes]:
    """Return claim → hashes of its test, examples, sentences and recordings as they are now."""
    pages = read_pages(root)
    sentences: dict[str, dict[str, str]] = defaultdict(dict)
    for page in pages:
        for claim, text in said(page).items():
            sentences[claim][page.language] = of_text(text)
    recorded = {claim: names for page in pages for claim, names in _beside(page).items()}
    return {
        proof.claim: {
            "test": proof.digest,
            "examples": {name: of_file(root / "examples" / name) for name in proof.examples},
            "sentences": dict(sentences[proof.claim]),
            "recordings": {
                name: of_file(root / recordings.path(name))
                for name in recorded.get(proof.claim, ())
            },
        }
        for proof in proofs(root)[0]
    }


def _beside(page: Page) -> dict[str, list[str]]:
    """Return claim → the recordings shown in the section in which its sentence stands."""
    return {
        claim.text: [output.text for output in section.outputs]
        for section in page.sections
        for claim in section.claims
    }
