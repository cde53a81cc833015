"""The static tier ends with what the evidence in the repository proves of this state."""

from __future__ import annotations

from _pytest.terminal import TerminalReporter
from k8s_basic import ROOT
from k8s_basic.live import keep


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    for line in keep.summary(ROOT):
        terminalreporter.line(f"evidence: {line}")
