"""The tests that confirm sentences, found in their source without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .problems import Problem


@dataclass(frozen=True)
class Proof:
    """The test function that confirms one claim; `path` is relative to the repository."""

    claim: str
    path: str
    line: int
    test: str


def proofs(root: Path) -> tuple[list[Proof], list[Problem]]:
    """Return every claim that a function of `tests/live` is marked with, and bad marks."""
    found: list[Proof] = []
    problems: list[Problem] = []
    for file in sorted((root / "tests" / "live").rglob("test_*.py")):
        path = file.relative_to(root).as_posix()
        try:
            module = ast.parse(file.read_text(encoding="utf-8"))
        except SyntaxError as error:
            problems.append(Problem(path, error.lineno or 1, f"not Python ({error.msg}); mend it"))
            continue
        for function, argument in _marks(module):
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(Proof(argument.value, path, function.lineno, function.name))
            else:
                advice = 'write claim ids as plain strings: @claim("WL-15")'
                problems.append(Problem(path, argument.lineno, advice))
    return found, problems


def _marks(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.expr]]:
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        for mark in (d for d in function.decorator_list if isinstance(d, ast.Call)):
            name = mark.func.attr if isinstance(mark.func, ast.Attribute) else mark.func
            if name == "claim" or (isinstance(name, ast.Name) and name.id == "claim"):
                yield from ((function, argument) for argument in mark.args)


def sentences(root: Path, claim: str) -> list[str]:
    """Return `path:line: sentence` for each sentence on a page that carries this claim's mark."""
    found = []
    for file in sorted((root / "docs").rglob("*.md")):
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
            before, mark, _ = line.partition(f"[{claim}]")
            if mark:
                last = re.split(r"\[[A-Z]+-\d+\]|(?<=[.!?])\s+|\|", before.strip())[-1].strip()
                found.append(f"{file.relative_to(root).as_posix()}:{number}: {last or before}")
    return found


def strings(root: Path) -> set[str]:
    """Return every string literal in the Python files of `tests/live`."""
    return {
        node.value
        for file in (root / "tests" / "live").rglob("*.py")
        for node in ast.walk(_parsed(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _parsed(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError:
        return ast.Module([], [])


def test_path(page: str) -> str:
    """Return the test file of page `topic/page-name`, relative to the repository."""
    topic, _, name = page.rpartition("/")
    return "/".join(p for p in ("tests/live", topic, f"test_{name.replace('-', '_')}.py") if p)
