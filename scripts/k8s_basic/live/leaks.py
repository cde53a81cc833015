"""What a page leaves behind on the cluster, and whose it is: other pages are followed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .api import Api

# Objects of the whole cluster, and those in the namespace default.
SCOPED = (
    "namespaces", "persistentvolumes", "storageclasses", "clusterroles", "clusterrolebindings",
    "ingressclasses", "customresourcedefinitions", "priorityclasses", "certificatesigningrequests",
)  # fmt: skip
NAMESPACED = (
    "pods", "services", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims",
    "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "ingresses",
)  # fmt: skip
MANIFEST = re.compile(r"^kind: (\w+)\nmetadata:\n  name: (\S+)", re.MULTILINE)
COMMAND = re.compile(r"\bkubectl create (\w+) (\S+)")


def created_by(texts: Iterable[str]) -> set[str]:
    """Return "namespaces/web" and such: what commands and manifests, as texts, would create."""
    found = (pair for text in texts for form in (MANIFEST, COMMAND) for pair in form.findall(text))
    return {f"{_plural(kind.lower())}/{name}" for kind, name in found}


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


class LeakCheck:
    """Compares the cluster with what it was before somebody created something."""

    def __init__(self, api: Api, created: set[str]):
        """`created` is what that somebody is going to create (see `created_by`)."""
        self._api, self._created = api, created
        self._before = self._inventory()

    def namespaces(self) -> list[str]:
        """Return the namespaces that are going to be created."""
        return sorted(c.rpartition("/")[2] for c in self._created if c.startswith("namespaces/"))

    def there_before(self) -> list[str]:
        """Return which of them were there already."""
        return [name for name in self.namespaces() if f"namespaces/{name}" in self._before]

    def left(self) -> list[str]:
        """Return what was not there before: in the namespace default, or created by that somebody.

        An object of the whole cluster that is neither is another page's.
        """
        new = self._inventory() - self._before
        return sorted(n for n in new if n in self._created or n.startswith("default/"))

    def delete_namespaces(self) -> None:
        """Delete the namespaces that are left, and do not wait for their end."""
        for name in self.left():
            if name.startswith("namespaces/"):
                self._api.delete(self._api.target(name, "default"))

    def _inventory(self) -> set[str]:
        scoped = {f"{kind}/{name}" for kind in SCOPED for name in self._names(kind)}
        return scoped | {f"default/{kind}/{n}" for kind in NAMESPACED for n in self._names(kind)}

    def _names(self, kind: str) -> list[str]:
        found: Any = self._api.get(self._api.target(kind, "default"))
        return [o.name for o in found]
