"""The reader's journey: the commands of a built page, run in order as a reader would.

It reads the built HTML and nothing else of the page.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from .. import ROOT
from ..content import recordings
from ..content.claims import cluster_files
from ..content.pages import MARKS
from . import volatile
from .api import Api
from .ledger import Ledger

BLOCK_TIMEOUT = 240.0  # seconds that one block of commands may take
STARTED = 60.0  # seconds for a command in the background to print its first line
GONE = 120.0  # seconds for what was deleted to be gone
ENDED = 10.0  # seconds for a terminal to end by itself
NAMED = re.compile(r"--timeout=(\d+)s")  # a wait in a block, with its bound
NOT_RUN = ("not-run", "terminal")
NAMESPACE = re.compile(r"^kind: Namespace\nmetadata:\n  name: (\S+)", re.MULTILINE)
# What a page could leave behind: objects of the whole cluster, and those in the namespace default.
SCOPED = (
    "namespaces", "persistentvolumes", "storageclasses", "clusterroles", "clusterrolebindings",
    "ingressclasses", "customresourcedefinitions", "priorityclasses", "certificatesigningrequests",
)  # fmt: skip
NAMESPACED = (
    "pods", "services", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims",
    "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "ingresses",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command block of a page; `output` names the recording that is shown under it."""

    text: str
    mark: str = ""
    output: str = ""


@dataclass
class Outcome:
    """What running one step gave: the first failed command's exit code (else 0) and the output."""

    code: int
    output: str


class _Blocks(HTMLParser):
    """Collects the command blocks of a built page and the recordings shown under them."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.canonical = ""
        self._mark = ""
        self._depth = 0
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        if tag == "link" and values.get("rel") == "canonical":
            self.canonical = values["href"]
        if "data-recording" in values and self.steps:
            last = self.steps[-1]
            self.steps[-1] = Step(last.text, last.mark, values["data-recording"])
        if tag == "div" and "language-bash" in classes:
            self._mark = next((name for name in MARKS if name in classes), "")
            self._depth = 1
        elif self._depth and tag == "div":
            self._depth += 1
        elif self._depth and tag == "code":
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if self._text is not None and tag == "code":
            self.steps.append(Step("".join(self._text).strip("\n"), self._mark))
            self._text = None
        elif self._depth and tag == "div":
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)


@dataclass(frozen=True)
class BuiltPage:
    """The commands of one built page, and the address of the site that it was built for."""

    steps: list[Step]
    site: str

    @classmethod
    def read(cls, folder: Path, address: str) -> BuiltPage:
        """Read `address` ("workloads/replicaset/", "en/…") of the site built in `folder`."""
        parser = _Blocks()
        parser.feed((folder / address / "index.html").read_text(encoding="utf-8"))
        return cls(parser.steps, parser.canonical.removesuffix(address))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server:
    """The built site on a free port of loopback; only the host of its address is another."""

    def __init__(self, folder: Path, site: str):
        """`site` is the address that the pages were built for."""
        path = "/" + site.split("/", 3)[3]
        handler = partial(_Below, directory=str(folder), prefix=path.rstrip("/"))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Below(_Quiet):
    """Serves a folder below the path that the site has at its own host."""

    def __init__(self, *args: Any, prefix: str, **options: Any):
        self.prefix = prefix
        super().__init__(*args, **options)

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(self.prefix) or "/")


@dataclass
class Terminal:
    """One bash in an empty folder, with a kubeconfig of its own: a reader's terminal."""

    folder: Path
    kubeconfig: Path
    path: str
    _background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")},
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": self.path,
            "HOME": str(self.home),
            "NO_PROXY": "localhost,127.0.0.1",
        }
        self._shell = self._bash("bash", "--norc", "--noprofile", stdin=subprocess.PIPE)

    def _bash(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=self.home, env=self._env, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options,
        )  # fmt: skip

    def run(self, text: str) -> Outcome:
        """Run a block and wait for its end, BLOCK_TIMEOUT seconds at most.

        The shell goes on after a command that fails, as a terminal does.
        """
        script, log = self.folder / "block.sh", self.folder / "block.log"
        script.write_text(text + "\n", encoding="utf-8")
        order = (
            f"_code=0; trap '_code=$?' ERR; . {script} </dev/null >{log} 2>&1; trap - ERR; "
            "echo done $_code\n"
        )
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write(order.encode())
        self._shell.stdin.flush()
        ready, _, _ = select.select([self._shell.stdout], [], [], BLOCK_TIMEOUT)
        if not ready:
            return Outcome(124, f"{log.read_text()}\nno end after {BLOCK_TIMEOUT:.0f} s")
        line = self._shell.stdout.readline().decode().split()
        output = log.read_text(encoding="utf-8", errors="replace")
        return Outcome(int(line[1]) if line[:1] == ["done"] else 1, output)

    def run_in_background(self, text: str) -> Outcome:
        """Start a block that keeps running, and return when it has printed something."""
        script = self.folder / f"background-{len(self._background)}.sh"
        script.write_text(text + "\n", encoding="utf-8")
        process = self._bash("bash", "--norc", "--noprofile", str(script))
        self._background.append(process)
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], STARTED)
        line = process.stdout.readline().decode() if ready else ""
        ended = process.poll()
        return Outcome(ended if ended else 0 if line else 124, line)

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
        for process in (*self._background, self._shell):
            for order in (signal.SIGTERM, signal.SIGKILL):  # a busy machine may be slow to end it
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, order)
                    process.wait(ENDED)


