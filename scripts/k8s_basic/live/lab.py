"""The lab: a namespace on the live cluster, and the verbs in which a test tells its story."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from kubernetes.client import ApiException

from .. import EXAMPLES, processes
from ..cluster import versions
from ..cluster.kind import DocsCluster
from . import diagnosis, traffic
from .api import Api, Target
from .conditions import ABSENT, Wanted, holds, is_ready
from .failures import Refused, Trouble, Unmet
from .ledger import Ledger
from .objects import Object, Objects
from .traffic import Response

COMMAND_TIMEOUT = 60.0  # seconds that a kubectl command may take
CLIENT_START = 90.0  # seconds for the client Pod to be Ready
LONGEST_HOLD = 60.0  # seconds that a hold lasts at most while its control has not moved
SHORTEST = 5.0  # seconds; shorter bounds of waits are never scaled down
PAUSE = 0.3  # seconds between two tries, where nothing can be watched
HELD, FAILED = "held", "failed"  # how the part of a test that proves a claim ended

Manifest = str | dict[str, Any] | list[dict[str, Any]]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Completed:
    """A command's end: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        """Return the end of what it printed, for a reader of a failure."""
        return f"exit code {self.code}\n" + "\n".join((self.out + self.err).splitlines()[-10:])

    @property
    def rows(self) -> list[dict[str, str]]:
        """The table that kubectl printed, each row by the headings of its columns."""
        head, *rows = self.out.splitlines() or [""]
        columns = [(found[0], found.start()) for found in re.finditer(r"\S+(?: \S+)*", head)]
        ends = [*(start for _, start in columns[1:]), None]
        return [
            {name: row[start:end].strip() for (name, start), end in zip(columns, ends)}
            for row in rows
        ]


@dataclass
class Seen:
    """Every state of a watch, one per event; the first is the state at its start."""

    history: list[Objects] = field(default_factory=list)


@dataclass(frozen=True)
class Variation:
    """How one test's lab differs from the usual: see k8s_basic.mutation.

    `overlay` names the files that are read in place of examples. The bounds of waits are taken
    times `wait_scale`; a test that knows what it waits for can be told sooner that it won't come.
    Without `applies`, `Lab.apply` does nothing.
    """

    name: str = ""
    overlay: dict[str, Path] = field(default_factory=dict)
    wait_scale: float = 1.0
    applies: bool = True


