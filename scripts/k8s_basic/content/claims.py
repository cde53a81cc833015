"""The tests that confirm sentences, found in their source without importing it."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .pages import Page
from .problems import Problem

# The verbs of the lab that fail by themselves when the cluster does something else.
DEMANDING = {"becomes", "eventually", "stays", "refuses", "http", "outside", "logged"}


@dataclass(frozen=True)
class Proof:
    """The test function that confirms one claim; `path` is relative to the repository.

    `digest` changes with what the function does, and not with its comments or line breaks.
    `examples` are the files of examples/ that it names; `since` is the first Kubernetes minor that
    behaves so, or nothing.
    """

    claim: str
    path: str
    line: int
    test: str
    digest: str = ""
    examples: tuple[str, ...] = ()
    since: str = ""


def proofs(root: Path) -> tuple[list[Proof], list[Problem]]:
    """Return every claim that a function of `tests/live` is marked with, and bad marks."""
    found: list[Proof] = []
    problems: list[Problem] = []
    for file in sorted((root / "tests" / "live").rglob("test_*.py")):
        path = file.relative_to(root).as_posix()
        of_file = _of_module(path, file.read_text(encoding="utf-8"))
        found += of_file[0]
        problems += of_file[1]
    return found, problems


@cache  # a build asks three times, and reading the tests is a good part of its time
def _of_module(path: str, text: str) -> tuple[list[Proof], list[Problem]]:
    found: list[Proof] = []
    problems: list[Problem] = []
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        return [], [Problem(path, error.lineno or 1, f"not Python ({error.msg}); mend it")]
    for function, mark in _marks(module):
        parts = _used_by(function, module)
        about = (path, function.lineno, function.name, _digest(parts), _examples(parts))
        if weak := _weakness(function, parts) or _uncharged(mark, parts):
            problems.append(Problem(path, function.lineno, weak))
        for argument in mark.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(Proof(argument.value, *about, _since(mark)))
            else:
                advice = 'write claim ids as plain strings: @claim("WL-15")'
                problems.append(Problem(path, argument.lineno, advice))
    return found, problems


def _marks(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    nodes = (node for part in module.body for node in _nodes(part))
    for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
        for mark in (d for d in function.decorator_list if isinstance(d, ast.Call)):
            name = mark.func.attr if isinstance(mark.func, ast.Attribute) else mark.func
            if name == "claim" or (isinstance(name, ast.Name) and name.id == "claim"):
                yield function, mark


def _since(mark: ast.Call) -> str:
    values = (k.value for k in mark.keywords if k.arg == "since")
    return next((str(v.value) for v in values if isinstance(v, ast.Constant)), "")


def _used_by(function: ast.FunctionDef, module: ast.Module) -> list[ast.stmt]:
    """Return the function and all of its module that it refers to, by name or as a fixture."""
    known: dict[str | None, ast.stmt] = {n: node for node in module.body for n in _defines(node)}
    found: list[ast.stmt] = [function]
    for part in found:  # grows while it is read: what is found is looked into as well
        for node in _nodes(part):
            used = known.get(getattr(node, "id", getattr(node, "arg", None)))
            if used and used not in found:
                found.append(used)
    return found


@cache  # tests of a module share what they use, and each is looked at for several reasons
def _nodes(part: ast.stmt) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(part))


@cache
def _text(part: ast.stmt) -> str:
    return ast.unparse(part)


def _weakness(function: ast.FunctionDef, parts: list[ast.stmt]) -> str:
    """Return why a test proves nothing, whatever the cluster does; nothing for one that looks."""
    inside = [node for part in parts for node in _nodes(part)]
    if any(isinstance(node, ast.While) for node in inside):
        return f"{function.name} loops by hand; wait with lab.eventually, becomes or stays"
    asserts = [node.test for node in inside if isinstance(node, ast.Assert)]
    if any(isinstance(test, ast.Constant) for test in asserts):
        return f"{function.name} asserts a constant; assert what the cluster does"
    called = {n.attr for n in inside if isinstance(n, ast.Attribute)}
    looks = [test for test in asserts if any(isinstance(n, ast.Name) for n in ast.walk(test))]
    if not (looks or called & DEMANDING):
        return f"{function.name} demands nothing; use a verb of the lab or assert what it saw"
    return ""


def _uncharged(mark: ast.Call, parts: list[ast.stmt]) -> str:
    """Return which claims of a test that has several get no part of their own; or nothing."""
    calls = (n for part in parts for n in _nodes(part) if isinstance(n, ast.Call))
    proves = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "proves"]
    charged = {a.value for call in proves for a in call.args if isinstance(a, ast.Constant)}
    claims = [a.value for a in mark.args if isinstance(a, ast.Constant)]
    missing = [str(claim) for claim in claims if claim not in charged]
    if len(claims) < 2 or not missing:
        return ""
    return f'put what proves {missing[0]} into a block: with lab.proves("{missing[0]}"):'


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = (name for target in targets if target for name in ast.walk(target))
    return [name.id for name in names if isinstance(name, ast.Name)]


def _digest(parts: list[ast.stmt]) -> str:
    text = "\n".join(sorted(map(_text, parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _examples(parts: list[ast.stmt]) -> tuple[str, ...]:
    constants = {n.value for p in parts for n in _nodes(p) if isinstance(n, ast.Constant)}
    texts = (constant for constant in constants if isinstance(constant, str))
    return tuple(sorted(t for t in texts if re.fullmatch(r"([\w-]+/){2}[\w-]+\.yaml", t)))


def sentences(root: Path, claim: str) -> list[str]:
    """Return `path:line: sentence` for each sentence on a page that carries this claim's mark."""
    found = []
    for file in sorted((root / "docs").rglob("*.md")):
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
            if f"[{claim}]" in line:
                text = sentence(line, claim)
                found.append(f"{file.relative_to(root).as_posix()}:{number}: {text}")
    return found


def sentence(line: str, claim: str) -> str:
    """Return the sentence in front of the claim's mark, of a line of Markdown."""
    before = line.partition(f"[{claim}]")[0].strip()
    return re.split(r"\[[A-Z]+-\d+\]|(?<=[.!?])\s+|\|", before)[-1].strip() or before


def said(page: Page) -> dict[str, str]:
    """Return claim → its sentence on this page."""
    return {c.text: sentence(page.lines[c.line - 1], c.text) for c in page.items("claims")}


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
