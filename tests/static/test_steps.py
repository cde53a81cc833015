"""Commands fail in one sentence, steps say how long they took, and cache keys follow content."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from k8s_basic import steps
from k8s_basic.errors import ClusterError
from k8s_basic.steps import digest, last_words, run, step


def sentence(*command: str | Path, **options: object) -> str:
    """Run a command that must fail, and return what the person at the terminal reads."""
    with pytest.raises(ClusterError) as caught:
        run(*command, **options)  # type: ignore[arg-type]
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_output_of_a_command_is_returned_without_what_it_said_on_stderr() -> None:
    assert run("sh", "-c", "echo out; echo noise >&2") == "out\n"


def test_command_gets_the_input_environment_and_folder_it_was_given(tmp_path: Path) -> None:
    script = 'cat; echo "$WORD"; pwd'
    given = run("sh", "-c", script, stdin="in\n", env={"WORD": "env"}, cwd=tmp_path)
    assert given == f"in\nenv\n{tmp_path.resolve()}\n"


def test_failure_is_told_with_the_name_of_the_thing_and_its_last_words() -> None:
    script = "seq 1 20; for n in $(seq 21 40); do echo line $n >&2; done; exit 3"
    text = sentence("sh", "-c", script, what="docker build")
    assert text.startswith("docker build failed: line 35")
    assert text.endswith("line 40")
    assert "line 34" not in text


def test_failure_that_is_told_on_stdout_only_is_not_lost() -> None:
    assert sentence("sh", "-c", "echo the cause; exit 1", what="x") == "x failed: the cause"


def test_silent_failure_says_so() -> None:
    assert sentence("false") == "false failed: it said nothing"


def test_command_that_somebody_killed_is_told_apart_from_one_that_failed() -> None:
    said = sentence("sh", "-c", "kill -9 $$", what="compiling")
    assert said == "compiling was ended by SIGKILL: it said nothing"


def test_missing_program_is_named() -> None:
    text = sentence("no-such-program-here", "--version", what="kind create")
    assert text == "kind create: the program no-such-program-here is not installed"


def test_command_that_does_not_end_is_ended_after_its_time() -> None:
    started = time.monotonic()
    assert sentence("sleep", "30", what="the nodes", timeout=0.05) == "the nodes: no end after 0 s"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "said",
    [
        "write /var/lib/docker/x: no space left on device",  # Go
        "tar: ./usr: Cannot write: No space left on device",  # the C library
    ],
)
def test_full_disk_is_told_as_such_and_not_by_tools_last_lines(said: str) -> None:
    script = f"echo '{said}' >&2; for n in 1 2 3 4 5 6 7; do echo then $n >&2; done; exit 1"
    text = sentence("sh", "-c", script, what="docker import")
    assert text == "docker import failed: no space left on the disk; free some and run again"


def test_last_words_are_the_last_lines_that_say_something() -> None:
    assert last_words("a\nb\nc\n\n", lines=2) == "b\n  c"


def test_step_announces_itself_and_then_its_seconds_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with step("build"):
        before = capsys.readouterr()
    after = capsys.readouterr()
    assert (before.out, before.err) == ("", "• build\n")
    assert after.err.startswith("  build: 0.") and after.err.endswith(" s\n")


def test_failed_step_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClusterError), step("build"):
        raise ClusterError("no")
    assert capsys.readouterr().err == "• build\n"


def test_long_step_gives_signs_of_life_until_it_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "HEARTBEAT", 0.01)
    with step("build"):
        time.sleep(0.1)
    assert "  … build: 0 s\n" in capsys.readouterr().err
    time.sleep(0.05)
    assert capsys.readouterr().err.count("…") <= 1  # one may have been on its way


def write(folder: Path, files: dict[str, str]) -> Path:
    """Make a folder with these files in it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "other",
    [
        {"a": "1", "sub/b": "3"},  # a file's content
        {"a": "1", "sub/c": "2"},  # its name
        {"a": "1", "b": "2"},  # its folder
        {"a": "1"},  # a file less
        {"a": "1", "sub/b": "2", "c": ""},  # an empty file more
        {"a": "2", "sub/b": "1"},  # contents exchanged
    ],
    ids=["content", "name", "folder", "less", "more", "exchanged"],
)
def test_key_changes_with_anything_in_a_folder(tmp_path: Path, other: dict[str, str]) -> None:
    first = write(tmp_path / "1" / "files", {"a": "1", "sub/b": "2"})
    same = write(tmp_path / "2" / "files", {"sub/b": "2", "a": "1"})
    changed = write(tmp_path / "3" / "files", other)
    assert digest(first) == digest(same)
    assert digest(first) != digest(changed)


def test_key_changes_with_content_and_name_of_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"1/f": "x", "2/f": "x", "3/f": "y", "4/g": "x"})
    keys = [digest(tmp_path / name) for name in ("1/f", "2/f", "3/f", "4/g")]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_key_tells_texts_apart_that_read_the_same_when_joined() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(["a", "b", "c"])}) == 4


def test_key_is_the_same_in_another_process() -> None:
    code = "from k8s_basic.steps import digest; print(digest('a', ['b']))"
    folder = str(Path(steps.__file__).parents[1])
    other = run(sys.executable, "-S", "-c", code, env={"PYTHONPATH": folder})
    assert other.strip() == digest("a", ["b"])
