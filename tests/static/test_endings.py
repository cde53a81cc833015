"""A command that a signal ends leaves no process and no port behind."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT, ports, processes

STARTS = 120.0  # seconds until a command is in the middle of its work, on a busy machine
ENDS = 90.0  # seconds until it and all that it started is gone, on a busy machine
SIGNALS = [signal.SIGTERM, signal.SIGINT]


class Alive:
    """A named pipe that programs hold open, so that it ends when the last of them is gone."""

    def __init__(self, folder: Path):
        self.path = folder / "alive"
        os.mkfifo(self.path)
        self._read = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._write = os.open(self.path, os.O_WRONLY)  # so that it does not end before they begin

    @property
    def script(self) -> str:
        """A shell script that is at work until somebody ends the program that it started."""
        return f"(echo >&9; exec sleep 300) 9>{self.path} & wait"

    def wait_for(self, programs: int) -> None:
        """Wait until as many programs are at work."""
        for number in range(programs):
            assert self._says_something(STARTS), f"{number} of {programs} programs are at work"
            os.read(self._read, 1)

    def assert_gone(self) -> None:
        os.close(self._write)
        gone = self._says_something(ENDS) and os.read(self._read, 1) == b""
        assert gone, f"a program is still at work {ENDS:.0f} s after its command was ended"

    def _says_something(self, seconds: float) -> bool:
        return bool(select.select([self._read], [], [], seconds)[0])


@pytest.fixture
def alive(tmp_path: Path) -> Alive:
    return Alive(tmp_path)


@contextmanager
def started(*command: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and kill it in the end if it is still there."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(list(map(str, command)), env=env, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", f"from k8s_basic import processes, run_tests\n{code}"]


# --- one mechanism


@pytest.mark.parametrize("number", SIGNALS)
def test_program_that_a_command_runs_ends_with_it_and_so_does_what_that_started(
    alive: Alive, number: int
) -> None:
    run = f"processes.run(['sh', '-c', {alive.script!r}]).returncode"
    with started(*python(f"processes.command(lambda: {run})")) as process:
        alive.wait_for(1)
        process.send_signal(number)
        assert process.communicate(timeout=ENDS)[1] == "interrupted\n"
    assert process.returncode == processes.INTERRUPTED
    alive.assert_gone()


def test_signal_that_comes_while_a_program_starts_ends_it_as_well(alive: Alive) -> None:
    at_work = alive.path.with_name("at-work")
    code = f"""
import os, signal
popen = processes.subprocess.Popen
class Late(popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        while not os.path.exists({str(at_work)!r}):
            pass
        signal.raise_signal(signal.SIGTERM)
processes.subprocess.Popen = Late
script = {alive.script.replace("exec", f"touch {at_work}; exec")!r}
processes.command(lambda: processes.run(['sh', '-c', script]).returncode)
"""
    with started(*python(code)) as process:
        alive.wait_for(1)
        assert process.communicate(timeout=ENDS)[1] == "interrupted\n"
    alive.assert_gone()


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "], ids=["asked", "killed"])
def test_program_that_takes_too_long_ends_with_what_it_started(
    alive: Alive, monkeypatch: pytest.MonkeyPatch, stubborn: str
) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.5)
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["sh", "-c", stubborn + alive.script], timeout=1)
    alive.wait_for(1)
    alive.assert_gone()


def test_wish_that_comes_twice_does_not_break_off_the_tidying_and_a_later_one_does() -> None:
    code = """
import os, signal, time
processes.AGAIN = 0.5
def work():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("tidied", flush=True)
        time.sleep(0.6)
        os.kill(os.getpid(), signal.SIGTERM)
        print("not reached", flush=True)
processes.command(work)
"""
    with started(*python(code)) as process:
        assert process.communicate(timeout=ENDS) == ("tidied\n", "interrupted\n")


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").iterdir()), ids=lambda p: p.name)
def test_each_command_ends_by_that_mechanism(script: Path) -> None:
    modules = re.findall(r"-m (k8s_basic\S+)", script.read_text()) if script.is_file() else []
    for name in modules:
        path = ROOT / "scripts" / name.replace(".", "/")
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert "    processes.command(" in file.read_text(encoding="utf-8"), file
        # in place of the shell, which would end alone
        assert re.search(r"^exec .*-m k8s_basic", script.read_text(), re.M), script


# --- the commands


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", SIGNALS)
def test_site_that_is_served_gives_its_port_back(tree: Path, number: int) -> None:
    port = free_port()
    options = ("--port", str(port), "--config-file", tree / "mkdocs.yml")
    with started(ROOT / "scripts" / "serve", *options) as process:
        assert process.stderr
        said = ""
        while "Serving on" not in said:
            line = process.stderr.readline()
            assert line, f"the site was not served:\n{said}"
            said += line
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).status == 200
        assert ports.refusal("127.0.0.1", port)

        process.send_signal(number)
        process.communicate(timeout=ENDS)  # its output ends with the last that could write
    assert not ports.refusal("127.0.0.1", port)


def test_taken_port_ends_in_a_sentence_before_anything_is_built() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with started(ROOT / "scripts" / "serve", "--port", str(port)) as process:
            said = process.communicate(timeout=ENDS)[1]
    assert process.returncode == 1
    assert said.endswith(
        f"error: port {port} of localhost can't be used (Address already in use): end the program "
        "that has it, or take another port with --port\n"
    )
    assert "INFO" not in said


@pytest.mark.parametrize("number", SIGNALS)
def test_compiling_ends_with_the_command_that_compiles(
    machine: Any, alive: Alive, number: int
) -> None:
    machine.write("bin/go", f"#!/bin/sh\n[ $1 = env ] && echo go1.99 && exit\n{alive.script}\n")
    code = "from k8s_basic import versions\nfrom k8s_basic.packages import programs\n"
    code += "processes.command(lambda: len(programs.build(versions.kubernetes())))"
    with started(*python(code)) as process:
        alive.wait_for(1)
        process.send_signal(number)
        said = process.communicate(timeout=ENDS)[1]
    assert (process.returncode, said.splitlines()[-1]) == (processes.INTERRUPTED, "interrupted")
    alive.assert_gone()
    assert not list((machine.cache / "programs").iterdir())


@pytest.mark.parametrize("number", SIGNALS)
def test_run_of_tests_ends_with_its_workers_their_fixtures_and_programs(
    tmp_path: Path, alive: Alive, number: int
) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").symlink_to(ROOT / "tests" / "conftest.py")
    (folder / "test_it.py").write_text(f"""\
import pytest
from pathlib import Path
from k8s_basic import processes

@pytest.fixture(params=["a", "b"])
def tidy(request):
    yield
    Path({str(tmp_path)!r}, request.param).touch()

def test_it(tidy):
    processes.run(["sh", "-c", {alive.script!r}])
""")
    options = ["-n3", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), str(folder)]
    run = f"processes.command(lambda: run_tests._pytest({options!r}))"
    with started(*python(run)) as process:
        alive.wait_for(2)
        process.send_signal(number)
        process.communicate(timeout=ENDS)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    alive.assert_gone()
    assert (tmp_path / "a").exists() and (tmp_path / "b").exists()
