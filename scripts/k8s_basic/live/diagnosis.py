"""What the cluster itself says when a wait runs out: events, describe, logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .conditions import Wanted, describe, differences
from .objects import Object, Objects, Snapshot

LINES = 40  # of each section: enough to see the cause, short enough to be read


def report(wanted: Wanted, seen: Snapshot, what: str, after: float, ask: Callable[..., str]) -> str:
    """Return the text of a failed wait; `ask` runs kubectl and never raises; `after` in seconds."""
    parts = [
        f"{what}: not seen within {after:.0f} s",
        f"wanted: {describe(wanted)}",
        "seen:   " + "\n        ".join(_seen(wanted, seen)),
        *_sections(what, seen, ask),
    ]
    return "\n".join(parts)


def _seen(wanted: Wanted, seen: Snapshot) -> list[str]:
    if seen is None:
        return ["nothing"]
    if isinstance(seen, Object):
        stale = [] if seen.is_current else ["(its controller has not seen the last change yet)"]
        lines = differences(wanted, seen) if isinstance(wanted, dict) else [_summary(seen)]
        return stale + lines
    return [_summary(o) for o in seen] or ["an empty list"]


def _summary(seen: Object) -> str:
    going = " (terminating)" if seen.is_terminating else ""
    status = seen.get("status") or {key: seen[key] for key in ("endpoints", "data") if key in seen}
    return f"{seen.reference}{going} {status}"


def _sections(what: str, seen: Snapshot, ask: Callable[..., str]) -> Iterator[str]:
    yield events(ask)
    kind, _, selector = what.replace("/", " ", 1).partition(" ")
    selected = [selector] if "/" in what else ["-l", selector] if selector else []
    yield _section(f"describe {what}", ask("describe", kind, *selected))
    objects = seen if isinstance(seen, Objects) else Objects([seen] if seen else [])
    for pod in [o for o in objects if o["kind"] == "Pod" and not o.is_ready][:3]:
        logs = ask("logs", pod.name, "--all-containers", "--tail=20")
        yield _section(f"logs of {pod.name}", logs)


def events(ask: Callable[..., str]) -> str:
    """Return the section on the latest events; `ask` runs kubectl."""
    return _section("events", ask("events"))


def _section(title: str, text: str) -> str:
    lines = text.strip().splitlines()[-LINES:]
    return f"--- {title}\n" + "\n".join(lines)
