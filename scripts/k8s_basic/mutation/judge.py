"""Whether a failure under a mutant is a kill: only if the test looked at what the cluster made."""

from __future__ import annotations

import ast
import re
import traceback
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .. import TESTS
from ..content.fields import keys_of, path_of
from ..live.failures import Refused
from .mutants import Document, at, leaves

PASSED, KILLED, REFUSED, ECHO, ERROR = "passed", "killed", "refused", "field echo", "error"
SKIPPED = "skipped"

LIVE = TESTS / "live"
LAB = Path(__file__).parents[1] / "live"
# Verbs whose failure says what the cluster did not do.
ANSWERS = {"http", "http_many", "outside", "logged", "logs", "exec"}
VERBS = {"becomes", "eventually", "stays", "refuses", *ANSWERS}
# What a statement may ask for besides fields: status, traffic, logs, events.
OBSERVED = {
    "status", "uid", "uids", "names", "ready", "live", "is_ready", "is_current", "condition",
    "body", "headers", "certificate", "json", "out", "err", "code", "history", "run", "events",
    "on_node", "warns", *ANSWERS,
}  # fmt: skip


class Frame(NamedTuple):
    """One frame of a traceback: its file, line, function and local names."""

    file: Path
    line: int
    function: str
    names: dict[str, Any]


def frames_of(problem: BaseException) -> list[Frame]:
    """Return the frames through which an exception came, outermost first."""
    return [
        Frame(Path(f.f_code.co_filename), line, f.f_code.co_name, f.f_locals)
        for f, line in traceback.walk_tb(problem.__traceback__)
    ]


def judge(problem: BaseException, frames: list[Frame], documents: list[Document]) -> str:
    """Return what a failure under a mutant is worth: killed, refused, field echo or error.

    `documents` are those of the unchanged example: what it sets, a test may not just read back.
    """
    inside = [
        n for n, f in enumerate(frames) if LIVE in f.file.parents and f.file.stem != "conftest"
    ]
    if not inside:
        return ERROR
    test, verbs = frames[inside[-1]], [f for f in frames[inside[-1] + 1 :] if f.file.parent == LAB]
    if isinstance(problem, Refused) and "already allocated" in problem.message:
        return ERROR  # the node port of a test that runs beside it
    if isinstance(problem, Refused):
        # behind a refusal that was demanded stands its control, which must be accepted
        return KILLED if _follows_refusal(test) else REFUSED
    if not isinstance(problem, AssertionError):
        return ERROR
    if not verbs:
        reads, observes = reads_of(test.file, test.line)
        is_echo = reads and not observes and all(_sets(documents, read) for read in reads)
        return ECHO if is_echo else KILLED
    names = {frame.function for frame in verbs}
    if "client" in names or not names & VERBS:
        return ERROR  # the lab's own doing, or an object that is not there to act on
    return ECHO if any(_asks_for_fields(f, documents) for f in verbs) else KILLED


def _asks_for_fields(verb: Frame, documents: list[Document]) -> bool:
    """Tell whether a wait was for a partial object that holds only what the file itself sets."""
    wanted = verb.names.get("wanted")
    if not isinstance(wanted, dict) or "status" in wanted:
        return False
    reads = [path_of(keys) for keys, _ in leaves(wanted)]
    return bool(reads) and all(_sets(documents, read) for read in reads)


def _sets(documents: list[Document], read: str) -> bool:
    """Tell whether an object of the file sets the field."""
    for document in documents:
        try:
            at(document, keys_of(read))
        except (LookupError, ValueError):
            continue
        return True
    return False


def reads_of(file: Path, line: int) -> tuple[list[str], bool]:
    """Return the fields that the assertion at a line reads, and whether it observes something.

    Local names are followed to what was assigned to them. Fields of `status` are observations.
    """
    module, function, statement = _statement(file, line)
    parts: list[ast.AST] = [statement]
    for part in parts:  # grows while it is read
        for name in (n for n in ast.walk(part) if isinstance(n, ast.Name)):
            values = _assigned(function, name.id, line)
            parts += [value for value in values[-1:] if value not in parts]
    nodes = [node for part in parts for node in ast.walk(part)]
    found = [path for node in nodes if (path := _path(node, module))]
    observes = any(isinstance(n, ast.Attribute) and n.attr in OBSERVED for n in nodes)
    fields = [path for path in found if not path.startswith("status")]
    return fields, observes or len(fields) < len(found)


@cache
def _module(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _statement(file: Path, line: int) -> tuple[ast.Module, ast.AST, ast.AST]:
    """Return the module, the innermost function and the innermost statement around a line."""
    module = _module(file)
    around = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    around.sort(key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    functions = [node for node in around if isinstance(node, ast.FunctionDef)]
    return module, functions[-1] if functions else module, around[-1] if around else module


def _assigned(function: ast.AST, name: str, line: int) -> list[ast.expr]:
    """Return what was assigned to a name before a line, in order."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and node.lineno < line:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            found += [node] if name in names else []
    found.sort(key=lambda node: node.lineno)
    return [node.value for node in found if node.value]


def _path(node: ast.AST, module: ast.Module) -> str:
    """Return the field that an expression reads: x.at("a.b"), x["spec"]["a"], x.labels["a"]."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        return _text(node.args[0], module) if node.func.attr == "at" else ""
    keys: list[str] = []
    while isinstance(node, ast.Subscript):
        keys.insert(0, _text(node.slice, module))
        node = node.value
    if isinstance(node, ast.Attribute) and node.attr == "labels":
        keys = ["metadata", "labels", *keys]
    if not keys or keys[0] not in {"spec", "metadata", "status", "data"}:
        return ""
    return ".".join(f"[{key}]" if "." in key else key for key in keys if key).replace(".[", "[")


def _text(node: ast.expr, module: ast.Module) -> str:
    """Return a constant, or a name's constant of the module, as text."""
    if isinstance(node, ast.Name):
        found = _assigned(module, node.id, len(ast.unparse(module)))
        return _text(found[0], module) if found else node.id
    if isinstance(node, ast.JoinedStr):
        texts = [str(v.value) if isinstance(v, ast.Constant) else "*" for v in node.values]
        return "".join(texts)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _follows_refusal(test: Frame) -> bool:
    _, function, _ = _statement(test.file, test.line)
    calls = (n for n in ast.walk(function) if isinstance(n, ast.Attribute))
    return any(c.attr == "refuses" and c.lineno < test.line for c in calls)


def first_line(problem: BaseException) -> str:
    """Return the first line of what an exception says, with its kind unless it is an assertion."""
    text = re.sub(r"\s*\n.*", "", str(problem).strip(), flags=re.DOTALL)[:300]
    return text if isinstance(problem, AssertionError) else f"{type(problem).__name__}: {text}"
