"""What the API server returned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


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
