"""An example with one field changed, and the changes that its own objects suggest."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..cluster import versions
from ..content.fields import Keys, keys_of, path_of

Document = dict[str, Any]

REMOVED = type("Removed", (), {"__repr__": lambda self: "REMOVED"})()
"""The new value of a field that a mutant does not have."""
READABLE = 40  # characters of a value in a mutant's name

# A name of these is an address for others; of the rest, tests ask for the object by it.
REFERRED = {"Service", "ConfigMap", "Secret", "ServiceAccount", "Role", "ClusterRole"}
# Without these the API server only says that they are missing.
ESSENTIAL = set(
    "apiVersion kind metadata spec name template containers image mountPath containerPort port "
    "paths pathType backend roleRef".split()
)
PORTS = {"port", "targetPort", "number", "containerPort"}  # the next port is as closed as the last
NAMED_LISTS = {"containers", "initContainers", "volumes", "ports", "env"}
ENUMS = {
    "type": ("ClusterIP NodePort", "LoadBalancer NodePort", "Recreate RollingUpdate"),
    "pathType": ("Prefix Exact",),
    "externalTrafficPolicy": ("Cluster Local",),
    "sessionAffinity": ("ClientIP None",),
    "restartPolicy": ("Always Never", "OnFailure Never"),
    "protocol": ("TCP UDP",),
    "effect": ("NoSchedule NoExecute",),
    "operator": ("In NotIn", "Exists DoesNotExist"),
    "concurrencyPolicy": ("Forbid Allow", "Replace Allow"),
    "podManagementPolicy": ("OrderedReady Parallel",),
    "reclaimPolicy": ("Retain Delete",),
    "volumeBindingMode": ("WaitForFirstConsumer Immediate",),
    "kind": ("User Group", "ServiceAccount User", "Role ClusterRole"),
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
    operator: str
    claims: tuple[str, ...] = ()
    old: Any = None

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


def generate(example: str, documents: list[Document]) -> list[Mutant]:
    """Return one mutant for each sensible change of one field, without duplicates."""
    found: dict[str, Mutant] = {}
    siblings = _siblings(documents)
    for number, document in enumerate(documents):
        for keys, value, operator in _changes(document, (), document, siblings):
            old = at(document, keys)
            mutant = Mutant(example, number, path_of(keys), value, operator, old=old)
            if mutant.of(documents) != documents:
                found.setdefault(mutant.id, mutant)
    return list(found.values())


Change = tuple[Keys, Any, str]
Siblings = dict[tuple[str, Keys], list[Any]]


def _siblings(documents: list[Document]) -> Siblings:
    """Return the values that fields of one kind and one place have in this file."""
    found: Siblings = defaultdict(list)
    for document in documents:
        for keys, value in leaves(document):
            found[document["kind"], _place(keys)].append(value)
    return found


def leaves(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Return each value that holds no others, with the keys that lead to it."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(below, dict | list) and below:
            yield from leaves(below, (*keys, key))
        else:
            yield (*keys, key), below


def _place(keys: Keys) -> Keys:
    return tuple("*" if isinstance(key, int) else key for key in keys)


def _changes(value: Any, keys: Keys, document: Document, siblings: Siblings) -> Iterator[Change]:
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            inner = (*keys, key)
            if _is_plain_word(inner, below):
                continue
            yield from _changes(below, inner, document, siblings)
            # where it is all that its holder holds, the holder's own removal says the same
            if len(value) > 1 and _removable(inner, document):
                yield inner, REMOVED, "removed"
    elif _changeable(keys, document["kind"]):
        for new, operator in _others(value, keys, siblings[document["kind"], _place(keys)]):
            yield keys, new, operator


def _removable(keys: Keys, document: Document) -> bool:
    """Tell whether an object may do without the field; a port may do without its name."""
    if keys == ("spec", "selector"):
        return str(document["kind"]) == "Service"
    return bool(keys) and (keys[-1] not in ESSENTIAL or _is_port_name(keys))


def _is_port_name(keys: Keys) -> bool:
    return keys[-1] == "name" and keys[-3:-2] == ("ports",)


def _is_plain_word(keys: Keys, value: Any) -> bool:
    """Tell whether this is a word of a command line such as `sh`: any other only ends the program.

    Another image, or no arguments, does the same.
    """
    is_word = isinstance(value, str) and not re.search(r"[=/\s]", value)
    return is_word and bool({"args", "command"}.intersection(map(str, keys[-2:-1])))


def _changeable(keys: Keys, kind: str) -> bool:
    if keys == ("metadata", "name"):
        return kind in REFERRED
    return keys not in {("apiVersion",), ("kind",)}


def _others(value: Any, keys: Keys, siblings: list[Any]) -> Iterator[tuple[Any, str]]:
    key = str(keys[-1])
    if isinstance(value, bool):
        yield not value, "flipped"
    elif isinstance(value, int):
        near = (value + 1,) if key in PORTS else (value + 1, value - 1)
        yield from ((number, "number") for number in near if number >= 0)
    elif not isinstance(value, str):
        return
    elif key == "image":
        pause, busybox = versions.image("pause"), versions.image("busybox")
        yield busybox if value == pause else pause, "image"
    elif other := _enum(key, value):
        yield other, "enum"
    else:
        sibling = _sibling(value, keys, siblings)
        yield (sibling, "sibling") if sibling is not None else (_changed(value), "changed")
        yield from ((text, "statement removed") for text in _shorter(value))


def _enum(key: str, value: str) -> str | None:
    groups = (group.split() for group in ENUMS.get(key, ()))
    return next((g[1 - g.index(value)] for g in groups if value in g), None)


def _sibling(value: str, keys: Keys, siblings: list[Any]) -> str | None:
    """Return another value from the same place of the file, which is a likely mistake."""
    # in one list these must differ, so that the value of another is only refused
    is_identity = keys[-1] == "name" and bool(NAMED_LISTS.intersection(map(str, keys[-3:-2])))
    if isinstance(keys[-1], int) or keys[-1] == "mountPath" or is_identity:
        return None
    return next((s for s in siblings if isinstance(s, str) and s != value), None)


def _changed(text: str) -> str:
    """Count a number at the end up, or change the last letter or digit."""
    if number := re.search(r"[1-9]\d*$", text):
        return text[: number.start()] + str(int(number[0]) + 1)
    last = max((i for i, c in enumerate(text) if c.isalnum()), default=None)
    if last is None:
        return text + "x"
    return text[:last] + ("y" if text[last] == "x" else "x") + text[last + 1 :]


def _shorter(text: str) -> Iterator[str]:
    """Return a shell script of several statements without each of them in turn."""
    between = "\n" if "\n" in text else "; "
    parts = text.split(between)
    statements = [i for i, part in enumerate(parts) if part.strip()]
    if len(statements) > 1:
        yield from (between.join(parts[:i] + parts[i + 1 :]) for i in statements)
