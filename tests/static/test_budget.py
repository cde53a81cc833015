"""The code stays small enough to be read in a day: budgets of pyproject.toml."""

from __future__ import annotations

import ast
import io
import tokenize
import tomllib
from pathlib import Path

import pytest
from k8s_basic import ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BUDGET: dict[str, int] = CONFIG["tool"]["k8s-basic"]["budget"]
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def lines(start: int, end: int | None) -> range:
    return range(start, (end or start) + 1)


def code_lines(text: str) -> int:
    """Return how many lines of Python hold code: no blanks, comments and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {n for t in tokens if t.type not in NO_CODE for n in lines(t.start[0], t.end[0])}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            code -= set(lines(node.body[0].lineno, node.body[0].end_lineno))
    return len(code)


def size(folder: Path) -> int:
    """Return the code lines of a folder of Python, or the bytes of another one."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    python = [file for file in files if file.suffix == ".py"]
    if python:
        return sum(code_lines(file.read_text(encoding="utf-8")) for file in python)
    return sum(file.stat().st_size for file in files)


def test_code_lines_leave_out_what_is_no_code() -> None:
    text = '"""Doc."""\n\n# why\n\n\ndef f():\n    """Doc\n    more."""\n    return """a\nb"""\n'
    assert code_lines(text) == 3


@pytest.mark.parametrize("folder", BUDGET)
def test_folder_is_within_its_budget(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    seen = size(ROOT / folder)
    with capsys.disabled():
        print(f"\n{folder}: {seen} of {BUDGET[folder]}")
    assert 0 < seen <= BUDGET[folder], f"{folder}: {seen} of {BUDGET[folder]}; make it smaller"
