"""The Docker engine: the one that answers, else one of our own that only we use and stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .. import cache_dir
from ..errors import ClusterError
from ..steps import last_words, run, say, step
from . import debian, runc_granted

# a socket's path may have 108 bytes at most, and a reboot must forget it: /run, not the cache
FOLDER = Path("/run/k8s-basic")
START_TIMEOUT = 60.0  # seconds; dockerd was seen ready in 8


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers; `ours` when this project started it."""

    host: str | None
    ours: bool

    @property
    def env(self) -> dict[str, str]:
        """Environment in which docker and kind talk to this engine."""
        return {**os.environ, **({"DOCKER_HOST": self.host} if self.host else {})}

    def docker(self, *args: str | Path, stdin: str | None = None, timeout: float = 900) -> str:
        """Run a docker command (seconds: `timeout`) and return its output, or ClusterError."""
        return run(
            "docker", *args, env=self.env, stdin=stdin, timeout=timeout, what=f"docker {args[0]}"
        )

    def answers(self) -> bool:
        """Tell whether the engine answers within 20 seconds."""
        return not self.silence()

    def silence(self) -> str:
        """Return why the engine doesn't answer, in docker's words; nothing when it does."""
        try:
            self.docker("version", "--format", "{{.Server.Version}}", timeout=20)
        except ClusterError as problem:
            return str(problem)
        return ""


def own_engine() -> Engine:
    """Return our own engine's address, whether it runs or not."""
    return Engine(f"unix://{FOLDER / 'docker.sock'}", ours=True)


def find() -> Engine | None:
    """Return the engine that answers: the user's, else ours; None when there is none."""
    users = Engine(None, ours=False)
    if users.answers():
        return users
    ours = own_engine()
    return ours if (FOLDER / "docker.sock").exists() and ours.answers() else None


def ensure() -> Engine:
    """Return an engine that answers; install and start one where there is none.

    Raises ClusterError with what to do where the user may not start one.
    """
    if engine := find():
        return engine
    if problem := _why_none():
        raise ClusterError(f"{problem}, then run again")
    debian.need({"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables"})
    # where there is an init, installing the package has started the user's engine
    return find() or _start()


def _why_none() -> str:
    """Return why no engine answers that this user may not start, and what to do; or nothing."""
    if "permission denied while trying to connect" in Engine(None, ours=False).silence():
        return (
            "a Docker engine is here and this user may not use it: join the group docker "
            '(sudo usermod -aG docker "$USER"), log in again'
        )
    if os.environ.get("DOCKER_HOST"):
        return "no Docker engine answers at $DOCKER_HOST; start it or unset DOCKER_HOST"
    if sys.platform != "linux":
        return "no Docker engine answers; start Docker Desktop"
    return "no Docker engine answers; start Docker (or run as root)" if os.geteuid() else ""


def _start() -> Engine:
    folder, data = FOLDER, cache_dir() / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    # an engine that was killed leaves its containerd behind, which the next could not replace
    _end(folder / "exec" / "containerd" / "containerd.pid")
    (folder / "docker.pid").unlink(missing_ok=True)
    config = folder / "daemon.json"
    config.write_text(json.dumps(_config(folder)), encoding="utf-8")
    log = data / "dockerd.log"
    command = [
        shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin") or "dockerd",
        *("--host", str(own_engine().host), "--data-root", str(data / "data")),
        *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "docker.pid")),
        *("--config-file", str(config), "--log-level", "warn"),
    ]
    with step("start a Docker engine of our own"), log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        try:
            _wait_until_it_answers(process, log)
        except BaseException:
            process.terminate()
            raise
    return own_engine()


def _config(folder: Path) -> dict[str, object]:
    """Return the engine's configuration: log limits, and a runtime that fits this machine."""
    config: dict[str, object] = {"log-opts": {"max-size": "10m"}}
    if runc_granted.granted() == runc_granted.EVERY:
        return config
    # this machine grants less than `--privileged` asks for: runc would refuse every node
    wrapper = folder / "runc-granted"
    own = Path(runc_granted.__file__).read_text(encoding="utf-8")
    wrapper.write_text(f"#!{sys.executable}\n{own}", encoding="utf-8")
    wrapper.chmod(0o755)
    return {**config, "runtimes": {"granted": {"path": str(wrapper)}}, "default-runtime": "granted"}


def _wait_until_it_answers(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if own_engine().answers():
            return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    words = last_words(log.read_text(encoding="utf-8", errors="replace"))
    raise ClusterError(f"the Docker engine did not start (log: {log}): {words}")


def stop(engine: Engine) -> None:
    """Stop the engine if it is ours and no container is left in it; never another one."""
    if not engine.ours or (engine.answers() and engine.docker("ps", "-aq").strip()):
        return
    if _pid(FOLDER / "docker.pid"):
        with step("stop our Docker engine"):
            _end(FOLDER / "docker.pid")


def _pid(file: Path) -> int | None:
    """Return the process that our own pid file names, if it still runs and is ours."""
    if not file.exists():
        return None
    pid = int(file.read_text(encoding="ascii"))
    command = Path(f"/proc/{pid}/cmdline")
    ours = command.exists() and str(FOLDER).encode() in command.read_bytes()
    return pid if ours else None


def _end(file: Path) -> None:
    """End the process that our own pid file names, and wait until it is gone."""
    pid = _pid(file)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_TIMEOUT
    while _pid(file) and time.monotonic() < deadline:
        time.sleep(0.2)
    if _pid(file):
        say(f"process {pid} of our Docker engine is still ending")