def names_in(text: str) -> set[str]:
    """Return every word of `text` that could be the name of an object."""
    return set(re.findall(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", text))


class Reader:
    """Somebody who follows a page on the run's cluster; see each method."""

    def __init__(self, api: Api, terminal: Terminal, server: Server, folder: Path, cluster: str):
        """`folder` holds the built site that `server` serves; `cluster` is the cluster's name."""
        self.api, self.terminal, self.server, self.folder = api, terminal, server, folder
        self.cluster = cluster
        self.recordings: dict[str, bool] = {}
        self.not_run: list[str] = []
        self.waits: list[dict[str, Any]] = []
        self._before = self._inventory()
        self._words: set[str] = set()
        self._made: set[str] = set()  # the namespaces that the page makes

    def starts_clean(self, page: BuiltPage, ledger: Ledger) -> None:
        """Demand that no namespace of the page is there, and note them; raises AssertionError."""
        commands = "\n".join(step.text for step in page.steps)
        named = set(re.findall(r"/examples/([\w./-]+\.yaml)", commands))
        files = {n: (self.folder / "examples" / n).read_text(encoding="utf-8") for n in named}
        self._words = names_in("\n".join([commands, *files.values()]))
        self._made = set(re.findall(r"create namespace (\S+)", commands))
        for name in named - cluster_files(ROOT):  # what those make stays as long as the cluster
            self._made |= set(NAMESPACE.findall(files[name]))
        there = sorted(name for name in self._made if f"namespaces/{name}" in self._before)
        assert not there, f"{', '.join(there)} is there before the page begins; delete it first"
        ledger.note(*self._made)

    def follows(self, step: Step, site: str) -> str:
        """Run one block as the page says and return what the terminal showed.

        `site` is the address that the page was built for: its host alone is replaced. Raises
        AssertionError when a block fails, or does not fail where the page says that it does.
        """
        if step.mark in NOT_RUN:
            self.not_run.append(step.text)
            return ""
        text = step.text.replace(site, self.server.url)
        started = time.monotonic()
        if step.mark == "background":
            outcome = self.terminal.run_in_background(text)
        else:
            outcome = self.terminal.run(text)
        self._note(step.text, time.monotonic() - started)
        shown = f"{step.text}\n--- exit code {outcome.code}\n{outcome.output}"
        if step.mark == "fails":
            assert outcome.code, f"the page says that this fails, and it did not:\n{shown}"
        else:
            assert not outcome.code, f"a reader would be stuck here:\n{shown}"
            outcome.output = volatile.REPEATED.sub("", outcome.output)
        return volatile.as_readers_see(outcome.output, self.cluster, f"{self.server.url}examples")

    def _note(self, text: str, took: float) -> None:
        """Note what a block that waits took, beside its tightest bound; seconds: `took`."""
        named = [float(seconds) for seconds in NAMED.findall(text)]
        if named or took > 1:
            what = next((line for line in text.splitlines() if NAMED.search(line)), text)
            bound = min(named, default=BLOCK_TIMEOUT)
            about = {"wait": "block", "what": what.partition("\n")[0][:100]}
            self.waits.append({**about, "seconds": round(took, 2), "bound": bound})

    def compares(self, step: Step, output: str, *, record: bool, also: Sequence[str] = ()) -> str:
        """Compare an output with its recording; with `record` write it where it differs.

        `also` are patterns of what does not count besides what is volatile everywhere. Returns the
        difference as text, or nothing. A recording that says the same keeps its values, so that
        recording again changes only what has changed.
        """
        commands = re.sub(r"https?://[^\s\"']*?/examples(?=/)", "{{ examples }}", step.text)
        recorded = recordings.read(ROOT, step.output)
        found = ["not recorded yet"]
        if recorded:
            found = volatile.differences(recorded.output, output, also)
        if recorded and recorded.commands != commands:
            found = ["recorded with other commands", *found]
        if found and record:
            recordings.write(ROOT, step.output, commands, output)
            found = []
        self.recordings[step.output] = not found
        return f"{step.output}:\n" + "\n".join(found) if found else ""

    def leaves_nothing(self) -> None:
        """Demand that the page's clean-up has removed all that it made; raises AssertionError."""
        context = self.terminal.context_namespace()
        assert context == "default", f"the context still points to namespace {context}"
        assert self.terminal.files() == [], f"files are left: {', '.join(self.terminal.files())}"
        deadline = time.monotonic() + GONE
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(1)  # several kinds at once: no single watch tells
        assert not left, f"the page leaves behind: {', '.join(left)}"

    def left(self) -> list[str]:
        """Return what is there now, was not before, and is the page's own.

        Other pages are followed at the same time. So a namespace is a page's own when the page
        makes it: its name alone may be a word of another page ("service"). Other objects of the
        whole cluster are known by a word of the page, as commands make them in many ways.
        """
        new = self._inventory() - self._before
        return sorted(name for name in new if self._is_own(name))

    def _is_own(self, name: str) -> bool:
        kind, _, last = name.rpartition("/")
        if kind == "namespaces":
            return last in self._made
        return kind.startswith("default/") or last in self._words

    def close(self) -> None:
        """End the terminal, and remove the namespaces that a broken journey left."""
        self.terminal.close()
        for name in self.left():
            if name.startswith("namespaces/"):
                self.api.delete(self.api.target(name.replace("namespaces", "namespace"), "default"))

    def _inventory(self) -> set[str]:
        scoped = {f"{kind}/{name}" for kind in SCOPED for name in self._names(kind)}
        return scoped | {f"default/{kind}/{n}" for kind in NAMESPACED for n in self._names(kind)}

    def _names(self, kind: str) -> set[str]:
        found: Any = self.api.get(self.api.target(kind, "default"))
        return {o.name for o in found}
