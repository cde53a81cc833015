"""Reading, changing and watching objects of any kind, through Kubernetes' own Python client."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import config, dynamic
from kubernetes.client import ApiException

from .failures import Refused
from .objects import Object, Objects, Snapshot

MERGE_PATCH = "application/merge-patch+json"
GONE = 410  # the watch's resource version is too old
ASK_TO_STOP = 1  # seconds that one watch lasts when somebody may end it early


@dataclass(frozen=True)
class Target:
    """What "pods app=web" or "deployment/web" names: a resource in a namespace."""

    resource: Any
    namespace: str | None
    name: str | None = None
    selector: str | None = None

    def query(self) -> dict[str, Any]:
        """Return the arguments of a list or watch request."""
        field = f"metadata.name={self.name}" if self.name else None
        wanted = {
            "namespace": self.namespace,
            "label_selector": self.selector,
            "field_selector": field,
        }
        return {key: value for key, value in wanted.items() if value}


class Api:
    """The API server of one cluster."""

    def __init__(self, kubeconfig: Path):
        """Read the kubeconfig and ask the server which resources it has."""
        client = config.new_client_from_config(str(kubeconfig))
        with tempfile.TemporaryDirectory() as folder:
            # the client keeps what it discovers in a file, by default one for all processes
            cache = Path(folder) / "discovery.json"
            self.dynamic = dynamic.DynamicClient(client, cache_file=str(cache))
            # asked for once and whole: its search discovers anew, in any thread, what it misses
            self._resources = [r for found in self.dynamic.resources for r in _flat(found)]

    def resource(self, kind: str) -> Any:
        """Return the resource that kubectl takes `kind` for (plural, singular, kind, short).

        Raises LookupError for one that the API server does not list.
        """
        found = [r for r in self._resources if _is_listed(r) and kind in _names(r)]
        if not found:
            raise LookupError(f"the API server lists no kind {kind}")
        return min(found, key=lambda r: (bool(r.group), not r.preferred))

    def target(self, what: str, namespace: str) -> Target:
        """Read "kind/name" or "kind selector"; namespace "*" means all of them."""
        kind, _, rest = what.partition(" ")
        kind, _, name = kind.partition("/")
        resource = self.resource(kind)
        place = namespace if resource.namespaced and namespace != "*" else None
        return Target(resource, place, name or None, rest.strip() or None)

    def get(self, target: Target) -> Snapshot:
        """Return the object (None when absent), or the list."""
        items, _ = self.list(target)
        return _snapshot(target, {o.uid: o for o in items})

    def list(self, target: Target) -> tuple[Objects, str]:
        """Return the matching objects and the resource version of this state."""
        answer = self.dynamic.get(target.resource, **target.query()).to_dict()
        kind, version = target.resource.kind, target.resource.group_version
        items = Objects(Object({"kind": kind, "apiVersion": version, **i}) for i in answer["items"])
        return items, answer["metadata"]["resourceVersion"]

    def snapshots(
        self, target: Target, deadline: float, stop: Callable[[], bool] | None = None
    ) -> Iterator[Snapshot]:
        """Yield the state now and after each change, until `deadline` (time.monotonic, seconds).

        Nothing between two changes is missed. With `stop`, it is asked about once a second whether
        to end early.
        """
        while True:
            items, version = self.list(target)
            state = {o.uid: o for o in items}
            yield _snapshot(target, state)
            try:
                yield from self._changes(target, state, version, deadline, stop)
                return
            except ApiException as error:
                if error.status != GONE:
                    raise

    def _changes(
        self,
        target: Target,
        state: dict[str, Object],
        version: str,
        deadline: float,
        stop: Callable[[], bool] | None,
    ) -> Iterator[Snapshot]:
        while (left := deadline - time.monotonic()) > 0 and not (stop and stop()):
            limit = ASK_TO_STOP if stop else math.ceil(left)
            for event in self.dynamic.watch(
                target.resource, resource_version=version, timeout=limit, **target.query()
            ):
                changed = Object(event["raw_object"])
                version = changed["metadata"]["resourceVersion"]
                state.pop(changed.uid, None)
                if event["type"] != "DELETED":
                    state[changed.uid] = changed
                yield _snapshot(target, state)
                if time.monotonic() >= deadline:
                    return

    def patch(self, target: Target, body: dict[str, Any]) -> Object:
        """Merge `body` into the object; raises Refused."""
        return self._ask(target, "patch", body=body, content_type=MERGE_PATCH)

    def create(self, target: Target, body: dict[str, Any]) -> Object:
        """Create an object; raises Refused."""
        return self._ask(target, "create", body=body)

    def delete(self, target: Target, **options: Any) -> None:
        """Delete the object; options are those of DeleteOptions. Raises Refused."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None
        try:
            self.dynamic.delete(
                target.resource, name=target.name, namespace=target.namespace, body=body
            )
        except ApiException as error:
            raise Refused.by_server(error) from None

    def delete_all(self, target: Target, **options: Any) -> None:
        """Delete every object of a namespaced resource; options are those of DeleteOptions."""
        self.dynamic.delete(
            target.resource,
            namespace=target.namespace,
            field_selector=f"metadata.namespace={target.namespace}",
            body=options,
        )

    def _ask(self, target: Target, verb: str, **arguments: Any) -> Object:
        where = {"namespace": target.namespace}
        if verb == "patch":
            where["name"] = target.name
        try:
            answer = getattr(self.dynamic, verb)(target.resource, **where, **arguments)
        except ApiException as error:
            raise Refused.by_server(error) from None
        return Object(answer.to_dict())


def _flat(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _names(resource: Any) -> set[str]:
    short = getattr(resource, "short_names", None) or []
    return {resource.name, resource.singular_name, resource.kind, resource.kind.lower(), *short}


def _is_listed(resource: Any) -> bool:
    return not resource.kind.endswith("List") and "list" in resource.verbs


def _snapshot(target: Target, state: dict[str, Object]) -> Snapshot:
    if target.name:
        return next(iter(state.values()), None)
    by_age = sorted(state.values(), key=lambda o: (o["metadata"]["creationTimestamp"], o.name))
    return Objects(by_age)
