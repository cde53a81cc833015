"""An example with one field changed, and the changes that its own objects suggest.

Of each field of a kind that an example sets, whatever place it has in a list, there is one mutant:
it has the value that is most likely taken for the right one. Of each block beside others there is
one without it. Names, labels and ports that only describe are left alone.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import versions
from ..content.fields import Keys, keys_of, path_of

Document = dict[str, Any]

REMOVED = type("Removed", (), {"__repr__": lambda self: "REMOVED"})()
"""The new value of a field that a mutant does not have."""
READABLE = 40  # characters of a value in a mutant's name

# A name of these is an address for others; of the rest, tests ask for the object by it.
REFERRED = {"Service", "ConfigMap", "Secret", "ServiceAccount", "Role", "ClusterRole"}
# Without these the API server only says that they are missing.
ESSENTIAL = set(
    "apiVersion kind metadata spec template containers image ports paths backend roleRef".split()
)
# What only describes, or what selects from the other side.
DESCRIPTIVE = {"apiVersion", "kind", "labels", "containerPort", "protocol", "mountPath"}
NAMED_LISTS = {"containers", "initContainers", "ports", "volumes"}
ENUMS = {
    "type": ("ClusterIP NodePort", "LoadBalancer NodePort", "Recreate RollingUpdate"),
    "pathType": ("Prefix Exact",),
    "externalTrafficPolicy": ("Cluster Local",),
    "sessionAffinity": ("ClientIP None",),
    "restartPolicy": ("Always Never", "OnFailure Never"),
    "effect": ("NoSchedule NoExecute",),
    "operator": ("In NotIn", "Exists DoesNotExist"),
    "concurrencyPolicy": ("Forbid Allow", "Replace Allow"),
    "podManagementPolicy": ("OrderedReady Parallel",),
    "reclaimPolicy": ("Retain Delete",),
    "volumeBindingMode": ("WaitForFirstConsumer Immediate",),
}


@dataclass(frozen=True)
class Mutant:
    """An example, the one field in which the mutant differs from it, and the new value.

    `path` is dotted; a key with dots in it stands in brackets: `spec.selector[a.b/c]`. An empty
    path stands for a whole document that is added. `claims` are those that a reviewer expects to
    fail; none for a generated mutant.
    """

    example: str
    document: int
    path: str
    value: Any
    claims: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The mutant's name, which stays the same between runs."""
        place = f"{self.example}#{self.document}:"
        if self.value is REMOVED:
            return f"{place}{self.path} removed"
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        plain = re.sub(r"[^!-~]+", "_", text)
        if len(plain) > READABLE or "::" in plain:
            digest = hashlib.sha256(text.encode()).hexdigest()[:8]
            plain = plain[: READABLE - 9].replace("::", "_") + f"~{digest}"
        return f"{place}{self.path}={plain}"

    def of(self, documents: list[Document]) -> list[Document]:
        """Return the mutated documents; raises LookupError where the path leads nowhere."""
        changed = copy.deepcopy(documents)
        if not self.path:
            return [*changed, copy.deepcopy(self.value)]
        *before, last = keys_of(self.path)
        holder = at(changed[self.document], tuple(before))
        if isinstance(holder, list):
            last = int(last)
        elif not isinstance(holder, dict):
            raise LookupError(f"{self.path}: nothing there can hold '{last}'")
        if self.value is REMOVED:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(self.value)
        return changed


def at(value: Any, keys: Keys) -> Any:
    """Return what stands at the keys; raises LookupError."""
    for key in keys:
        if isinstance(value, list):
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value[key]
        else:
            raise LookupError(f"nothing stands at '{key}'")
    return value


def leaves(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield each value that holds no others, with the keys that lead to it."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(below, dict | list) and below:
            yield from leaves(below, (*keys, key))
        else:
            yield (*keys, key), below


def generate(example: str, documents: list[Document]) -> list[Mutant]:
    """Return the mutants of an example: one for each kind and place."""
    found: dict[tuple[str, Keys, bool], Mutant] = {}
    for number, document in enumerate(documents):
        kind = str(document["kind"])
        for keys, value in _changes(document, documents):
            new = Mutant(example, number, path_of(keys), value)
            found.setdefault((kind, place_of(keys), value is REMOVED), new)
    return list(found.values())


def place_of(keys: Keys) -> Keys:
    """Return the keys with a star for each index of a list."""
    return tuple("*" if str(key).isdigit() else key for key in keys)


def _changes(document: Document, documents: list[Document]) -> Iterator[tuple[Keys, Any]]:
    """Yield the place and the new value of each change of a document."""
    kind = document["kind"]
    alike = [keys_value for d in documents if d["kind"] == kind for keys_value in leaves(d)]
    for keys, value in leaves(document):
        if _says_something(keys, value, kind):
            others = [v for at_, v in alike if place_of(at_) == place_of(keys) and v != value]
            new = _other(str(keys[-1]), value, others)
            if new != value:
                yield keys, new
    yield from ((keys, REMOVED) for keys in _blocks(document, ()))


def _says_something(keys: Keys, value: Any, kind: str) -> bool:
    """Tell whether anything can come of another value."""
    if keys == ("metadata", "name"):
        return kind in REFERRED
    if DESCRIPTIVE.intersection(map(str, keys)):
        return False
    if keys[-1] == "name" and NAMED_LISTS.intersection(map(str, keys[-3:-2])):
        return False
    # a word of a command line such as `sh`: any other only ends the program, as another image does
    is_word = isinstance(value, str) and not re.search(r"[=/\s]", value)
    return not (is_word and {"args", "command"}.intersection(map(str, keys[-2:-1])))


def _blocks(value: Any, keys: Keys) -> Iterator[Keys]:
    """Yield the mappings and lists without which the object is still one."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            inner = (*keys, key)
            if str(key) in {"labels", "containers", "initContainers"}:
                removable = False
            else:
                removable = isinstance(below, dict | list) and len(value) > 1
            if removable and not (ESSENTIAL | {"ports"}) & {str(key)}:
                yield inner
            if str(key) != "labels":
                yield from _blocks(below, inner)


def _other(key: str, value: Any, others: list[Any]) -> Any:
    """Return the value that is most likely taken for this one, or the same when there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if not isinstance(value, str):
        return value
    if key == "image":
        pause, busybox = versions.image("pause"), versions.image("busybox")
        return busybox if value == pause else pause
    groups = (group.split() for group in ENUMS.get(key, ()))
    enum = next((g[1 - g.index(value)] for g in groups if value in g), None)
    named = next((other for other in others if isinstance(other, str)), None)
    return enum or (named if not key.isdigit() else None) or _changed(value)


def _changed(text: str) -> str:
    """Count a number at the end up, or change the last letter or digit."""
    if number := re.search(r"[1-9]\d*$", text):
        return text[: number.start()] + str(int(number[0]) + 1)
    last = max((i for i, c in enumerate(text) if c.isalnum()), default=None)
    if last is None:
        return text + "x"
    return text[:last] + ("y" if text[last] == "x" else "x") + text[last + 1 :]
