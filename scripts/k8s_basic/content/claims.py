"""The tests that confirm sentences, found in their source without importing it."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .pages import Item, Page, read_pages
from .problems import Problem

# The verbs of the lab that fail by themselves when the cluster does something else.
DEMANDING = {"becomes", "eventually", "stays", "refuses", "http", "outside", "logged"}
# Where a paragraph begins, what is no part of one, and what stands between two sentences.
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)]|>) ")
_APART = re.compile(r"\s*(?:$|#|```|~~~|---|\||!!!|\?\?\?|===)")
_BETWEEN = re.compile(r"\[[A-Z]+-\d+\]|(?<=[.!?])\s+|\|")
_EXAMPLE = re.compile(r"(?:[\w-]+/)+[\w-]+\.yaml")


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
    module, error = _parsed(text)
    if error:
        problems.append(Problem(path, error.lineno or 1, f"not Python ({error.msg}); mend it"))
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


@cache
def _parsed(text: str) -> tuple[ast.Module, SyntaxError | None]:
    try:
        return ast.parse(text), None
    except SyntaxError as error:
        return ast.Module([], []), error


@cache  # tests of a module share what they use, and each is looked at for several reasons
def _nodes(part: ast.stmt) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(part))


@cache
def _text(part: ast.stmt) -> str:
    return ast.unparse(part)


def _name(node: ast.AST | None) -> str:
    """Return what a node refers to: a variable, an argument, or the last part of a.b.c."""
    return next((str(getattr(node, f)) for f in ("id", "arg", "attr") if hasattr(node, f)), "")


def _constants(parts: Iterable[ast.stmt]) -> set[str]:
    values = (getattr(node, "value", None) for part in parts for node in _nodes(part))
    return {value for value in values if isinstance(value, str)}


def _marks(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    nodes = (node for part in module.body for node in _nodes(part))
    for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and _name(mark.func) == "claim":
                yield function, mark


def _since(mark: ast.Call) -> str:
    return next((str(getattr(k.value, "value", "")) for k in mark.keywords if k.arg == "since"), "")


def _used_by(function: ast.FunctionDef, module: ast.Module) -> list[ast.stmt]:
    """Return the function and all of its module that it refers to, by name or as a fixture."""
    known = {name: node for node in module.body for name in _defines(node)}
    found: list[ast.stmt] = [function]
    for part in found:  # grows while it is read: what is found is looked into as well
        for node in (n for n in _nodes(part) if not isinstance(n, ast.Attribute)):
            used = known.get(_name(node))
            if used and used not in found:
                found.append(used)
    return found


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = (name for target in targets if target for name in ast.walk(target))
    return [name.id for name in names if isinstance(name, ast.Name)]


def _weakness(function: ast.FunctionDef, parts: list[ast.stmt]) -> str:
    """Return why a test proves nothing, whatever the cluster does; nothing for one that looks."""
    inside = [node for part in parts for node in _nodes(part)]
    if any(isinstance(node, ast.While) for node in inside):
        return f"{function.name} loops by hand; wait with lab.eventually, becomes or stays"
    asserts = [node.test for node in inside if isinstance(node, ast.Assert)]
    if any(isinstance(test, ast.Constant) for test in asserts):
        return f"{function.name} asserts a constant; assert what the cluster does"
    called = {node.attr for node in inside if isinstance(node, ast.Attribute)}
    looks = [test for test in asserts if any(isinstance(n, ast.Name) for n in ast.walk(test))]
    if not (looks or called & DEMANDING):
        return f"{function.name} demands nothing; use a verb of the lab or assert what it saw"
    return ""


def _uncharged(mark: ast.Call, parts: list[ast.stmt]) -> str:
    """Return which claims of a test that has several get no part of their own; or nothing."""
    calls = (n for part in parts for n in _nodes(part) if isinstance(n, ast.Call))
    arguments = [a for call in calls if _name(call.func) == "proves" for a in call.args]
    charged, claims = ([getattr(a, "value", "") for a in all_] for all_ in (arguments, mark.args))
    missing = next((claim for claim in claims if claim not in charged), "")
    if len(claims) < 2 or not missing:
        return ""
    return f'put what proves {missing} into a block: with lab.proves("{missing}"):'


def _digest(parts: list[ast.stmt]) -> str:
    text = "\n".join(sorted(map(_text, parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _examples(parts: list[ast.stmt]) -> tuple[str, ...]:
    return tuple(sorted(c for c in _constants(parts) if _EXAMPLE.fullmatch(c)))


def sentences(root: Path, claim: str) -> list[str]:
    """Return `path:line: sentence` for each sentence on a page that carries this claim's mark."""
    return [
        f"{page.path}:{item.line}: {sentence(page.lines, item)}"
        for page in read_pages(root)
        for item in page.items("claims")
        if item.text == claim
    ]


def sentence(lines: list[str], claim: Item) -> str:
    """Return the sentence in front of a claim's mark, which may begin on a line above."""
    top = claim.line - 1
    before = lines[top].partition(f"[{claim.text}]")[0]
    while not (_ITEM.match(lines[top]) or _APART.match(lines[top]) or _APART.match(lines[top - 1])):
        top -= 1
        before = f"{lines[top].strip()} {before}"
    before = before.strip()
    return _BETWEEN.split(before)[-1].strip() or before


def said(page: Page) -> dict[str, str]:
    """Return claim → its sentence on this page."""
    return {c.text: sentence(page.lines, c) for c in page.items("claims")}


def examples_used(root: Path, folder: str = "tests/live") -> set[str]:
    """Return every example that the Python files of a folder name."""
    files = (file.read_text(encoding="utf-8") for file in (root / folder).rglob("*.py"))
    return {name for text in files for name in _examples(_parsed(text)[0].body)}


def cluster_files(root: Path) -> set[str]:
    """Return the examples that the cluster itself is made from: every live test stands on them."""
    return examples_used(root, "scripts/k8s_basic/cluster")


def test_path(page: str) -> str:
    """Return the test file of page `topic/page-name`, relative to the repository."""
    topic, _, name = page.rpartition("/")
    return "/".join(p for p in ("tests/live", topic, f"test_{name.replace('-', '_')}.py") if p)
