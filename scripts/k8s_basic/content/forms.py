"""Files that people write as data: read, and compared with their form in forms.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .fields import line_of

Found = tuple[int, str]  # a line, and what is wrong there


def read(text: str, form: str) -> tuple[Any, list[Found]]:
    """Return what YAML `text` holds, and what in it is not as `form` says; nothing of bad YAML."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return None, [(mark.line + 1 if mark else 1, f"not YAML ({one_line(error)}); mend it")]
    return data, [
        (line_of(node, error.absolute_path), _advice(error))
        for error in sorted(_validator(form).iter_errors(data), key=lambda e: list(e.path))
    ]


def one_line(error: Exception) -> str:
    """Return what an error says as one line, without the text it quotes."""
    return " ".join(str(getattr(error, "problem", None) or error).split())


def _advice(error: Any) -> str:
    return f"{error.message}; {error.schema.get('description', 'mend it')}"


@cache
def _validator(form: str) -> Any:
    import jsonschema  # here, as it takes long to import

    forms = yaml.safe_load(Path(__file__).with_name("forms.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator
    checker = validator.FORMAT_CHECKER
    return validator({**forms, "$ref": f"#/{form}"}, format_checker=checker)
