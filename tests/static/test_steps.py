"""Commands fail in one sentence, steps say how long they took, and cache keys follow content."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from k8s_basic import steps
from k8s_basic.errors import ClusterError
from k8s_basic.steps import digest, run, step


def test_command_gets_input_environment_and_folder_and_its_output_is_returned(
    tmp_path: Path,
) -> None:
    script = 'cat; echo "$WORD"; pwd; echo noise >&2'
    given = run("sh", "-c", script, stdin="in\n", env={"WORD": "env"}, cwd=tmp_path)
    assert given == f"in\nenv\n{tmp_path.resolve()}\n"


FULL = "x failed: no space left on the disk; free some and run again"
LINES = "; for n in $(seq 1 40); do echo line $n >&2; done; exit 3"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (LINES[2:], "x failed: line 35\n  line 36\n  line 37\n  line 38\n  line 39\n  line 40"),
        ("echo the cause; exit 1", "x failed: the cause"),
        ("exit 1", "x failed: it said nothing"),
        ("kill -9 $$", "x was ended by SIGKILL: it said nothing"),
        ("sleep 30", "x: no end after 0 s"),
        ("echo 'write /x: no space left on device' >&2" + LINES, FULL),  # Go
        ("echo 'tar: Cannot write: No space left on device' >&2" + LINES, FULL),  # C
    ],
)
def test_command_that_fails_is_told_in_a_sentence(script: str, said: str) -> None:
    with pytest.raises(ClusterError) as caught:
        run("sh", "-c", script, what="x", timeout=0.3 if "sleep" in script else 30)
    assert str(caught.value) == said
    assert caught.value.__cause__ is None


def test_missing_program_is_named() -> None:
    with pytest.raises(ClusterError, match="kind: the program no-such-program is not inst"):
        run("no-such-program", "--version", what="kind")


def test_step_announces_itself_gives_signs_of_life_and_then_says_its_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "HEARTBEAT", 0.01)
    with step("build"):
        time.sleep(0.1)
    first, *_, last = capsys.readouterr().err.splitlines(keepends=True)
    assert (first, last[:11], last[-3:]) == ("• build\n", "  build: 0.", " s\n")
    time.sleep(0.05)
    assert "…" not in capsys.readouterr().err
    with pytest.raises(ClusterError), step("build"):
        raise ClusterError("no")
    assert " s\n" not in capsys.readouterr().err.replace("0 s\n", ""), "it is not done"


@pytest.mark.parametrize(
    "other",
    [
        {"a": "1", "sub/b": "3"},  # a file's content
        {"a": "1", "sub/c": "2"},  # its name
        {"a": "1", "b": "2"},  # its folder
        {"a": "1", "sub/b": "2", "c": ""},  # an empty file more
        {"a": "2", "sub/b": "1"},  # contents exchanged
    ],
)
def test_key_changes_with_anything_in_a_folder(tmp_path: Path, other: dict[str, str]) -> None:
    for number, files in enumerate(({"a": "1", "sub/b": "2"}, {"sub/b": "2", "a": "1"}, other)):
        for name, text in files.items():
            file = tmp_path / str(number) / "files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    first, same, changed = (digest(tmp_path / number / "files") for number in "012")
    assert first == same != changed


def test_key_tells_texts_apart_that_read_the_same_when_joined_and_stays_over_processes() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(["a", "b", "c"])}) == 4
    assert digest("a", ["b"]) == "8fb20ef63ced"
