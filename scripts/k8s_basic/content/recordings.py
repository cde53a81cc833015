"""What the terminal printed when a live run followed a page: written by that run, shown by pages.

A recording is `tests/live/recordings/<topic>/<page>/<name>.txt`: the commands, the first line
behind `$ ` and further ones behind `> `, then the output as it came. `{{ examples }}` stands for
the address of the examples in both. SHA256SUMS beside them, as of `sha256sum`, shows what was
edited by hand.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = "tests/live/recordings"
SUMS = "SHA256SUMS"

_COMMANDS = re.compile(r"\$ .*\n(?:> .*\n)*")


@dataclass(frozen=True)
class Recording:
    """A command block of a page and what the terminal printed after it."""

    commands: str
    output: str


def path(name: str) -> str:
    """Return where the recording `topic/page/name` lies, relative to the repository."""
    return f"{FOLDER}/{name}.txt"


def read(root: Path, name: str) -> Recording | None:
    """Return the recording `topic/page/name`, or None if there is none."""
    file = root / path(name)
    if not file.is_file():
        return None
    text = file.read_bytes().decode("utf-8")
    head = _COMMANDS.match(text)
    if not head:
        return Recording("", text)
    commands = "\n".join(line[2:] for line in head[0].split("\n"))
    return Recording(commands.removesuffix("\n"), text[head.end() :])


def write(root: Path, name: str, commands: str, output: str) -> None:
    """Keep `output` as what `commands` printed, under the name `topic/page/name`."""
    if output.startswith("> "):
        raise ValueError(f"{name}: output that begins with '> ' would be read as a command")
    file = root / path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    end = "" if output.endswith("\n") or not output else "\n"
    prompted = "$ " + commands.replace("\n", "\n> ")
    file.write_text(f"{prompted}\n{output}{end}", encoding="utf-8", newline="\n")
    there = {k: v for k, v in _sums(file.parent).items() if (file.parent / k).exists()}
    lines = sorted({**there, file.name: _sum(file)}.items())
    text = "".join(f"{digest}  {name}\n" for name, digest in lines)
    (file.parent / SUMS).write_text(text, encoding="utf-8")


def is_as_recorded(root: Path, name: str) -> bool:
    """Tell whether a recording is what a live run wrote."""
    file = root / path(name)
    return _sums(file.parent).get(file.name) == _sum(file)


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sums(folder: Path) -> dict[str, str]:
    file = folder / SUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def recordings(root: Path) -> list[str]:
    """Return the name of every recording there is, as `topic/page/name`."""
    folder = root / FOLDER
    files = sorted(folder.rglob("*.txt"))
    return [file.relative_to(folder).with_suffix("").as_posix() for file in files]
