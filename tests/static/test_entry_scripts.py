"""The commands start on any machine with a POSIX shell and Python, without GNU's tools."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from k8s_basic import ROOT
from k8s_basic.errors import ClusterError
from k8s_basic.packages import debian

SCRIPTS = sorted(p for p in (ROOT / "scripts").iterdir() if p.is_file())
INSTALL = "• install the Python packages of test.txt into .venv\n"
GNU_ONLY = ("flock", "sha256sum")


def test_entry_scripts_are_posix_sh() -> None:
    scripts = (*SCRIPTS, ROOT / ".ci" / "run")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    command = [shellcheck, "-s", "sh", *scripts]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not found.returncode, found.stdout + found.stderr
    for script in scripts:
        assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n"), script
        assert os.access(script, os.X_OK), script


# --- run with busybox's tools, or with those of a Mac


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with python3 and the tools of a system that isn't GNU."""
    folder = tmp_path_factory.mktemp("tools")
    if sys.platform == "darwin":  # its own tools are such
        for place in ("/bin", "/usr/bin"):
            for tool in Path(place).iterdir():
                if tool.name not in GNU_ONLY and not (folder / tool.name).exists():
                    (folder / tool.name).symlink_to(tool)
    else:
        try:
            debian.need({"busybox": "busybox"})
        except ClusterError as problem:
            pytest.fail(str(problem), pytrace=False)
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        busybox = Path(str(shutil.which("busybox", path=path)))
        listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
        for name in set(listed.stdout.split()) - {*GNU_ONLY, "python3"}:
            (folder / name).symlink_to(busybox)
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    (folder / "python3").unlink(missing_ok=True)
    (folder / "python3").symlink_to(python)
    return folder


def shells() -> list[str]:
    """Return the shells to try: dash, and busybox's own where it is used."""
    return ["dash"] if sys.platform == "darwin" else ["dash", "sh"]


class Machine:
    """A machine on which only some tools are there, and one shell."""

    def __init__(self, tools: Path, shell: str):
        path = shutil.which(shell, path=f"{tools}:/usr/bin:/bin")
        if not path:
            pytest.fail(f"this needs {shell}: install it, then run again", pytrace=False)
        self.tools, self.shell = tools, path

    def start(self, script: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start a script, from a folder that is not the repository's."""
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "K8S_BASIC_GROUP")}
        return subprocess.Popen(
            [self.shell, str(script), *arguments], cwd="/", env={**kept, "PATH": str(self.tools)},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, script: Path, *arguments: str) -> tuple[int, str, str]:
        """Run a script to its end and return code, output and complaints."""
        with self.start(script, *arguments) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err


def test_machine_has_no_tool_that_is_only_gnus(tools: Path, tmp_path: Path) -> None:
    script = tmp_path / "look"
    script.write_text("echo x | tr x y; command -v flock sha256sum bash git")
    for shell in shells():
        assert Machine(tools, shell).run(script)[1:] == ("y\n", "")


HELP = """
import runpy, sys
for module in sys.argv[1:]:
    print("\\0", flush=True)
    sys.argv = ["command", "--help"]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, module
"""


def test_each_command_says_how_it_is_used(tools: Path, tmp_path: Path) -> None:
    commands = [script.name for script in SCRIPTS if script.name != "python"]
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=lambda *_: ["k8s_basic"])
    (tmp_path / "scripts/python").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    started = [Machine(tools, "dash").run(tmp_path / "scripts" / c, "a b") for c in commands]
    for command, (code, out, err) in zip(commands, started):
        assert (code, out[:3], out[-4:], err) == (0, "-m|", "a b|", ""), command
    # in one process, as most of the time goes into importing
    modules = [out.split("|")[1] for _, out, _ in started]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    run = [sys.executable, "-W", "ignore", "-c", HELP, *modules]
    done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    for command, said in zip(commands, done.stdout.split("\0")[1:], strict=True):
        assert "usage" in said or f"./scripts/{command}" in said, command


# --- the environment that the first command makes


def wheel(folder: Path, version: str) -> str:
    """Make a package of one module, and return the lock that asks for it."""
    file = folder / f"lesson-{version}-py3-none-any.whl"
    about = f"lesson-{version}.dist-info"
    files = {
        "lesson.py": f"VERSION = '{version}'\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: lesson\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(file, "w") as archive:
        lines = []
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            lines.append(f"{name},sha256={digest.decode().rstrip('=')},{len(text)}\n")
        archive.writestr(f"{about}/RECORD", "".join([*lines, f"{about}/RECORD,,\n"]))
    return f"{file.as_uri()} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


class Clone:
    """A clone of the repository whose locks ask for one small package."""

    def __init__(self, root: Path):
        self.root, self.python = root, root / "scripts" / "python"
        (root / "scripts" / "requirements").mkdir(parents=True)
        (root / "scripts" / "k8s_basic").mkdir()
        for name in (
            "python",
            *(f"k8s_basic/{n}.py" for n in ("__init__", "environment", "processes")),
        ):
            shutil.copy(ROOT / "scripts" / name, root / "scripts" / name)
        self.wants("1.0")

    def wants(self, version: str) -> None:
        lock = wheel(self.root, version)
        for group in ("site", "test"):
            (self.root / "scripts" / "requirements" / f"{group}.txt").write_text(lock)


SHOW = ("-c", "import lesson, sys; print(lesson.VERSION, sys.prefix)")


def test_environment_is_made_by_one_of_two_commands_kept_and_brought_up_to_date(
    tools: Path, tmp_path: Path
) -> None:
    clone, machine = Clone(tmp_path / "a clone"), Machine(tools, shells()[-1])
    venv, lock = clone.root / ".venv", clone.root / "scripts" / "requirements" / "test.txt"
    venv.mkdir()
    (venv / "half").touch()  # of a making that was broken off
    with machine.start(clone.python, *SHOW) as one, machine.start(clone.python, *SHOW) as two:
        said = [process.communicate(timeout=120) for process in (one, two)]
    assert [out for out, _ in said] == [f"1.0 {venv}\n"] * 2
    assert sorted(err for _, err in said) == ["", INSTALL]
    assert not (venv / "half").exists()
    assert machine.run(clone.python, *SHOW) == (0, f"1.0 {venv}\n", "")

    clone.wants("2.0")
    assert machine.run(clone.python, *SHOW) == (0, f"2.0 {venv}\n", INSTALL)

    clone.wants("3.0")
    lock.write_text(lock.read_text()[:-5] + "0000\n")  # another hash
    code, out, err = machine.run(clone.python, *SHOW)
    assert (code, out) == (1, "")
    last = "error: the Python packages could not be installed; the lines above say which"
    assert err.splitlines()[-1] == last


OLD = "Python 3.11.5 or newer is needed and {} is Python 3.9.6; put a newer python3 on the PATH"
NONE = "python3 is not installed; on Debian: sudo apt-get install python3 python3-venv"


@pytest.mark.parametrize(("version", "sentence"), [("", NONE), ("3.9.6", OLD)])
def test_machine_without_a_python_that_is_new_enough_is_told(
    tools: Path, tmp_path: Path, version: str, sentence: str
) -> None:
    others = shutil.copytree(tools, tmp_path / "tools", symlinks=True)
    clone, machine = Clone(tmp_path / "clone"), Machine(others, shells()[-1])
    (python := others / "python3").unlink()
    if version:
        python.write_text(f'#!{machine.shell}\n[ "$1" = -V ] && echo Python {version}; exit 1\n')
        python.chmod(0o755)
    said = f"error: {sentence.format(python)}\n"
    assert machine.run(clone.python, *SHOW) == (1, "", said)
