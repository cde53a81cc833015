"""The engine that answers is used; ours is started only where that is possible, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from k8s_basic.errors import ClusterError
from k8s_basic.packages import debian, runc_granted
from k8s_basic.packages import engine as engines
from k8s_basic.packages.engine import Engine

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at other processes in /proc")
# the user has no engine; ours answers once it has written its arguments
ONLY_OURS = '#!/bin/sh\n[ -n "$DOCKER_HOST" ] && [ -s "$MACHINE/dockerd.said" ] || exit 1\n'
DOCKERD = '#!/bin/sh\necho "$@" >"$MACHINE/dockerd.said"\nexec sleep 1\n'


def program(machine: Any, name: str, script: str) -> None:
    """Put a program on the PATH of the machine."""
    machine.write(f"bin/{name}", script).chmod(0o755)


@pytest.fixture
def root(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may start an engine, on Linux, with all that it takes installed."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    program(machine, "docker", ONLY_OURS)
    program(machine, "dockerd", DOCKERD)
    program(machine, "iptables", "#!/bin/sh\n")


def test_engine_of_the_user_is_used_where_it_answers_even_beside_ours_and_never_stopped(
    machine: Any, tmp_path: Path
) -> None:
    engines.FOLDER.mkdir()
    (engines.FOLDER / "docker.sock").touch()
    assert engines.ensure() == Engine(None, ours=False)
    with subprocess.Popen(["tail", "-f", engines.FOLDER / "docker.sock"]) as its:
        (engines.FOLDER / "docker.pid").write_text(str(its.pid))
        engines.stop(Engine(None, ours=False))
        assert its.poll() is None
        its.kill()


@ON_LINUX
def test_engine_of_our_own_is_started_in_our_folders_used_again_and_stopped_when_it_is_empty(
    machine: Any, root: None
) -> None:
    ours = engines.ensure()
    assert ours.ours and ours.env["DOCKER_HOST"] == f"unix://{engines.FOLDER}/docker.sock"
    words = (machine.folder / "dockerd.said").read_text().split()
    places = [word for word in words if word.startswith("/")]
    assert all(place.startswith((f"{engines.FOLDER}", f"{machine.cache}")) for place in places)
    (engines.FOLDER / "docker.sock").touch()
    assert engines.find() == ours
    with subprocess.Popen(
        ["tail", "-f", engines.FOLDER / "docker.sock"]
    ) as its:  # stands for dockerd
        (engines.FOLDER / "docker.pid").write_text(str(its.pid))
        program(machine, "docker", ONLY_OURS + "[ $1 != ps ] || echo 0123\n")
        engines.stop(ours)
        assert its.poll() is None, "it has a container"
        program(machine, "docker", ONLY_OURS)
        engines.stop(ours)
        assert its.wait(30) == -signal.SIGTERM


def test_other_process_that_got_the_number_of_our_engine_is_left_alone(
    machine: Any, root: None
) -> None:
    engines.FOLDER.mkdir()
    with subprocess.Popen(["sleep", "60"]) as other:
        (engines.FOLDER / "docker.pid").write_text(str(other.pid))
        engines.stop(engines.own_engine())
        assert other.poll() is None
        other.kill()


@ON_LINUX
def test_engine_that_does_not_start_is_told_with_the_last_words_of_its_log(
    machine: Any, root: None
) -> None:
    program(machine, "dockerd", "#!/bin/sh\necho 'failed to mount: not permitted' >&2; exit 1\n")
    with pytest.raises(ClusterError, match=r"did not start.*dockerd\.log.*: not permitted"):
        engines.ensure()


def test_dead_docker_host_is_told_and_no_other_engine_is_started_in_its_place(
    machine: Any, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"answers at \$DOCKER_HOST; start it or unset"):
        engines.ensure()
    assert not (machine.folder / "dockerd.said").exists()


def test_package_that_the_user_may_not_install_is_named_with_the_line_to_type(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    debian.need({"docker": "docker.io"})
    with pytest.raises(ClusterError, match=r"sudo apt-get install aa bb\), then run again"):
        debian.need({"docker": "docker.io", "no-such-b": "bb", "no-such-a": "aa"})


@ON_LINUX
@pytest.mark.parametrize("flag", ["--bundle", "-b", "--process", "-p"])
def test_wrapper_takes_what_the_machine_does_not_grant_and_becomes_runc(
    machine: Any, tmp_path: Path, flag: str
) -> None:
    program(machine, "runc", '#!/bin/sh\necho "$@"; exit 7\n')
    granted = sorted(runc_granted.granted())[:1]
    process = {"capabilities": {"bounding": [*granted, "CAP_OF_NO_MACHINE"]}}
    file, is_bundle = tmp_path / "config.json", flag in ("--bundle", "-b")
    file.write_text(json.dumps({"process": process} if is_bundle else process))
    arguments = ["create", flag, str(tmp_path if is_bundle else file), "id"]
    command = [sys.executable, "-S", runc_granted.__file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, " ".join(arguments) + "\n")
    left = json.loads(file.read_text())
    assert (left["process"] if is_bundle else left)["capabilities"] == {"bounding": granted}


def test_every_capability_has_a_name() -> None:
    assert len(runc_granted.EVERY) == 41
    assert runc_granted.granted() <= runc_granted.EVERY
