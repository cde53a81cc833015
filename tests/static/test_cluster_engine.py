"""The engine that answers is used; ours is started only where that is possible, and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from k8s_basic.cluster import engine as engines
from k8s_basic.cluster import packages, runc_granted
from k8s_basic.cluster.engine import ALL_CAPABILITIES, Engine
from k8s_basic.errors import ClusterError

STATUS = "Name:\tpython\nCapPrm:\t0000000000000000\nCapBnd:\t{}\nCapAmb:\t00000000000000ff\n"
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="an engine of our own is started on Linux alone"
)
ALL_OF_THEM = "000001ffffffffff"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Docker: no program but those that a test puts into this folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engines, "_folder", lambda: tmp_path / "run")
    monkeypatch.setenv("K8S_BASIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(packages, "install", lambda names: pytest.fail(f"installed {names}"))
    program(folder, "dockerd", "exit 1")  # so that a mistake never starts the machine's own
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script into the folder of the machine's programs."""
    (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who may not start an engine."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


# --- which engine is used


def test_no_docker_program_and_a_user_who_is_not_root_is_one_sentence(
    programs: Path, not_root: None
) -> None:
    with pytest.raises(ClusterError) as caught:
        engines.ensure()
    text = "no Docker engine answers; start Docker (or run as root), then run again"
    assert str(caught.value) == text


def test_engine_that_does_not_answer_and_a_user_who_is_not_root_is_one_sentence(
    programs: Path, not_root: None
) -> None:
    program(programs, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"^no Docker engine answers; start Docker"):
        engines.ensure()


@pytest.mark.parametrize("what", ["Docker daemon socket", "docker API"])  # before and since 28
def test_user_without_rights_to_the_engine_is_told_what_to_join(
    programs: Path, not_root: None, what: str
) -> None:
    words = (
        f"permission denied while trying to connect to the {what} at unix:///var/run/docker.sock"
    )
    program(programs, "docker", f"echo '{words}: dial unix: permission denied' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"this user may not use it: join the group docker "):
        engines.ensure()


def test_mac_without_an_engine_is_told_to_start_docker_desktop(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # for root neither
    with pytest.raises(ClusterError, match=r"^no Docker engine answers; start Docker Desktop"):
        engines.ensure()


@ON_LINUX
def test_engine_whose_start_is_broken_off_is_ended(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(process: subprocess.Popen[bytes], log: Path) -> None:
        seen.append(process)
        raise KeyboardInterrupt

    seen: list[subprocess.Popen[bytes]] = []
    program(programs, "dockerd", "exec sleep 60")
    monkeypatch.setattr(engines, "_wait_until_it_answers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engines._start()
    assert seen[0].wait(10) == -signal.SIGTERM


def test_dead_docker_host_is_told_and_no_other_engine_is_started_in_its_place(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "docker", "exit 1")
    program(programs, "dockerd", 'touch "$0.started"')
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ClusterError, match="answers at \\$DOCKER_HOST; start it or unset"):
        engines.ensure()
    assert not (programs / "dockerd.started").exists()


def test_users_engine_is_used_when_it_answers_even_beside_ours(programs: Path) -> None:
    program(programs, "docker", "exit 0")
    (engines._folder() / "docker.sock").touch()
    assert engines.ensure() == Engine(None, ours=False)


def test_our_running_engine_is_used_when_the_user_has_none(programs: Path) -> None:
    program(programs, "docker", f'[ "$DOCKER_HOST" = "{engines.own_engine().host}" ]')
    assert engines.find() is None  # it is not there
    (engines._folder() / "docker.sock").touch()
    assert engines.ensure() == engines.own_engine()
    assert engines.own_engine().ours


def test_our_engine_that_left_its_socket_behind_is_not_taken_for_running(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    (engines._folder() / "docker.sock").touch()
    assert engines.find() is None


def test_docker_of_our_engine_is_called_with_its_address(programs: Path) -> None:
    program(programs, "docker", 'echo "$DOCKER_HOST $*"')
    said = engines.own_engine().docker("ps", "-aq")
    assert said == f"unix://{engines._folder()}/docker.sock ps -aq\n"


def test_docker_that_fails_is_told_with_its_command_and_its_words(programs: Path) -> None:
    program(programs, "docker", "echo 'no such image' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"^docker tag failed: no such image$"):
        Engine(None, ours=False).docker("tag", "a", "b")


def test_package_that_the_user_may_not_install_is_named_with_the_line_to_type(
    tmp_path: Path, not_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=r"sudo apt-get install aa bb\), then run again"):
        packages.need({"no-such-b": "bb", "no-such-a": "aa", "no-such-b2": "bb"})


def test_nothing_is_installed_when_every_program_is_there(programs: Path) -> None:
    program(programs, "docker", "exit 0")
    packages.need({"docker": "docker.io"})  # the fixture fails an installation
    with pytest.raises(pytest.fail.Exception, match="installed"):
        packages.need({"docker": "docker.io", "no-such-program": "other"})


@pytest.mark.parametrize("pattern", [":charset=378", ":family=no such font"])
def test_font_that_no_font_is_like_is_installed(
    programs: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(pytest.fail.Exception, match=r"installed \['fonts-x'\]"):
        packages.need({pattern: "fonts-x"})


def test_font_is_installed_where_nobody_can_tell_whether_there_is_one(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(packages.ctypes, "CDLL", no_library)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(pytest.fail.Exception, match=r"installed \['fonts-x'\]"):
        packages.need({packages.KOREAN: "fonts-x"})
    monkeypatch.setattr(sys, "platform", "darwin")
    packages.need({packages.KOREAN: "fonts-x"})  # a Mac has one


# --- an engine of our own


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in which half a second passes at once."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: time.sleep(0.01))
    monkeypatch.setattr(engines, "time", clock)


@ON_LINUX
def test_engine_that_does_not_start_is_told_with_the_last_words_of_its_log(
    programs: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "docker", "exit 1")
    program(programs, "dockerd", "echo 'failed to mount overlay: not permitted' >&2; exit 1")
    program(programs, "iptables", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ClusterError, match=r"did not start.*dockerd\.log.*: not permitted"):
        engines.ensure()


@ON_LINUX
def test_started_engine_writes_only_into_our_folders(programs: Path, quick: None) -> None:
    answers = f'[ -e {programs}/dockerd.args ] && [ -n "$DOCKER_HOST" ]'
    program(programs, "docker", answers)
    # it stays for a moment: an engine that ends before it answers did not start
    program(programs, "dockerd", 'echo "$@" > "$0.new"; mv "$0.new" "$0.args"; sleep 2')
    assert engines._start() == engines.own_engine()
    words = (programs / "dockerd.args").read_text().split()
    places = [w for w in words if w.startswith("/")]
    own = (str(engines._folder()), os.environ["K8S_BASIC_CACHE"])
    assert places and all(place.startswith(own) for place in places), places
    assert words[words.index("--host") + 1] == engines.own_engine().host


def bounding_set(monkeypatch: pytest.MonkeyPatch, file: Path, mask: str) -> None:
    """Let the kernel say that this is the capability bounding set."""
    file.write_text(STATUS.format(mask), encoding="ascii")
    monkeypatch.setattr(engines, "Path", lambda name: {"/proc/self/status": file}[name])
    opened = {"/proc/self/status": file.open(encoding="ascii")}
    monkeypatch.setattr(runc_granted, "open", lambda name, **_: opened[name], raising=False)


@pytest.mark.parametrize(
    ("mask", "missing"),
    [
        (ALL_OF_THEM, set()),
        ("000001fffeffffff", {"CAP_SYS_RESOURCE"}),  # number 24
        ("000001ff7fdfffff", {"CAP_SYS_ADMIN", "CAP_SETFCAP"}),  # numbers 21 and 31
        ("000000fffffffffe", {"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"}),  # the first and the last
    ],
)
def test_capabilities_are_read_from_the_bounding_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mask: str, missing: set[str]
) -> None:
    bounding_set(monkeypatch, tmp_path / "status", mask)
    assert engines.granted_capabilities() == int(mask, 16)
    every = {f"CAP_{name}" for name in runc_granted.NAMES}
    assert every - runc_granted.granted() == missing


def test_names_and_mask_of_all_capabilities_have_the_same_number() -> None:
    assert len(set(runc_granted.NAMES)) == ALL_CAPABILITIES.bit_length()


def test_machine_that_grants_everything_runs_the_engine_with_plain_runc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "granted_capabilities", lambda: int(ALL_OF_THEM, 16))
    assert set(engines._config(tmp_path)) == {"log-opts"}


def test_machine_that_grants_less_gets_the_wrapper_as_default_runtime(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "granted_capabilities", lambda: int(ALL_OF_THEM, 16) >> 1)
    config = json.loads(json.dumps(engines._config(tmp_path)))
    wrapper = Path(config["runtimes"][config["default-runtime"]]["path"])
    assert os.access(wrapper, os.X_OK)
    first, _, rest = wrapper.read_text(encoding="utf-8").partition("\n")
    assert first == f"#!{sys.executable}"
    compile(rest, str(wrapper), "exec")


# --- stopping it


@pytest.fixture
def our_engine(programs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like our engine and has nothing in it; a child of this process."""
    program(programs, "docker", "exit 0")
    log = engines._folder() / "log"
    log.touch()
    process = subprocess.Popen(["/usr/bin/tail", "-f", str(log)])
    (engines._folder() / "docker.pid").write_text(str(process.pid), encoding="ascii")
    yield process
    process.kill()
    process.wait()


@ON_LINUX
def test_our_engine_is_stopped_and_not_waited_for_when_it_has_ended(
    our_engine: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    engines.stop(engines.own_engine())
    assert our_engine.wait(timeout=30) == -signal.SIGTERM
    assert "still ending" not in capsys.readouterr().err


def test_our_engine_is_left_running_while_it_has_containers(
    our_engine: subprocess.Popen[bytes], programs: Path
) -> None:
    program(programs, "docker", '[ "$1" = ps ] && echo 0123; exit 0')
    engines.stop(engines.own_engine())
    assert our_engine.poll() is None


def test_users_engine_is_never_stopped(our_engine: subprocess.Popen[bytes]) -> None:
    engines.stop(Engine(None, ours=False))
    assert our_engine.poll() is None


def test_other_process_that_got_the_number_of_our_engine_is_left_alone(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    with subprocess.Popen(["/bin/sleep", "30"]) as other:
        (engines._folder() / "docker.pid").write_text(str(other.pid), encoding="ascii")
        engines.stop(engines.own_engine())
        assert other.poll() is None
        other.kill()


def test_number_of_an_engine_that_is_gone_is_no_error(programs: Path) -> None:
    program(programs, "docker", "exit 1")
    with subprocess.Popen(["/usr/bin/true"]) as ended:
        pass
    (engines._folder() / "docker.pid").write_text(str(ended.pid), encoding="ascii")
    engines.stop(engines.own_engine())


# --- the wrapper of runc


@pytest.fixture
def two_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that grants two capabilities."""
    monkeypatch.setattr(runc_granted, "granted", lambda: {"CAP_CHOWN", "CAP_KILL"})


WANTED = {"bounding": ["CAP_KILL", "CAP_SYS_ADMIN", "CAP_CHOWN"], "ambient": ["CAP_BPF"]}
LEFT = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "ambient": []}


def test_capabilities_that_are_not_granted_leave_the_config_of_a_container(
    tmp_path: Path, two_granted: None
) -> None:
    config = {"process": {"args": ["sh"], "capabilities": WANTED}, "root": {"path": "rootfs"}}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    runc_granted.restrict(str(file))
    left = {"process": {"args": ["sh"], "capabilities": LEFT}, "root": {"path": "rootfs"}}
    assert json.loads(file.read_text()) == left


def test_capabilities_that_are_not_granted_leave_the_process_file_of_an_exec(
    tmp_path: Path, two_granted: None
) -> None:
    file = tmp_path / "process.json"
    file.write_text(json.dumps({"args": ["sh"], "capabilities": WANTED}))
    runc_granted.restrict(str(file))
    assert json.loads(file.read_text()) == {"args": ["sh"], "capabilities": LEFT}


@pytest.mark.parametrize("spec", [{"process": {"args": ["sh"]}}, {"capabilities": None}])
def test_process_without_capabilities_stays_as_it_is(
    tmp_path: Path, two_granted: None, spec: dict[str, object]
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec))
    runc_granted.restrict(str(file))
    assert json.loads(file.read_text()) == spec


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["create", "--bundle", "/b", "--pid-file", "p", "id"], "/b/config.json"),
        (["create", "-b", "/b", "id"], "/b/config.json"),
        (["exec", "--process", "/p.json", "--detach", "id"], "/p.json"),
        (["exec", "-p", "/p.json", "id"], "/p.json"),
        (["--root", "/r", "delete", "id"], None),
        (["state", "--bundle"], None),
    ],
)
def test_file_with_the_capabilities_is_found_among_runcs_arguments(
    arguments: list[str], file: str | None
) -> None:
    assert runc_granted.specification(["runc", *arguments]) == file


@ON_LINUX
def test_wrapper_becomes_runc_with_the_same_arguments(programs: Path, tmp_path: Path) -> None:
    program(programs, "runc", 'echo "$@"; cat "$3/config.json"; exit 7')
    granted = sorted(runc_granted.granted())[:1]
    config = {"process": {"capabilities": {"bounding": [*granted, "CAP_OF_NO_MACHINE"]}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    arguments = ["create", "--bundle", str(tmp_path), "id"]
    command = [sys.executable, "-S", runc_granted.__file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    first, _, rest = done.stdout.partition("\n")
    assert (done.returncode, first) == (7, " ".join(arguments))
    assert json.loads(rest) == {"process": {"capabilities": {"bounding": granted}}}
