"""What the API server returned, and what a test wants to see in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

ABSENT = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""Wanted instead of a partial object: the object is gone."""


class Object(dict[str, Any]):
    """One Kubernetes object as the API server returned it."""

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """The object's namespace; None when it is cluster-scoped."""
        namespace: str | None = self["metadata"].get("namespace")
        return namespace

    @property
    def uid(self) -> str:
        """The object's UID, which no later object of the same name has."""
        return str(self["metadata"]["uid"])

    @property
    def labels(self) -> dict[str, str]:
        """The object's labels."""
        labels: dict[str, str] = self["metadata"].get("labels") or {}
        return labels

    @property
    def reference(self) -> str:
        """The object as kubectl names it: kind/name."""
        return f"{self['kind'].lower()}/{self.name}"

    def at(self, path: str) -> Any:
        """Return the value at a dotted path such as `status.containerStatuses.0.ready`, or None."""
        value: Any = self
        for part in path.split("."):
            if isinstance(value, list):
                value = value[int(part)] if int(part) < len(value) else None
            else:
                value = value.get(part) if isinstance(value, dict) else None
        return value

    def condition(self, kind: str) -> dict[str, Any] | None:
        """Return the status condition of this type, or None."""
        found: Iterable[dict[str, Any]] = self.at("status.conditions") or []
        return next((c for c in found if c["type"] == kind), None)

    @property
    def is_terminating(self) -> bool:
        """Whether deletion has begun."""
        return "deletionTimestamp" in self["metadata"]

    @property
    def is_ready(self) -> bool:
        """Whether the Ready condition holds and deletion has not begun."""
        return not self.is_terminating and (self.condition("Ready") or {}).get("status") == "True"

    @property
    def is_current(self) -> bool:
        """Whether the status speaks of this generation: its controller has seen the last change."""
        seen = self.at("status.observedGeneration")
        if seen is None:
            # these controllers always report it, so its absence means that they were not here yet
            return not str(self.get("apiVersion", "")).startswith("apps/")
        return bool(seen >= self["metadata"].get("generation", 0))


class Objects(list[Object]):
    """Several objects of one kind, as a list or watch returned them."""

    @property
    def names(self) -> set[str]:
        """Their names."""
        return {o.name for o in self}

    @property
    def uids(self) -> set[str]:
        """Their UIDs."""
        return {o.uid for o in self}

    @property
    def live(self) -> Objects:
        """Those whose deletion has not begun."""
        return Objects(o for o in self if not o.is_terminating)

    @property
    def ready(self) -> Objects:
        """Those that are Ready and not being deleted."""
        return Objects(o for o in self if o.is_ready)


Snapshot = Object | Objects | None
Wanted = dict[str, Any] | Callable[[Any], Any]


def ready(number: int) -> Callable[[Objects], bool]:
    """Return a condition: exactly `number` live objects, all of them Ready."""

    def condition(seen: Objects) -> bool:
        return len(seen.live) == len(seen.ready) == number

    condition.__doc__ = f"exactly {number} live, all Ready"
    return condition


def count(number: int) -> Callable[[Objects], bool]:
    """Return a condition: exactly `number` objects whose deletion has not begun."""

    def condition(seen: Objects) -> bool:
        return len(seen.live) == number

    condition.__doc__ = f"exactly {number} live"
    return condition


def is_ready(seen: Object | None) -> bool:
    """The Pod is Ready."""
    return seen is not None and seen.is_ready


def reports(about: Object, reason: str, *texts: str) -> Callable[[Objects], bool]:
    """Return a condition: an event about the object gives this reason and has these texts."""

    def condition(events: Objects) -> bool:
        mine = [e for e in events if e.at("involvedObject.uid") == about.uid]
        return any(e["reason"] == reason and all(t in e["message"] for t in texts) for e in mine)

    condition.__doc__ = f"{about.reference} has an event {reason} with {texts}"
    return condition


def differences(wanted: Any, seen: Any, path: str = "") -> list[str]:
    """Return one line for each place where `seen` is not as the partial object `wanted` says.

    A field wanted as None must be absent, with or without what it would stand in; each item of a
    wanted list must match some item, and an empty one wants no item.
    """
    if isinstance(wanted, dict) and wanted and seen is None:
        seen = {}
    if isinstance(wanted, dict) and isinstance(seen, dict):
        deeper = (differences(v, seen.get(k), f"{path}.{k}".strip(".")) for k, v in wanted.items())
        return [line for lines in deeper for line in lines]
    if isinstance(wanted, list) and wanted and isinstance(seen, list):
        missing = [w for w in wanted if not any(not differences(w, s) for s in seen)]
        return [f"{path}: no item like {w!r} among {seen!r}" for w in missing]
    return [] if wanted == seen else [f"{path}: wanted {wanted!r}, seen {seen!r}"]


def holds(wanted: Wanted, seen: Snapshot) -> bool:
    """Tell whether what was seen is what is wanted; a stale status never is."""
    if wanted is ABSENT:
        return seen is None
    if isinstance(seen, Object) and not seen.is_current:
        return False
    if callable(wanted):
        return bool(wanted(seen))
    return seen is not None and not differences(wanted, seen)


def describe(wanted: Wanted) -> str:
    """Return what is wanted, in words."""
    if callable(wanted):
        return (wanted.__doc__ or wanted.__name__.replace("_", " ")).strip().splitlines()[0]
    return repr(wanted)
