"""Every file in examples/: its form, its fields and the rules of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import importlib_resources
import jsonschema
import kubernetes.client
import referencing
import yaml
from kubernetes_validate.utils import latest_version, schema_contents
from yamllint import linter
from yamllint.config import YamlLintConfig

from .fields import Keys, line_of
from .forms import one_line
from .pages import LANGUAGES
from .problems import Problem, closest

VERSIONS = "scripts/k8s_basic/cluster/versions.yaml"  # lists the images that a cluster has
# Registries that are there on no other machine, or nowhere.
NOWHERE = ("localhost:", "registry.invalid/")
_SCHEMAS = f"kubernetes-json-schema/v{latest_version()}-local-strict"
_UNKNOWN_FIELDS = re.compile(r"'([^']+)'")

Found = tuple[Keys, str]  # the field, and what is wrong with it


def example_problems(root: Path) -> list[Problem]:
    """Return what is wrong with each example below `root`, in the order of the files."""
    images = set(yaml.safe_load((root / VERSIONS).read_text(encoding="utf-8"))["images"])
    files = (file for file in sorted((root / "examples").rglob("*")) if file.is_file())
    return [problem for file in files for problem in _file_problems(root, file, images)]


def _file_problems(root: Path, file: Path, images: set[str]) -> Iterator[Problem]:
    path, name = (file.relative_to(folder).as_posix() for folder in (root, root / "examples"))
    lesson = name.rpartition("/")[0]
    if file.suffix != ".yaml" or not (root / f"docs/{LANGUAGES[0]}/{lesson}.md").exists():
        text = "examples are examples/<topic>/<lesson>/<name>.yaml; move this to its lesson"
        yield Problem(path, 1, text)
        return
    text = file.read_text(encoding="utf-8")
    try:
        nodes = [node for node in yaml.compose_all(text, yaml.CSafeLoader) if node]
        documents = [d for d in yaml.load_all(text, yaml.CSafeLoader) if d is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        yield Problem(path, line, f"not YAML ({one_line(error)}); mend it")
        return
    for wrong in linter.run(text, YamlLintConfig(file=str(root / ".yamllint"))):
        yield Problem(path, wrong.line, f"{wrong.desc}; mend the YAML")
    made = {d["metadata"]["name"] for d in documents if _is(d, "Namespace")}
    for node, document in zip(nodes, documents, strict=True):
        for keys, advice in _document_problems(document, made, images):
            yield Problem(path, line_of(node, keys), advice)


def _is(document: Any, kind: str) -> bool:
    named = isinstance(document, dict) and "name" in (document.get("metadata") or {})
    return named and document.get("kind") == kind


def _document_problems(document: Any, made: set[str], images: set[str]) -> Iterator[Found]:
    if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
        yield (), "a document is one object; apiVersion or kind is missing, write both"
        return
    yield from _schema_problems(document)
    metadata = document.get("metadata")
    if isinstance(metadata, dict):
        yield from _name_problems(document, metadata, made)
    yield from _image_problems(document, (), images)


def _schema_problems(document: dict[str, Any]) -> Iterator[Found]:
    version, kind = str(document["apiVersion"]), str(document["kind"])
    if _is_extension(version, kind):
        return  # not in Kubernetes' own schema, so only a live cluster can judge it
    validator = _validator(version, kind)
    if validator is None:
        yield ("kind",), f"Kubernetes {latest_version()} has no {kind} in {version}; mend either"
        return
    for error in validator.iter_errors(document):
        keys = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for field in _UNKNOWN_FIELDS.findall(error.message):
                yield (*keys, field), f"no field '{field}' here{closest(field, known)}"
        else:
            yield keys, f"{'.'.join(map(str, keys)) or 'document'}: {error.message}; mend it"


def _is_extension(version: str, kind: str) -> bool:
    """Tell whether neither the group nor the kind is Kubernetes' own: a CRD has to bring it."""
    kinds, groups = _own()
    return "." in version and version.partition(".")[0] not in groups and kind.lower() not in kinds


@cache
def _own() -> tuple[set[str], set[str]]:
    """Return Kubernetes' own kinds in small letters, and the first words of its groups."""
    folder = importlib_resources.files("kubernetes_validate").joinpath(_SCHEMAS)
    stems = [file.name.removesuffix(".json").split("-") for file in folder.iterdir()]
    return {stem[0] for stem in stems}, {stem[1] for stem in stems if len(stem) == 3}


@cache
def _definitions() -> referencing.Resource[Any]:
    contents = schema_contents(f"{_SCHEMAS}/_definitions.json", latest_version())
    return referencing.Resource.from_contents(contents)


@cache
def _validator(version: str, kind: str) -> Any:
    """Return the strict validator of a kind, or None when this Kubernetes does not have it.

    The schemas are kubernetes-validate's own; its `validate` stops at the first error.
    """
    group, _, number = version.rpartition("/")
    stem = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
    try:
        schema = schema_contents(f"{_SCHEMAS}/{stem}.json", latest_version())
    except FileNotFoundError:
        return None
    groups = schema.get("x-kubernetes-group-version-kind", [])
    if {"group": group, "kind": kind, "version": number} not in groups:
        return None
    registry = referencing.Resource.from_contents(schema) @ referencing.Registry()
    return jsonschema.Draft202012Validator(schema, registry=_definitions() @ registry)


def _name_problems(
    document: dict[str, Any], metadata: dict[str, Any], made: set[str]
) -> Iterator[Found]:
    """Demand that an example keeps to the reader's namespace, or to those that it makes itself."""
    if metadata.get("namespace", next(iter(made), None)) not in {*made, None}:
        yield ("metadata", "namespace"), "remove 'namespace'; the reader's own one applies"
    own = str(metadata.get("name", "")).startswith("demo-")
    if not (own or made) and _is_cluster_wide(document["apiVersion"], document["kind"]):
        yield ("metadata", "name"), "a name for the whole cluster starts with 'demo-'; rename it"


def _is_cluster_wide(version: str, kind: str) -> bool:
    """Tell whether the Python client creates this kind without a namespace."""
    group, _, number = version.rpartition("/")
    words = re.split(r"[.-]", group.removesuffix(".k8s.io") or "core")
    api = "".join(word.capitalize() for word in (*words, number)) + "Api"
    create = "create_" + re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    return hasattr(getattr(kubernetes.client, api, None), create)


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
