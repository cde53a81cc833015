"""Files that people write as data: read, and compared with their form in forms.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .fields import Found, Keys, documents, line_of
from .problems import closest

_QUOTED = re.compile(r"'([^']+)'")


def read(text: str, form: str) -> tuple[Any, list[Found]]:
    """Return what a YAML text holds, and what in it is not as `form` of forms.yaml says.

    Of what is no YAML it returns None and why.
    """
    data, wrong = _compared(text, form)
    return data, list(wrong)


@cache  # a build asks for the same file several times
def _compared(text: str, form: str) -> tuple[Any, tuple[Found, ...]]:
    found, wrong = documents(text)
    data = found[0][1] if found else None
    errors = mistakes(_validator(form), data) if not wrong else ()
    return data, (*wrong, *((line(text, keys), said) for keys, said in errors))


def line(text: str, keys: Iterable[str | int]) -> int:
    """Return the line of a field of a YAML text, or of the nearest one above it."""
    return next((line_of(node, keys) for node, _ in documents(text)[0]), 1)


def mistakes(validator: Any, data: Any) -> Iterator[tuple[Keys, str]]:
    """Yield each field that does not fit a JSON Schema, by its keys, and what is wrong with it.

    What the schema that is broken has as `advice` ends the sentence.
    """
    for error in sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.path))):
        keys, advice = tuple(error.absolute_path), error.schema.get("advice", "mend it")
        unknown = (
            _QUOTED.findall(error.message) if error.validator == "additionalProperties" else ()
        )
        for field in unknown:
            near = closest(field, error.schema.get("properties", ()))
            yield (*keys, field), f"no field '{field}' here{near or f'; {advice}'}"
        if not unknown:
            near = closest(str(error.instance), error.schema.get("enum", ()))
            where = f"{'.'.join(map(str, keys)) or 'document'}: {error.message}"
            yield keys, f"{where}{near or f'; {advice}'}"


@cache
def _validator(form: str) -> Any:
    import jsonschema  # here, as it takes long to import

    [(_, forms)] = documents(Path(__file__).with_name("forms.yaml").read_text(encoding="utf-8"))[0]
    validator = jsonschema.Draft202012Validator
    return validator({**forms, "$ref": f"#/{form}"}, format_checker=validator.FORMAT_CHECKER)
