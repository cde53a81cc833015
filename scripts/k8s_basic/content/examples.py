"""Every file in examples/: its form, its fields and the rules of this repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import importlib_resources
import jsonschema
import referencing
import yaml
from kubernetes_validate.utils import latest_version, schema_contents
from yamllint import linter
from yamllint.config import YamlLintConfig

from .fields import Keys, documents, line_of
from .forms import mistakes
from .pages import LANGUAGES
from .problems import Problem, closest

VERSIONS = "scripts/k8s_basic/versions.yaml"  # lists the images that a cluster has
# Registries that are there on no other machine, or nowhere.
NOWHERE = ("localhost:", "registry.invalid/")
_SCHEMAS = f"kubernetes-json-schema/v{latest_version()}-local-strict"

Wrong = Iterator[tuple[Keys, str]]  # a field, and what is wrong with it


def example_problems(root: Path) -> Iterator[Problem]:
    """Yield what is wrong with each example below `root`, in the order of the files."""
    images = set(yaml.safe_load((root / VERSIONS).read_text(encoding="utf-8"))["images"])
    style = YamlLintConfig(file=str(root / ".yamllint"))
    for file in sorted(file for file in (root / "examples").rglob("*") if file.is_file()):
        path, lesson = file.relative_to(root).as_posix(), file.relative_to(root / "examples").parent
        if file.suffix == ".yaml" and (root / "docs" / LANGUAGES[0] / f"{lesson}.md").exists():
            found = _file_problems(file.read_text(encoding="utf-8"), style, images)
            yield from (Problem(path, line, text) for line, text in found)
        else:
            text = "examples are examples/<topic>/<lesson>/<name>.yaml; move this to its lesson"
            yield Problem(path, 1, text)


def _file_problems(text: str, style: YamlLintConfig, images: set[str]) -> Iterator[tuple[int, str]]:
    found, wrong = documents(text)
    yield from wrong or ((w.line, f"{w.desc}; mend the YAML") for w in linter.run(text, style))
    objects = [data for _, data in found if isinstance(data, dict)]
    made = {(o.get("metadata") or {}).get("name") for o in objects if o.get("kind") == "Namespace"}
    for node, document in found:
        for keys, advice in _document_problems(document, made, images):
            yield line_of(node, keys), advice


def _document_problems(document: Any, made: set[Any], images: set[str]) -> Wrong:
    if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
        yield (), "a document is one object; apiVersion or kind is missing, write both"
        return
    yield from _schema_problems(document)
    if isinstance(document.get("metadata"), dict):
        yield from _name_problems(document["kind"], document["metadata"], made)
    yield from _image_problems(document, (), images)


def _schema_problems(document: dict[str, Any]) -> Wrong:
    version, kind = str(document["apiVersion"]), str(document["kind"])
    if _is_extension(version, kind):
        return  # not in Kubernetes' own schema, so only a live cluster can judge it
    if validator := _validator(version, kind):
        yield from mistakes(validator, document)
    else:
        yield ("kind",), f"Kubernetes {latest_version()} has no {kind} in {version}; mend either"


@cache
def _is_extension(version: str, kind: str) -> bool:
    """Tell whether neither the group nor the kind is Kubernetes' own: a CRD has to bring it."""
    folder = importlib_resources.files("kubernetes_validate").joinpath(_SCHEMAS)
    stems = [file.name.removesuffix(".json").split("-") for file in folder.iterdir()]
    groups = {stem[1] for stem in stems if len(stem) == 3}  # by their first word
    known = kind.lower() in {stem[0] for stem in stems} or version.partition(".")[0] in groups
    return "." in version and not known


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
    if {"group": group, "kind": kind, "version": number} not in schema.get(
        "x-kubernetes-group-version-kind", []
    ):
        return None
    registry = referencing.Resource.from_contents(schema) @ referencing.Registry()
    return jsonschema.Draft202012Validator(schema, registry=_definitions() @ registry)


def _name_problems(kind: str, metadata: dict[str, Any], made: set[Any]) -> Wrong:
    """Demand that an example keeps to the reader's namespace, or to those that it makes itself."""
    if metadata.get("namespace", next(iter(made), None)) not in {*made, None}:
        yield ("metadata", "namespace"), "remove 'namespace'; the reader's own one applies"
    own = made or str(metadata.get("name", "")).startswith("demo-")
    if not own and str(kind).lower() in _cluster_wide():
        yield ("metadata", "name"), "a name for the whole cluster starts with 'demo-'; rename it"


@cache
def _cluster_wide() -> set[str]:
    """Return the kinds, in small letters, that the Python client creates without a namespace.

    They are read from its text, as it takes seconds to import.
    """
    [folder] = find_spec("kubernetes").submodule_search_locations  # type: ignore[union-attr, misc]
    texts = (file.read_text("utf-8") for file in Path(folder, "client", "api").glob("*.py"))
    names = {name for text in texts for name in re.findall(r"def create_(\w+)\(", text)}
    return {name.replace("_", "") for name in names}


def _image_problems(value: Any, keys: Keys, images: set[str]) -> Wrong:
    """Demand a tag for each image, at any depth, and that the cluster has it."""
    image = value.get("image") if isinstance(value, dict) else None
    if isinstance(image, str) and keys[-1:] != ("rbd",):  # the image of such a volume is a disk
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest"):
            yield (*keys, "image"), f"image '{image}' needs a tag other than latest; write one"
        elif image not in images and not image.startswith(NOWHERE):
            text = f"image '{image}' is not in {VERSIONS}{closest(image, images)}; list it there"
            yield (*keys, "image"), text
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        yield from _image_problems(inner, (*keys, key), images)
