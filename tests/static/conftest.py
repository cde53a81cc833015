"""The tier ends with what the evidence in the repository proves, and with the slowest checkers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter
from k8s_basic import ROOT
from k8s_basic.live import keep

# What test_code.py asks of the tools that judge our own files.
CHECKERS = {
    "ruff check": ["ruff", "check", "--quiet", "scripts", "tests"],
    "ruff format": ["ruff", "format", "--quiet", "--diff", "scripts", "tests"],
    "mypy": ["mypy", "--no-error-summary"],
    "yamllint": ["yamllint", "--strict", "."],
}


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    for line in keep.summary(ROOT):
        terminalreporter.line(f"evidence: {line}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask last for what the checkers have found in the meantime."""
    items.sort(key=lambda item: item.path.name == "test_code.py")


@pytest.fixture(scope="session", autouse=True)
def checkers(request: pytest.FixtureRequest) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """The checkers that a test waits for: they start before the first test, beside all others."""
    wanted = [getattr(item, "callspec", None) for item in request.session.items]
    names = {spec.params.get("name") for spec in wanted if spec} & CHECKERS.keys()
    options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = {
        name: subprocess.Popen([sys.executable, "-m", *CHECKERS[name]], **options)  # type: ignore[call-overload]
        for name in names
    }
    yield started
    for process in started.values():
        process.kill()
        process.communicate()
