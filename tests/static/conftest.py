"""What the static tier ends with; and a machine whose Docker, kind, kubectl and Go are scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from k8s_basic import ROOT, versions
from k8s_basic.cluster import manifests, setup
from k8s_basic.live import keep
from k8s_basic.packages import engine, programs

PROGRAMS = Path(__file__).parent / "machine"

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


class Machine:
    """A machine with Docker and Go; nothing of it is real.

    `folder` holds what its programs know and, in `bin`, those that are on the PATH.
    """

    def __init__(self, folder: Path, cache: Path):
        self.folder, self.cache = folder, cache
        shutil.copytree(PROGRAMS, folder / "bin")
        for name in ("nodes", "source"):
            (folder / name).mkdir()
        self.write("go-version", "go1.99.0")
        self.write("upstream.mod", "module x\n\ngo 1.26.0\n")
        self.write("upstream.json", '{"Go": "1.26.0"}')

    def write(self, name: str, text: str) -> Path:
        """Write a file of the programs."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def build(self) -> None:
        """Have in the cache what a pinned cluster is made of, and kind of the right version."""
        self.write("kind-version", f"kind {versions.module('sigs.k8s.io/kind')} go1.26.1 linux/x")
        for program in programs.programs(versions.kubernetes()):
            for name in {"kind": ["kind"], "kubectl": ["kubectl"]}.get(program.name, []):
                folder = self.cache / "programs" / program.folder
                folder.mkdir(parents=True)
                (folder / name).symlink_to(self.folder / "bin" / name)
        for module, program in programs.manifests().items():
            folder = self.cache / "programs" / program.folder / Path(program.keep[0]).name
            folder.mkdir(parents=True)
            name = versions.load()["manifests"][module].get("file", "x.yaml")
            manifests.kept(module).parent.mkdir(exist_ok=True)
            for file in (folder / name, manifests.kept(module)):
                file.write_text("kind: CustomResourceDefinition\n", encoding="utf-8")

    @property
    def log(self) -> list[str]:
        """What was asked of the programs, in order."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def clusters(self) -> dict[str, list[str]]:
        """Name of a kind cluster → the ids of its containers."""
        files = (self.folder / "nodes").iterdir()
        return {f.name: [row.split()[0] for row in f.read_text().splitlines()] for f in files}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with an engine, and with programs of its own in front of all others."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("K8S_BASIC_CACHE", str(cache))
    monkeypatch.setenv("MACHINE", f"{tmp_path}/machine")
    monkeypatch.setenv("PATH", f"{tmp_path}/machine/bin:{os.environ['PATH']}")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "FOLDER", tmp_path / "run")
    monkeypatch.chdir(tmp_path)  # pytest-kind makes a folder where it is called
    made = Machine(tmp_path / "machine", cache)
    monkeypatch.setattr(setup, "CONFIG", made.write("kind.yaml", "nodes: [{role: control-plane}]"))
    return made


@contextmanager
def _answering(status: int, body: bytes = b"") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def answering() -> Any:
    """A function that has a server answer everything with a status and a body; its host:port."""
    return _answering


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
