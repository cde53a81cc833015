"""What a test wants to see: a partial object, ABSENT, or a condition that says what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .objects import Object, Objects, Snapshot

ABSENT = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""Wanted instead of a partial object: the object is gone."""

CONTAINER = "status.containerStatuses.0"  # the first container of a Pod


@dataclass(frozen=True)
class Condition:
    """A predicate on what is seen, with the words in which a failed wait names it."""

    text: str
    met: Callable[[Any], Any]

    def __call__(self, seen: Any) -> bool:
        """Tell whether what is seen meets the condition."""
        return bool(self.met(seen))


Wanted = dict[str, Any] | Callable[[Any], Any]


def describe(wanted: Wanted) -> str:
    """Return what is wanted, in words: a function's own are the first line of its docstring."""
    if isinstance(wanted, Condition):
        return wanted.text
    if callable(wanted):
        return (wanted.__doc__ or wanted.__name__.replace("_", " ")).strip().splitlines()[0]
    return repr(wanted)


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


# --- several objects --------------------------------------------------------------------------


def ready(number: int) -> Condition:
    """Want exactly `number` live objects, all of them Ready."""
    return Condition(
        f"exactly {number} live, all Ready",
        lambda seen: len(seen.live) == len(seen.ready) == number,
    )


def count(number: int) -> Condition:
    """Want exactly `number` objects whose deletion has not begun."""
    return Condition(f"exactly {number} live", lambda seen: len(seen.live) == number)


def reports(about: Object, reason: str, *texts: str) -> Condition:
    """Want an event about the object that gives this reason and has these texts."""

    def condition(events: Objects) -> bool:
        mine = [e for e in events if e.at("involvedObject.uid") == about.uid]
        return any(e["reason"] == reason and all(t in e["message"] for t in texts) for e in mine)

    return Condition(f"{about.reference} has an event {reason} with {texts}", condition)


# --- one object -------------------------------------------------------------------------------


def is_ready(seen: Object | None) -> bool:
    """The Pod is Ready."""
    return seen is not None and seen.is_ready


def has_condition(kind: str, status: str = "True", reason: str = "", text: str = "") -> Condition:
    """Want the object to report this condition of itself; `text` is in its message."""

    def condition(seen: Object | None) -> bool:
        said = (seen.condition(kind) if seen else None) or {}
        fits = said.get("status") == status and reason in ("", said.get("reason"))
        return bool(fits and text in said.get("message", ""))

    return Condition(f"{kind} is {status} because of {reason or 'anything'}: {text}", condition)


def unschedulable(text: str = "") -> Condition:
    """Want the scheduler to have found no node for the Pod, and to have said this."""
    return has_condition("PodScheduled", "False", "Unschedulable", text)


def waits(*reasons: str, text: str = "") -> Condition:
    """Want the first container to wait for one of these reasons, with this in the message."""

    def condition(pod: Object | None) -> bool:
        waiting = (pod.at(f"{CONTAINER}.state.waiting") if pod else None) or {}
        return bool(waiting.get("reason") in reasons and text in waiting.get("message", ""))

    return Condition(f"the container waits because of {' or '.join(reasons)}: {text}", condition)


def ended(code: int, reason: str = "") -> Condition:
    """Want the last run of the first container to have ended with this exit code and reason."""

    def condition(pod: Object | None) -> bool:
        last = (pod.at(f"{CONTAINER}.lastState.terminated") if pod else None) or {}
        return bool(last.get("exitCode") == code and reason in ("", last.get("reason")))

    return Condition(f"the run before this one ended with exit code {code} {reason}", condition)


def rolled_out(deployment: Object) -> bool:
    """Every Pod is of the newest template and available, and no old one is left."""
    wanted = deployment.at("spec.replicas")
    fields = ("replicas", "updatedReplicas", "availableReplicas")
    return all(deployment.at(f"status.{field}") == wanted for field in fields)


def has_address(seen: Object | None) -> bool:
    """A controller has written an address into the Ingress's or Service's status."""
    return seen is not None and bool(seen.at("status.loadBalancer.ingress"))


def endpoints_of(slices: Objects) -> list[dict[str, Any]]:
    """Return the endpoints of all these EndpointSlices."""
    return [e for s in slices for e in s.get("endpoints") or []]
