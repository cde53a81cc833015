"""The record (docs/in-step.json) of sections whose two languages were seen to say the same."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from .pages import LANGUAGES, Page, Section
from .problems import Problem

FILE = "docs/in-step.json"


@dataclass(frozen=True)
class State:
    """What a section is now and where each language's text stands."""

    digest: str
    places: tuple[tuple[str, int], ...]


@dataclass
class Drift:
    """Sections that differ from the record: on one side, on both, and those that are gone."""

    now: dict[str, State]
    one_sided: dict[str, int]
    both: list[str]
    gone: list[str]


def _digest(section: Section) -> str:
    return hashlib.sha256(" ".join(section.text.split()).encode()).hexdigest()[:12]


def _states(pages: list[Page]) -> dict[str, State]:
    sides: list[dict[str, tuple[str, tuple[str, int]]]] = [{}, {}]
    for page in pages:
        for section in page.sections:
            entry = (_digest(section), (page.path, section.line))
            sides[LANGUAGES.index(page.language)][f"{page.name}#{section.id}"] = entry
    ko, en = sides
    return {
        key: State(f"{ko[key][0]} {en[key][0]}", (ko[key][1], en[key][1]))
        for key in ko
        if key in en
    }


def read_record(root: Path) -> dict[str, str]:
    """Return section → "Korean digest, English digest" as recorded."""
    file = root / FILE
    record: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return record


def drift(pages: list[Page], record: dict[str, str]) -> Drift:
    """Compare the sections of `pages` with `record`."""
    now = _states(pages)
    result = Drift(now, {}, [], [key for key in record if key not in now])
    for key, state in now.items():
        old = record.get(key, "- -").split()
        changed = [i for i, part in enumerate(state.digest.split()) if part != old[i]]
        if len(changed) == 1:
            result.one_sided[key] = changed[0]
        elif changed:
            result.both.append(key)
    return result


def record_sections(root: Path, found: Drift, keys: list[str]) -> None:
    """Record `keys` as they are now and forget the sections that are gone."""
    record = read_record(root)
    kept = {key: text for key, text in record.items() if key not in found.gone}
    kept |= {key: found.now[key].digest for key in keys}
    if kept != record:
        text = json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=0)
        (root / FILE).write_text(text + "\n", encoding="utf-8")


def drift_problems(root: Path, pages: list[Page], write: bool = False) -> list[Problem]:
    """Return each section changed on one side only.

    With `write`, sections changed on both sides are recorded; with CI=true in the environment
    they are problems instead, because nobody would commit what is recorded there.
    """
    found = drift(pages, read_record(root))
    problems = []
    for key, side in found.one_sided.items():
        other = found.now[key].places[1 - side]
        problems.append(
            Problem(
                *found.now[key].places[side],
                f"this section changed and {other[0]}:{other[1]} did not; "
                f"change that one too, or run ./scripts/confirm {key}",
            )
        )
    if write and os.environ.get("CI") == "true":
        for key in found.both:
            advice = "this section is not recorded; run ./scripts/confirm and commit " + FILE
            problems.append(Problem(*found.now[key].places[0], advice))
        for key in found.gone:
            advice = f"{key} is gone; run ./scripts/confirm and commit this file"
            problems.append(Problem(FILE, 1, advice))
    elif write:
        record_sections(root, found, found.both)
    return problems
