"""Every file in examples/: its form, its fields and the rules of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import referencing
import yaml
from kubernetes_validate.utils import latest_version, schema_contents
from yamllint import linter
from yamllint.config import YamlLintConfig

from .pages import LANGUAGES
from .problems import Problem, closest

# These two are about more than one namespace.
NAMESPACED = ("overview/namespaces/namespaces.yaml", "start/first-cluster/ingress-controller.yaml")
VERSIONS = "scripts/k8s_basic/cluster/versions.yaml"  # lists the images that a cluster has
# Registries that are there on no other machine, or nowhere.
NOWHERE = ("localhost:", "registry.invalid/")
# Not in Kubernetes' own schema, so only a live cluster can judge them.
FOREIGN_GROUPS = ("kind.x-k8s.io", "gateway.networking.k8s.io", "metallb.io")
CLUSTER_SCOPED = {
    "CSIDriver", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
    "CustomResourceDefinition", "GatewayClass", "IngressClass", "Namespace", "PersistentVolume",
    "PriorityClass", "RuntimeClass", "StorageClass",
}  # fmt: skip
_UNKNOWN_FIELDS = re.compile(r"'([^']+)'")

Keys = tuple[str | int, ...]
Found = tuple[Keys, str]  # the field, and what is wrong with it


def example_problems(root: Path) -> list[Problem]:
    """Return what is wrong with each example below `root`, in the order of the files."""
    images = set(yaml.safe_load((root / VERSIONS).read_text(encoding="utf-8"))["images"])
    files = (file for file in sorted((root / "examples").rglob("*")) if file.is_file())
    return [problem for file in files for problem in _file_problems(root, file, images)]


def _file_problems(root: Path, file: Path, images: set[str]) -> Iterator[Problem]:
    path, name = file.relative_to(root).as_posix(), file.relative_to(root / "examples").as_posix()
    lesson = name.rpartition("/")[0]
    if file.suffix != ".yaml" or not (root / f"docs/{LANGUAGES[0]}/{lesson}.md").exists():
        text = "examples are examples/<topic>/<lesson>/<name>.yaml; move this to its lesson"
        yield Problem(path, 1, text)
        return
    text = file.read_text(encoding="utf-8")
    form = [Problem(path, p.line, f"{p.desc}; mend the YAML") for p in _lint(root, text)]
    yield from form
    try:
        nodes = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node]
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError as error:
        if not form:
            yield Problem(path, 1, f"not YAML ({' '.join(str(error).split())}); mend it")
        return
    for node, document in zip(nodes, documents, strict=True):
        for keys, advice in _document_problems(name, document, images):
            yield Problem(path, _line(node, keys), advice)


def _lint(root: Path, text: str) -> list[Any]:
    return list(linter.run(text, YamlLintConfig(file=str(root / ".yamllint"))))


def _line(node: yaml.Node, keys: Keys) -> int:
    """Return the line of the field that `keys` lead to, or of the nearest one above it."""
    line = node.start_mark.line + 1
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            entry = next((pair for pair in node.value if pair[0].value == key), None)
            if entry is None:
                break
            line, node = entry[0].start_mark.line + 1, entry[1]
    return line


def _document_problems(name: str, document: Any, images: set[str]) -> Iterator[Found]:
    if not isinstance(document, dict):
        yield (), "a document must be one Kubernetes object; write apiVersion, kind, metadata"
        return
    yield from _schema_problems(document)
    yield from _house_rules(name, document)
    yield from _image_problems(document, (), images)


def _schema_problems(document: dict[str, Any]) -> Iterator[Found]:
    version, kind = str(document.get("apiVersion", "")), str(document.get("kind", ""))
    if not version or not kind:
        yield (), "apiVersion or kind is missing; write both"
        return
    if version.partition("/")[0] in FOREIGN_GROUPS:
        return
    validator = _validator(version, kind)
    if validator is None:
        yield ("kind",), f"Kubernetes {latest_version()} has no {kind} in {version}; mend either"
        return
    for error in validator.iter_errors(document):
        keys = tuple(error.absolute_path)
        unknown = _UNKNOWN_FIELDS.findall(error.message)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for field in unknown:
                yield (*keys, field), f"no field '{field}' here{closest(field, known)}"
        else:
            yield keys, f"{'.'.join(map(str, keys)) or 'document'}: {error.message}; mend it"


@cache
def _definitions(folder: str) -> referencing.Resource[Any]:
    return referencing.Resource.from_contents(
        schema_contents(f"{folder}/_definitions.json", latest_version())
    )


@cache
def _validator(version: str, kind: str) -> Any:
    """Return the strict validator of a kind, or None when this Kubernetes does not have it.

    The schemas are kubernetes-validate's own; its `validate` stops at the first error.
    """
    folder = f"kubernetes-json-schema/v{latest_version()}-local-strict"
    group, _, number = version.rpartition("/")
    stem = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
    try:
        schema = schema_contents(f"{folder}/{stem}.json", latest_version())
    except FileNotFoundError:
        return None
    groups = schema.get("x-kubernetes-group-version-kind", [])
    if {"group": group, "kind": kind, "version": number} not in groups:
        return None
    registry = referencing.Resource.from_contents(schema) @ referencing.Registry()
    registry = _definitions(folder) @ registry
    return jsonschema.Draft202012Validator(schema, registry=registry)


def _house_rules(name: str, document: dict[str, Any]) -> Iterator[Found]:
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if "namespace" in metadata and name not in NAMESPACED:
        yield ("metadata", "namespace"), "remove 'namespace'; the reader's own one applies"
    scoped = document.get("kind") in CLUSTER_SCOPED and not name.startswith("start/")
    if scoped and not str(metadata.get("name", "")).startswith("demo-"):
        yield ("metadata", "name"), "a name for the whole cluster starts with 'demo-'; rename it"


def _image_problems(value: Any, keys: Keys, images: set[str]) -> Iterator[Found]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "rbd":
                continue  # the image of such a volume is a disk
            if key == "image" and isinstance(inner, str):
                if not _is_pinned(inner):
                    yield (*keys, key), f"image '{inner}' needs a tag other than latest; write one"
                elif inner not in images and not inner.startswith(NOWHERE):
                    near = closest(inner, images)
                    yield (*keys, key), f"image '{inner}' is not in {VERSIONS}{near}; list it there"
            else:
                yield from _image_problems(inner, (*keys, key), images)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _image_problems(inner, (*keys, number), images)


def _is_pinned(image: str) -> bool:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@sha256:" in image or tag not in ("", "latest")
