"""A reader's terminal: one bash that keeps its state from block to block, as a reader's does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

BLOCK_TIMEOUT = 240.0  # seconds that one block of commands may take
STARTED = 60.0  # seconds for a command in the background to print its first line
ENDED = 10.0  # seconds for a program to end by itself
NO_END = 124  # exit code of what took too long, as of `timeout`
# A terminal goes on after a command that fails; the trap keeps the code.
RUN = """\
_code=0; trap '_code=$?' ERR
. {script} </dev/null >{log} 2>&1
trap - ERR; echo done $_code
"""


@dataclass
class Outcome:
    """What running one block gave: the exit code of the last command that failed, or 0."""

    code: int
    output: str


class Terminal:
    """One bash in an empty folder, with a kubeconfig of its own; see each method."""

    def __init__(self, folder: Path, kubeconfig: Path, path: str):
        """`folder` is made and holds the reader's; `path` is the PATH of all commands."""
        self.folder, self.kubeconfig = folder, kubeconfig
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        own = {"KUBECONFIG": str(kubeconfig), "PATH": path, "HOME": str(self.home)}
        self._env = {**inherited, **own, "NO_PROXY": "localhost,127.0.0.1"}
        self._started: list[subprocess.Popen[bytes]] = []
        self._shell = self._bash(stdin=subprocess.PIPE)

    def _bash(self, *arguments: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", *arguments], cwd=self.home, env=self._env,
            start_new_session=True, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._started.append(process)
        return process

    def run(self, text: str) -> Outcome:
        """Run a block and wait for its end, BLOCK_TIMEOUT seconds at most."""
        script, log = self.folder / "block.sh", self.folder / "block.log"
        script.write_text(text + "\n", encoding="utf-8")
        assert self._shell.stdin
        self._shell.stdin.write(RUN.format(script=script, log=log).encode())
        self._shell.stdin.flush()
        line = _first_line(self._shell, BLOCK_TIMEOUT)
        output = log.read_text(encoding="utf-8", errors="replace")
        if line is None:
            return Outcome(NO_END, f"{output}\nno end after {BLOCK_TIMEOUT:.0f} s")
        done, _, code = line.partition(" ")
        return Outcome(int(code) if done == "done" else 1, output)  # else the shell has ended

    def run_in_background(self, text: str) -> Outcome:
        """Start a block that keeps running, and return when it has printed something."""
        script = self.folder / f"background-{len(self._started)}.sh"
        script.write_text(text + "\n", encoding="utf-8")
        process = self._bash(str(script))
        line = _first_line(process, STARTED)
        return Outcome(process.poll() or (0 if line else NO_END), line or "")

    def context_namespace(self) -> str:
        """Return the namespace of the current context."""
        config = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        named = {c["name"]: c["context"] for c in config["contexts"]}
        return str(named[config["current-context"]].get("namespace") or "default")

    def files(self) -> list[str]:
        """Return what lies in the reader's folder, kubectl's own cache left aside."""
        found = (p.relative_to(self.home).as_posix() for p in self.home.rglob("*") if p.is_file())
        return sorted(name for name in found if not name.startswith(".kube/cache"))

    def close(self) -> None:
        """End the shell and all that was started in it."""
        while self._started:
            process = self._started.pop()
            for order in (signal.SIGTERM, signal.SIGKILL):  # a busy machine may be slow to end it
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, order)
                    process.wait(ENDED)


def _first_line(process: subprocess.Popen[bytes], seconds: float) -> str | None:
    """Return the next line that a program prints (nothing when it ends); None if none comes."""
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    return process.stdout.readline().decode() if ready else None
