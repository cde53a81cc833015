"""Recordings are kept and read letter by letter, and a page knows which command each belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
from k8s_basic.content.pages import Page
from k8s_basic.content.recordings import Recording, path, read, recordings, write


@pytest.mark.parametrize(
    ("commands", "output", "text"),
    [
        ("kubectl get pods", "NAME  \nweb  \n", "$ kubectl get pods\nNAME  \nweb  \n"),
        ("for i in 1 2; do\n  echo\n\ndone", "\n\n",
         "$ for i in 1 2; do\n>   echo\n> \n> done\n\n\n"),
        ("true", "", "$ true\n"),
        ("cat", "$ a\n\tb\r\n\u2028", "$ cat\n$ a\n\tb\r\n\u2028\n"),
        ("curl {{ examples }}/a/b.yaml", "{{ examples }}\n",
         "$ curl {{ examples }}/a/b.yaml\n{{ examples }}\n"),
    ],
)  # fmt: skip
def test_recording_is_read_as_it_was_written(
    tmp_path: Path, commands: str, output: str, text: str
) -> None:
    write(tmp_path, "workloads/pod/name", commands, output)
    assert (tmp_path / path("workloads/pod/name")).read_bytes().decode() == text
    end = "" if output.endswith("\n") or not output else "\n"
    assert read(tmp_path, "workloads/pod/name") == Recording(commands, output + end)
    assert recordings(tmp_path) == ["workloads/pod/name"]


def test_nothing_is_recorded_yet(tmp_path: Path) -> None:
    assert read(tmp_path, "workloads/pod/name") is None
    assert recordings(tmp_path) == []


def test_output_that_looks_like_a_command_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workloads/pod/name"):
        write(tmp_path, "workloads/pod/name", "cat", "> a\n")
    assert recordings(tmp_path) == []


def test_page_knows_the_recording_of_each_command(tree: Path) -> None:
    page = Page(tree, tree / "docs" / "en" / "workloads" / "pod.md")
    assert [command.output for command in page.items("commands")] == ["", "workloads/pod/nothing"]
    assert [(o.line, o.text) for o in page.items("outputs")] == [(26, "workloads/pod/nothing")]
    assert [len(section.outputs) for section in page.sections] == [0, 1]


def test_recording_of_the_front_page_has_no_topic(tree: Path) -> None:
    file = tree / "docs" / "ko" / "index.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "\n```bash\nls\n```\n\n\n```output\nfiles\n```\n", encoding="utf-8")
    page = Page(tree, file)
    assert page.problems == []
    assert [output.text for output in page.items("outputs")] == ["index/files"]
    assert path("index/files") == "tests/live/recordings/index/files.txt"


def test_output_inside_a_list_belongs_to_the_command_there(tree: Path) -> None:
    file = tree / "docs" / "ko" / "index.md"
    text = file.read_text(encoding="utf-8")
    block = "\n- an item\n\n    ```bash\n    ls\n    ```\n\n    ```output\n    files\n    ```\n"
    file.write_text(text + block, encoding="utf-8")
    page = Page(tree, file)
    assert page.problems == []
    assert [(c.text, c.output) for c in page.items("commands")] == [("ls", "index/files")]
