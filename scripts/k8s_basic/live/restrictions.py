"""Asking a cluster which examples it lets into a namespace that grants little, by dry runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kubernetes.client import ApiException

from .api import Api

Document = dict[str, Any]


def meets(api: Api, namespace: str, documents: Iterable[Document]) -> bool | None:
    """Tell whether Pod Security lets the documents' Pods into a namespace that enforces a level.

    None when a Pod is refused for another reason before the level is looked at.
    """
    answers = [_answer(api, namespace, _pod(spec)) for d in documents for spec in _pod_specs(d)]
    if any("violates PodSecurity" in answer for answer in answers):
        return False
    return None if any(answers) else True


def allowed(api: Api, namespace: str, documents: Iterable[Document]) -> bool:
    """Tell whether RBAC lets the user of `api` create all documents; other refusals don't count."""
    answers = [_answer(api, namespace, document) for document in documents]
    words = (" cannot create resource ", "attempting to grant RBAC permissions")
    return not any(word in answer for answer in answers for word in words)


def acting_as(api: Api, user: str) -> Api:
    """Make every further request of this client one of another user, and return it."""
    api.dynamic.client.set_default_header("Impersonate-User", user)
    return api


def _answer(api: Api, namespace: str, document: Document) -> str:
    """Return what the API server says against creating a document; nothing if it would."""
    resource = api.resource(document["kind"])
    place = document["metadata"].get("namespace", namespace) if resource.namespaced else None
    try:
        api.dynamic.create(resource, body=document, namespace=place, dry_run="All")
    except ApiException as error:
        return str(json.loads(error.body or "{}").get("message") or error.reason)
    return ""


def _pod(spec: dict[str, Any]) -> Document:
    """Return a Pod that runs as any other; its own ServiceAccount may not be there."""
    plain = {k: v for k, v in spec.items() if k not in {"serviceAccountName", "priorityClassName"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"}, "spec": plain}


def _pod_specs(document: Any) -> Iterable[dict[str, Any]]:
    """Yield the Pod spec that a document is or holds as a template."""
    if isinstance(document, dict):
        if document.get("kind") == "Pod":
            yield document["spec"]
        elif "template" in document and "spec" in (document["template"] or {}):
            yield document["template"]["spec"]
        else:
            for value in document.values():
                yield from _pod_specs(value)