class Lab:
    """What a live test works with; see each method.

    `waits` collects, for the results, how long each wait took, and `claims` how the part of the
    test that proves each claim ended: one that is missing was not reached.
    """

    def __init__(
        self,
        cluster: DocsCluster,
        api: Api,
        name: str,
        variation: Variation | None = None,
        ledger: Ledger | None = None,
        proves: Iterable[str] = (),
    ):
        """Make a namespace called after the test; `close` removes all that was made.

        `ledger` is told of every namespace before it is made; `proves` are the claims that the
        test is marked with.
        """
        self.cluster, self.api = cluster, api
        self._ledger = ledger
        self.waits: list[dict[str, Any]] = []
        self.claims: dict[str, str] = {}
        self._marked = frozenset(proves)
        self.variation = variation or Variation()
        self._namespaces: list[str] = []
        self._folder = tempfile.TemporaryDirectory()
        self._client: Object | None = None
        self._warnings: list[str] = []
        self.namespace = self._make_namespace(f"{name[:40].strip('-')}-{uuid.uuid4().hex[:5]}")
        self.kubeconfig = self._kubeconfig()

    def close(self) -> None:
        """Remove the namespaces without waiting: what is in them ends beside the next test."""
        for namespace in self._namespaces:
            try:
                # an ordinary delete gives `sleep` its 30 s of grace, and the node less to work with
                self.api.delete_all(self._target("pods", namespace), gracePeriodSeconds=1)
                self.api.delete(self._target(f"namespace/{namespace}"))
                if self._ledger:
                    self._ledger.forget(namespace)
            except (ApiException, Refused):
                continue  # the lab goes anyway; what is left goes with the cluster
        self._folder.cleanup()

    @contextmanager
    def proves(self, claim: str) -> Iterator[None]:
        """Charge this claim, of several that the test is marked with, with what fails in the block.

        Trouble of the lab's own says nothing of a claim. Raises Trouble for a claim that the test
        isn't marked with.
        """
        if claim not in self._marked:
            raise Trouble(f"the test isn't marked with {claim}; add it to its @claim")
        self.claims.pop(claim, None)  # of two blocks for one claim, both have to hold
        try:
            yield
        except Trouble:
            raise
        except Exception:
            self.claims[claim] = FAILED
            raise
        self.claims[claim] = HELD

    # --- what is there -------------------------------------------------------------------------

    def example(self, name: str) -> list[dict[str, Any]]:
        """Return the documents of an example file, to be changed by the test."""
        return [d for d in yaml.safe_load_all(self._file(name).read_text(encoding="utf-8")) if d]

    def get(self, what: str, namespace: str | None = None) -> Any:
        """Return the Object of "kind/name" (None: absent), or the Objects of "kind selector"."""
        return self.api.get(self._target(what, namespace))

    def logs(
        self, pod: str | Object, container: str | None = None, *, previous: bool = False
    ) -> str:
        """Return a container's log; `previous` is that of the one before the last restart."""
        flags = [*_container(container), *(["--previous"] if previous else [])]
        return self._kubectl("logs", *_pod(pod), *flags).out

    def logged(
        self, pod: str | Object, text: str, within: float = 30, container: str | None = None
    ) -> str:
        """Read a log until `text` is in it, for `within` seconds at most, and return it whole.

        Without `container` the logs of all are read. Raises Unmet.
        """
        flags = _container(container) or ["--all-containers"]
        done = self.eventually(
            f"{text!r} in the log of {_pod(pod)[0]}",
            lambda: self._kubectl("logs", *_pod(pod), *flags, check=False),
            lambda log: text in log.out,
            within,
        )
        return done.out

    def events(self, about: Object) -> list[Object]:
        """Return the events about an object, oldest first."""
        everything: Objects = self.get("events", namespace=about.namespace)
        return [e for e in everything if e.at("involvedObject.uid") == about.uid]

    # --- acts -----------------------------------------------------------------------------------

    def apply(self, manifest: Manifest, namespace: str | None = None) -> Objects:
        """Run `kubectl apply -f`, as the reader does, on an example or on documents of the test.

        Returns the applied objects. Raises Refused when they are not accepted.
        """
        if not self.variation.applies:
            return Objects()
        if isinstance(manifest, str):
            text, documents = str(self._file(manifest)), self.example(manifest)
        else:
            documents = manifest if isinstance(manifest, list) else [manifest]
            text = str(self._write(documents))
        place = ["-n", namespace] if namespace else []
        self._note_namespaces(documents)
        done = self._kubectl("apply", "-f", text, *place, check=False)
        self._warnings = [
            line.removeprefix("Warning: ")
            for line in done.err.splitlines()
            if line.startswith("Warning: ")
        ]
        if done.code:
            raise Refused.by_kubectl(done.err)
        return Objects(self._applied(document, namespace) for document in documents)

    def patch(self, what: str | Object, body: dict[str, Any]) -> Object:
        """Merge `body` into an object and return it; raises Refused."""
        return self.api.patch(self._target(what), body)

    def scale(self, what: str | Object, replicas: int) -> Object:
        """Set `spec.replicas`."""
        return self.patch(what, {"spec": {"replicas": replicas}})

    def label(self, what: str | Object, labels: Mapping[str, str | None]) -> Object:
        """Set labels; None removes one."""
        return self.patch(what, {"metadata": {"labels": labels}})

    def annotate(self, what: str | Object, annotations: dict[str, str | None]) -> Object:
        """Set annotations; None removes one."""
        return self.patch(what, {"metadata": {"annotations": annotations}})

    def delete(self, what: str | Object, *, wait: bool = False, **options: Any) -> Object:
        """Delete an object and return it as it was; `options` are those of DeleteOptions.

        With `wait` the call returns when the object is gone. Raises Trouble when none is there.
        """
        target = self._target(what)
        before: Object | None = what if isinstance(what, Object) else self.api.get(target)  # type: ignore[assignment]
        if before is None:
            raise Trouble(f"{what} is not there to be deleted")
        self.api.delete(target, **options)
        if wait:
            self.becomes(before.reference, ABSENT, within=COMMAND_TIMEOUT, without=(before,),
                         namespace=before.namespace)  # fmt: skip
        return before

    def run(self, command: str, timeout: float = COMMAND_TIMEOUT) -> Completed:
        """Run a command line as the reader types it, in this namespace; seconds: `timeout`."""
        path = f"{Path(self.cluster.kubectl_path).parent}:{os.environ['PATH']}"
        return self._run(["bash", "-c", command], timeout, PATH=path)

    def exec(self, pod: str | Object, *command: str, container: str | None = None) -> str:
        """Run a command in a container and return what it printed; raises Unmet."""
        return self._kubectl("exec", *_pod(pod), *_container(container), "--", *command).out

    def on_node(self, node: str, *command: str) -> str:
        """Run a command on a node, as its administrator, and return what it printed."""
        return self.cluster.engine.docker("exec", node, *command, timeout=COMMAND_TIMEOUT)

    def new_namespace(self, suffix: str) -> str:
        """Make a further namespace, which goes with the lab."""
        return self._make_namespace(f"{self.namespace}-{suffix}")

    # --- waits ----------------------------------------------------------------------------------

    def becomes(
        self,
        what: str | Object,
        wanted: Wanted,
        within: float = 60,
        without: Iterable[Any] = (),
        namespace: str | None = None,
    ) -> Any:
        """Watch `what` until `wanted` holds, for `within` seconds at most, and return it then.

        `wanted` is a partial object, ABSENT, or a function of what is seen. A status that does not
        speak of the last change, or anything that still shows an object of `without`, is not taken.
        Raises Unmet with what was wanted and seen, events, describe and logs.
        """
        return self._becomes(what, wanted, self._bound(within), without, namespace)

    def _becomes(
        self,
        what: str | Object,
        wanted: Wanted,
        bound: float,
        without: Iterable[Any] = (),
        namespace: str | None = None,
    ) -> Any:
        what = what.reference if isinstance(what, Object) else what
        gone, started, seen = _uids(without), time.monotonic(), None
        for seen in self.api.snapshots(self._target(what, namespace), started + bound):
            if not gone & _uids(seen) and holds(wanted, seen):
                self._note("becomes", what, started, bound)
                return seen
        raise Unmet(diagnosis.report(wanted, seen, what, bound, self._asker(namespace)))

    def eventually(
        self,
        what: str,
        ask: Callable[[], Answer],
        until: Callable[[Answer], Any],
        within: float = 60,
    ) -> Answer:
        """Ask again and again until `until` takes the answer, and return it then.

        For what offers nothing to watch: names, rights, data paths, what a program answers. `what`
        says in words what is waited for, for `within` seconds at most. A question that fails is
        asked again, and a request that got no answer at all has PATIENCE seconds at least: a busy
        node lets one time out now and then. Raises Unmet with the last answer and the events.
        """
        bound, started = self._bound(within), time.monotonic()
        while True:
            seen: Any
            try:
                seen = answer = ask()
                if until(answer):
                    self._note("eventually", what, started, bound)
                    return answer
            except (AssertionError, Refused) as problem:
                seen = problem
            unanswered = isinstance(seen, Response) and seen.status == traffic.NO_ANSWER
            over = max(bound, traffic.PATIENCE) if unanswered else bound
            if time.monotonic() - started >= over:
                events = diagnosis.events(self._asker(None))
                raise Unmet(f"{what}: not so within {over:.0f} s, last: {seen}\n{events}")
            time.sleep(PAUSE)

    def stays(
        self,
        what: str | Object,
        wanted: Wanted,
        seconds: float,
        control: tuple[str | Object, Wanted] | None,
        namespace: str | None = None,
    ) -> Any:
        """Demand that `wanted` holds now and for `seconds`, and return what was seen last.

        `control` is a second condition, moved by the same controller, that must come true
        meanwhile: it shows that the controller was at work while nothing happened here. A slow
        one draws the hold out, up to LONGEST_HOLD. Raises Unmet.
        """
        what = what.reference if isinstance(what, Object) else what
        target, seen = self._target(what, namespace), None
        longest, started = max(seconds, LONGEST_HOLD), time.monotonic()
        pool = ThreadPoolExecutor(1)
        # a hold is as long as it is, and its control has all of it
        beside = pool.submit(self._becomes, *control, longest) if control else None

        def states() -> Iterator[Any]:
            yield from self.api.snapshots(target, started + seconds)
            if beside and not beside.done():
                yield from self.api.snapshots(target, started + longest, beside.done)

        try:
            for seen in states():
                if not holds(wanted, seen):
                    took = time.monotonic() - started
                    text = diagnosis.report(wanted, seen, what, took, self._asker(namespace))
                    raise Unmet(f"it did not stay so for {seconds:.0f} s\n{text}")
        finally:
            pool.shutdown(wait=False)
        _demand_moved(beside)
        self._note("stays", what, started, seconds)
        return seen

    def scheduler_has_seen(self, node: Object) -> None:
        """Wait until the scheduler knows the node as it is now; raises Unmet.

        It hears of nodes and of Pods on two ways, so that it may place a Pod that is made right
        after a change of a node by what was so before.
        """
        mark = {"lab-scout": uuid.uuid4().hex}
        self.label(node, mark)
        try:
            # on the node with this label, whatever taints it has
            anywhere = [{"operator": "Exists"}]
            scout = _own_pod("scout", "pause", [], nodeSelector=mark, tolerations=anywhere)
            self.api.create(self._target("pods"), scout)
            self.becomes("pod/lab-scout", {"spec": {"nodeName": node.name}})
            self.api.delete(self._target("pod/lab-scout"), gracePeriodSeconds=0)
        finally:
            self.label(node, {"lab-scout": None})

    @contextmanager
    def watching(self, what: str) -> Iterator[Seen]:
        """Record every state of "kind selector" while the block runs, for "at every instant"."""
        seen, done, started = Seen(), threading.Event(), threading.Event()
        target = self._target(what)

        def watch() -> None:
            try:
                for state in self.api.snapshots(target, math.inf, done.is_set):
                    if isinstance(state, Objects):
                        seen.history.append(state)
                    started.set()
            finally:
                started.set()

        pool = ThreadPoolExecutor(1)
        watcher = pool.submit(watch)
        started.wait(COMMAND_TIMEOUT)
        try:
            yield seen
        finally:
            done.set()
            pool.shutdown()
        problem = watcher.exception()
        if problem or not seen.history:
            raise Trouble(f"the watch of {what} broke off: {problem or 'it saw nothing'}")

    # --- refusals -------------------------------------------------------------------------------

    def refuses(
        self,
        action: Callable[..., Any],
        *args: Any,
        code: int | None = None,
        reason: str | None = None,
        field: str | None = None,
        text: str | None = None,
    ) -> Refused:
        """Demand that `action(*args)` is refused with this answer, and return the answer.

        `text` is a regular expression. Raises Unmet when it is accepted, or refused otherwise.
        """
        try:
            action(*args)
        except Refused as answer:
            if lacking := answer.lacks(code, reason, field, text):
                raise Unmet(
                    f"refused, but not with {', '.join(lacking)}: "
                    f"{answer.code} {answer.reason}: {answer.message}"
                ) from None
            return answer
        raise Unmet(f"accepted, though it should be refused: {args!r}")

    def warns(self, manifest: Manifest) -> list[str]:
        """Apply and return the warnings that the API server sent with its answer."""
        self._warnings = []
        self.apply(manifest)
        return self._warnings

    # --- traffic --------------------------------------------------------------------------------

    @property
    def client(self) -> Object:
        """The Pod from which requests inside the cluster are made; started on first use.

        Raises Trouble when it doesn't start.
        """
        if self._client is None:
            self.api.create(self._target("pods"), _own_pod("client", "agnhost", ["pause"]))
            try:
                self._client = self.becomes("pod/lab-client", is_ready, within=CLIENT_START)
            except Unmet as problem:
                raise Trouble(f"the lab's own Pod did not start: {problem}") from None
        return self._client

    def http(
        self,
        url: str,
        within: float = 30,
        status: int | None = 200,
        host: str | None = None,
        method: str = "GET",
        data: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Ask from a Pod in the cluster until `status` is the answer, for `within` seconds at most.

        `status` None takes any answer, 0 means none at all. Raises Unmet.
        """
        command = traffic.curl_command(url, host, method, data, headers or {})

        def once() -> Response:
            done = self._kubectl("exec", self.client.name, "--", *command, check=False)
            return traffic.parse(done.out or done.err)

        self.client  # noqa: B018  # its start is not part of the wait
        return self._answered(once, url, status, within)

    def http_many(self, url: str, count: int) -> list[Response]:
        """Ask `count` times in a row from a Pod in the cluster, each on a new connection.

        None is asked again, so each has the PATIENCE that a busy node needs to answer.
        """
        mark = "=====next====="
        curl = shlex.join(traffic.curl_command(url, None, "GET", None, {}, traffic.PATIENCE))
        loop = f"for i in $(seq {count}); do {curl} 2>&1; echo; echo {mark}; done"
        text = self.exec(self.client, "sh", "-c", loop)
        return [traffic.parse(part.lstrip("\n")) for part in text.split(f"\n{mark}")[:count]]

    def outside(
        self,
        url: str,
        within: float = 30,
        status: int | None = 200,
        host: str | None = None,
        sni: str | None = None,
        cafile: str | Path | None = None,
        method: str = "GET",
        data: str | None = None,
    ) -> Response:
        """Ask from the tester's machine, as `http` does from inside; see traffic.outside."""
        ca = str(cafile) if cafile else None
        return self._answered(
            lambda: traffic.outside(url, host, sni, ca, method, data), url, status, within
        )

    def _answered(
        self, once: Callable[[], Response], url: str, status: int | None, within: float
    ) -> Response:
        wanted = "an answer" if status is None else f"status {status}"

        def met(answer: Response) -> bool:
            return answer.status == status if status is not None else bool(answer.status)

        return self.eventually(f"{url}: {wanted}", once, met, within)

    # --- inside ---------------------------------------------------------------------------------

    def _file(self, name: str) -> Path:
        return self.variation.overlay.get(name, EXAMPLES / name)

    def _bound(self, within: float) -> float:
        return max(min(within, SHORTEST), within * self.variation.wait_scale)

    def _note(self, kind: str, what: str, started: float, bound: float) -> None:
        took = round(time.monotonic() - started, 2)
        self.waits.append({"wait": kind, "what": what, "seconds": took, "bound": bound})

    def _target(self, what: str | Object, namespace: str | None = None) -> Target:
        if isinstance(what, Object):
            namespace, what = namespace or what.namespace, what.reference
        return self.api.target(what, namespace or self.namespace)

    def _asker(self, namespace: str | None) -> Callable[..., str]:
        place = ["-A"] if namespace == "*" else ["-n", namespace or self.namespace]

        def ask(*args: str) -> str:
            done = self._kubectl(*args, *place, check=False)
            return done.out or done.err

        return ask

    def _kubectl(self, *args: str, check: bool = True) -> Completed:
        done = self._run([str(self.cluster.kubectl_path), *args], COMMAND_TIMEOUT)
        if check and done.code:
            raise Unmet(f"kubectl {shlex.join(args)} failed: {done.err or done.out}")
        return done

    def _run(self, command: list[str], timeout: float, **more: str) -> Completed:
        env = {**self.cluster.env, "KUBECONFIG": str(self.kubeconfig), **more}
        try:
            done = processes.run(
                command, env=env, timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except subprocess.TimeoutExpired:
            return Completed(124, "", f"no end after {timeout:.0f} s: {shlex.join(command)}")
        return Completed(done.returncode, done.stdout, done.stderr)

    def _write(self, documents: list[dict[str, Any]]) -> Path:
        file = Path(self._folder.name) / f"{uuid.uuid4().hex}.yaml"
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
        return file

    def _applied(self, document: dict[str, Any], namespace: str | None) -> Object:
        place = document["metadata"].get("namespace") or namespace or self.namespace
        what = f"{document['kind']}/{document['metadata']['name']}"
        return self.get(what, namespace=place)  # type: ignore[no-any-return]

    def _note_namespaces(self, documents: list[dict[str, Any]]) -> None:
        made = [d["metadata"]["name"] for d in documents if d.get("kind") == "Namespace"]
        if self._ledger and made:
            self._ledger.note(*made)

    def _make_namespace(self, name: str) -> str:
        target = Target(self.api.resource("namespaces"), None)
        document = {"kind": "Namespace", "metadata": {"name": name}}
        self._note_namespaces([document])
        self.api.create(target, document)
        self._namespaces.append(name)
        # Pods are refused until the namespace's own ServiceAccount is there
        account = self.api.target("serviceaccount/default", name)
        deadline = time.monotonic() + COMMAND_TIMEOUT
        if not any(seen for seen in self.api.snapshots(account, deadline) if seen):
            raise Trouble(f"namespace {name} got no ServiceAccount within a minute")
        return name

    def _kubeconfig(self) -> Path:
        """Write a kubeconfig whose current context is this namespace, as a reader's would be."""
        config = yaml.safe_load(Path(self.cluster.kubeconfig_path).read_text(encoding="utf-8"))
        for context in config["contexts"]:
            context["context"]["namespace"] = self.namespace
        file = Path(self._folder.name) / "kubeconfig"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        return file


def _demand_moved(control: Future[Any] | None) -> None:
    """Raise what a control met on its way, once it has ended."""
    problem = control.exception() if control else None
    if isinstance(problem, Unmet):
        raise Unmet(f"the control beside it did not move: {problem}")
    if problem:
        raise Trouble(f"the control could not be watched: {problem!r}") from problem


def _own_pod(name: str, image: str, args: list[str], **spec: Any) -> dict[str, Any]:
    """Return a Pod of the lab's own."""
    container = {"name": name, "image": versions.image(image), "args": args}
    metadata = {"name": f"lab-{name}", "labels": {"app": f"lab-{name}"}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _pod(pod: str | Object) -> list[str]:
    if isinstance(pod, Object):
        return [pod.name, f"--namespace={pod.namespace}"]
    return [pod.removeprefix("pod/")]


def _container(name: str | None) -> list[str]:
    return [f"--container={name}"] if name else []


def _uids(of: Any) -> set[str]:
    if of is None:
        return set()
    if isinstance(of, str):
        return {of}
    if isinstance(of, Object):
        return {of.uid}
    return {uid for item in of for uid in _uids(item)}
