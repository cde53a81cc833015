"""A wait ends with what was wanted and nothing else; what holds is watched with a control."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from k8s_basic.live import ABSENT, Lab, Object, Objects, Refused, Trouble, Unmet, ready
from k8s_basic.live.api import Target
from k8s_basic.live.lab import LONGEST_HOLD, Completed, Variation
from k8s_basic.live.traffic import Response
from kubernetes.client import ApiException

Script = list[Any] | Callable[..., Iterator[Any]]


class Api:
    """An API server whose states a test has written down; a watch ends where they do."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {"serviceaccount/default": [pod("default")]}
        self.now: dict[str, Any] = {}
        self.asked: list[tuple[str, str | None, float]] = []  # what, namespace, seconds
        self.done: list[tuple[str, ...]] = []
        self.fails: dict[str, Exception] = {}

    def resource(self, kind: str) -> str:
        return kind

    def target(self, what: str, namespace: str) -> Target:
        kind, _, rest = what.partition(" ")
        kind, _, name = kind.partition("/")
        return Target(kind, namespace, name or None, rest or None)

    def get(self, target: Target) -> Any:
        return self.now.get(named(target))

    def snapshots(
        self, target: Target, deadline: float, stop: Callable[[], bool] | None = None
    ) -> Iterator[Any]:
        self.asked.append((named(target), target.namespace, seconds_left(deadline)))
        script = self.scripts[named(target)]
        yield from script(deadline, stop) if callable(script) else script

    def create(self, target: Target, body: dict[str, Any]) -> None:
        self._do("create", f"{body['kind']}/{body['metadata']['name']}")

    def patch(self, target: Target, body: dict[str, Any]) -> Object:
        self._do("patch", named(target), json.dumps(body))
        return pod(str(target.name))

    def delete(self, target: Target, **options: Any) -> None:
        self._do("delete", named(target), *(f"{k}={v}" for k, v in options.items()))

    def delete_all(self, target: Target, **options: Any) -> None:
        self._do("delete_all", f"{named(target)} of {target.namespace}")

    def _do(self, *act: str) -> None:
        self.done.append(act)
        if act[1] in self.fails:
            raise self.fails[act[1]]


def seconds_left(deadline: float) -> float:
    """Return the seconds until a deadline of a watch."""
    return deadline - time.monotonic()


def named(target: Target) -> str:
    """Return the target in the words of a test."""
    return f"{target.resource}" + (
        f"/{target.name}" if target.name else f" {target.selector}" if target.selector else ""
    )


def pod(name: str, uid: str = "", *, is_ready: bool = True) -> Object:
    """A Pod as the API server returns it."""
    metadata = {"name": name, "uid": uid or f"uid-{name}", "namespace": "elsewhere"}
    status = {"conditions": [{"type": "Ready", "status": str(is_ready)}]}
    return Object({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": status})


def deployment(generation: int, observed: int, replicas: int) -> Object:
    """A Deployment of this generation and with the status of that."""
    metadata = {"name": "web", "uid": "u", "generation": generation, "namespace": "elsewhere"}
    status = {"observedGeneration": observed, "readyReplicas": replicas}
    kind = {"kind": "Deployment", "apiVersion": "apps/v1"}
    return Object({**kind, "metadata": metadata, "status": status})


@pytest.fixture
def api() -> Api:
    """The API server of the lab."""
    return Api()


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[[str], list[str]]:
    """A function that writes kubectl as a shell script, and returns what it is asked, as it is."""
    asked: list[str] = []

    def write(script: str) -> list[str]:
        file = tmp_path / "bin" / "kubectl"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n{script}\n')
        file.chmod(0o755)
        return asked

    write("echo said: $*")
    return write


def asked(tmp_path: Path) -> list[str]:
    """Return what kubectl was asked."""
    file = tmp_path / "asked"
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def lab(tmp_path: Path, api: Api, kubectl: object) -> Lab:
    """A lab on no cluster."""
    config = {"contexts": [{"name": "kind-x", "context": {"cluster": "kind-x", "user": "admin"}}]}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    cluster = SimpleNamespace(
        kubeconfig_path=tmp_path / "kubeconfig",
        kubectl_path=tmp_path / "bin" / "kubectl",
        env={"PATH": "/usr/bin:/bin", "KUBECONFIG": "nobody's"},
    )
    return Lab(cluster, api, "deleted-pod-is-replaced", proves=("A-1", "A-2"))  # type: ignore[arg-type]


# --- claims


def test_claim_is_held_failed_or_not_reached(lab: Lab) -> None:
    with lab.proves("A-1"):
        pass
    with pytest.raises(ZeroDivisionError), lab.proves("A-2"):
        raise ZeroDivisionError
    assert lab.claims == {"A-1": "held", "A-2": "failed"}


@pytest.mark.parametrize("problem", [Unmet("no"), Refused("no"), AssertionError("no")])
def test_claim_of_two_parts_fails_with_either(lab: Lab, problem: Exception) -> None:
    with lab.proves("A-1"):
        pass
    with pytest.raises(type(problem)), lab.proves("A-1"):
        raise problem
    assert lab.claims == {"A-1": "failed"}


def test_trouble_of_the_lab_says_nothing_of_a_claim(lab: Lab) -> None:
    with pytest.raises(Trouble), lab.proves("A-1"):
        raise Trouble("the cluster is away")
    assert lab.claims == {}


def test_claim_that_the_test_is_not_marked_with_is_refused_at_once(lab: Lab) -> None:
    with pytest.raises(Trouble, match="isn't marked with A-3"), lab.proves("A-3"):
        raise AssertionError("not reached")


# --- becomes


def test_wait_ends_with_the_first_state_that_is_wanted(lab: Lab, api: Api) -> None:
    states = [None, pod("web", "1", is_ready=False), pod("web", "2"), pod("web", "3")]
    api.scripts["pod/web"] = states
    assert lab.becomes("pod/web", lambda seen: seen and seen.is_ready) is states[2]


def test_status_of_an_earlier_generation_does_not_end_the_wait(lab: Lab, api: Api) -> None:
    states = [deployment(2, 1, 3), deployment(2, 2, 1), deployment(2, 2, 3)]
    api.scripts["deployment/web"] = states
    assert lab.becomes("deployment/web", {"status": {"readyReplicas": 3}}) is states[2]


def test_wait_fails_when_only_a_stale_status_was_seen_and_says_so(lab: Lab, api: Api) -> None:
    api.scripts["deployment/web"] = [deployment(2, 1, 3)]
    with pytest.raises(AssertionError, match="controller has not seen the last change yet"):
        lab.becomes("deployment/web", {"status": {"readyReplicas": 3}})


OLD, NEW = pod("a", "old"), pod("b", "new")


@pytest.mark.parametrize("without", [[OLD], OLD, Objects([OLD]), "old", {"old"}, [Objects([OLD])]])
def test_object_that_must_be_gone_keeps_the_wait_from_ending(
    lab: Lab, api: Api, without: Any
) -> None:
    api.scripts["pods app=web"] = [Objects([OLD]), Objects([OLD, NEW]), Objects([NEW])]
    seen = lab.becomes("pods app=web", lambda pods: len(pods) > 0, without=without)
    assert seen.uids == {"new"}


def test_wait_for_absence_ends_when_the_object_is_gone(lab: Lab, api: Api) -> None:
    api.scripts["pod/web"] = [pod("web"), None]
    assert lab.becomes("pod/web", ABSENT) is None


def test_wait_that_runs_out_says_what_was_wanted_and_seen_and_what_the_cluster_says(
    lab: Lab, api: Api, tmp_path: Path
) -> None:
    waiting = Objects([pod("a"), pod("b", is_ready=False)])
    api.scripts["pods app=web"] = [Objects(), waiting]
    with pytest.raises(AssertionError) as caught:
        lab.becomes("pods app=web", ready(2), within=7)
    lines = str(caught.value).splitlines()
    assert lines[:2] == [
        "pods app=web: not seen within 7 s",
        "wanted: exactly 2 live, all Ready",
    ]
    assert lines[2].startswith("seen:   pod/a {'conditions'")
    assert lines[3].startswith("        pod/b {'conditions'")
    place = f"-n {lab.namespace}"
    assert lines[4:] == [
        "--- events",
        f"said: events {place}",
        "--- describe pods app=web",
        f"said: describe pods -l app=web {place}",
        "--- logs of b",
        f"said: logs b --all-containers --tail=20 {place}",
    ]


def test_wait_that_runs_out_names_each_field_that_differs(lab: Lab, api: Api) -> None:
    api.scripts["deployment/web"] = [deployment(2, 2, 1)]
    with pytest.raises(AssertionError) as caught:
        lab.becomes("deployment/web", {"status": {"readyReplicas": 3, "observedGeneration": 2}})
    text = str(caught.value)
    assert "seen:   status.readyReplicas: wanted 3, seen 1\n---" in text
    assert "said: describe deployment web" in text


def test_wait_is_noted_with_its_time_and_bound(lab: Lab, api: Api) -> None:
    api.scripts["pod/web"] = [pod("web")]
    lab.becomes("pod/web", {}, within=5)
    (note,) = lab.waits
    assert (note["wait"], note["what"], note["bound"]) == ("becomes", "pod/web", 5)
    assert 0 <= note["seconds"] < 1


# --- eventually


def test_question_is_asked_until_the_answer_is_wanted_also_after_it_failed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_basic.live.lab.PAUSE", 0.001)
    answers = iter([1, AssertionError("no answer"), Refused("not yet"), 2, 3])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert lab.eventually("an even number", ask, lambda seen: seen % 2 == 0, within=7) == 2
    (note,) = lab.waits
    assert (note["wait"], note["what"], note["bound"]) == ("eventually", "an even number", 7)


def test_question_whose_answer_is_never_wanted_ends_with_the_last_one(lab: Lab) -> None:
    with pytest.raises(AssertionError, match="an even number: not so within 0 s, last: 1"):
        lab.eventually("an even number", lambda: 1, lambda seen: seen % 2 == 0, within=0)
    assert lab.waits == []


def test_request_that_timed_out_is_made_again_and_not_for_ever(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_basic.live.traffic.PATIENCE", 0.5)
    answers = iter([0, 404, 200])
    with pytest.raises(Unmet, match="last: status 404"):
        lab.eventually("200", lambda: Response(next(answers)), lambda a: a.status == 200, within=0)
    with pytest.raises(Unmet, match="last: status 0"):
        lab.eventually("200", lambda: Response(0), lambda a: a.status == 200, within=0)


def test_bound_of_a_question_is_scaled_as_that_of_a_watch(lab: Lab) -> None:
    lab.variation = Variation(wait_scale=0.5)
    lab.eventually("anything", lambda: 1, bool, within=30)
    assert lab.waits[0]["bound"] == 15


# --- stays

THREE = {"status": {"readyReplicas": 3}}
CONTROL = ("pod/control", {"metadata": {"name": "control"}})


@pytest.fixture
def steady(api: Api) -> Api:
    """A Deployment that keeps its three replicas, beside a control that moves."""
    api.scripts["deployment/web"] = [deployment(1, 1, 3), deployment(1, 1, 3)]
    api.scripts["pod/control"] = [None, pod("control")]
    return api


def test_state_that_stays_beside_a_control_that_moves_is_returned(lab: Lab, steady: Api) -> None:
    script = steady.scripts["deployment/web"]
    assert isinstance(script, list)
    assert lab.stays("deployment/web", THREE, 5, control=CONTROL) is script[-1]
    watched = {what: seconds for what, _, seconds in steady.asked}
    assert 4.5 < watched["deployment/web"] <= 5
    assert LONGEST_HOLD - 0.5 < watched["pod/control"] <= LONGEST_HOLD
    assert {note["wait"] for note in lab.waits} == {"becomes", "stays"}


def test_hold_lasts_until_its_slow_control_has_moved(lab: Lab, steady: Api) -> None:
    held, broken = deployment(1, 1, 3), deployment(1, 1, 2)
    looks: list[str] = []

    def slowly(*_: object) -> Iterator[object]:
        yield None
        while len(looks) < 2:  # the hold's own seconds are over, and it's looked at once more
            time.sleep(0.01)
        yield pod("control")

    def watched(deadline: float, stop: Callable[[], bool] | None) -> Iterator[object]:
        looks.append("after" if stop else "within")
        yield held if len(looks) == 1 else broken

    steady.scripts |= {"pod/control": slowly, "deployment/web": watched}
    with pytest.raises(AssertionError, match="did not stay so for 5 s"):
        lab.stays("deployment/web", THREE, 5, control=CONTROL)
    assert looks == ["within", "after"]


def test_state_that_changes_for_a_moment_did_not_stay(lab: Lab, steady: Api) -> None:
    held = deployment(1, 1, 3)
    steady.scripts["deployment/web"] = [held, deployment(1, 1, 2), held]
    with pytest.raises(AssertionError, match=r"(?s)did not stay so for 5 s.*readyReplicas: wanted"):
        lab.stays("deployment/web", THREE, 5, control=CONTROL)


def test_state_that_stays_proves_nothing_when_the_control_does_not_move(
    lab: Lab, steady: Api
) -> None:
    steady.scripts["pod/control"] = [None, None]
    with pytest.raises(AssertionError, match="control beside it did not move: pod/control: not"):
        lab.stays("deployment/web", THREE, 5, control=CONTROL)


@pytest.mark.parametrize("problem", [ApiException(status=500), KeyError("metadata")])
def test_state_that_stays_proves_nothing_when_the_control_cannot_be_watched(
    lab: Lab, steady: Api, problem: Exception
) -> None:
    def breaks(*_: object) -> Iterator[None]:
        yield None
        raise problem

    steady.scripts["pod/control"] = breaks
    with pytest.raises(Trouble, match=f"could not be watched: {type(problem).__name__}"):
        lab.stays("deployment/web", THREE, 5, control=CONTROL)


# --- watching


def test_every_state_is_recorded_from_before_the_act_until_the_watch_is_told_to_stop(
    lab: Lab, api: Api
) -> None:
    acted = threading.Event()

    def states(deadline: float, stop: Callable[[], bool]) -> Iterator[Objects]:
        yield Objects([OLD])
        acted.wait(5)
        yield Objects([OLD, NEW])
        while not stop():
            time.sleep(0.001)
        yield Objects([NEW])  # a watch tells what happened before its end

    api.scripts["pods"] = states
    with lab.watching("pods") as seen:
        assert [state.uids for state in seen.history] == [{"old"}]
        acted.set()
    assert [state.uids for state in seen.history] == [{"old"}, {"old", "new"}, {"new"}]


def test_record_that_breaks_off_is_no_record(lab: Lab, api: Api) -> None:
    def breaks(*_: object) -> Iterator[Objects]:
        yield Objects([OLD])
        raise ApiException(status=500, reason="etcd is away")

    api.scripts["pods"] = breaks
    with (
        pytest.raises(Trouble, match=r"(?s)watch of pods broke off.*etcd is away"),
        lab.watching("pods"),
    ):
        pass


# --- refusals


def refusing(*_: Any) -> None:
    raise Refused("spec.selector: field is immutable", "Invalid", 422)


def test_refusal_as_expected_is_returned(lab: Lab) -> None:
    answer = lab.refuses(refusing, 1, code=422, reason="Invalid", field="spec.selector")
    assert answer.code == 422


def test_request_that_is_accepted_is_no_refusal(lab: Lab) -> None:
    with pytest.raises(AssertionError, match="accepted, though it should be refused"):
        lab.refuses(lambda: None)


def test_refusal_for_another_reason_is_told_with_the_answer(lab: Lab) -> None:
    with pytest.raises(AssertionError, match=r"not with code 403, text quota: 422 Invalid: spec"):
        lab.refuses(refusing, code=403, reason="Invalid", text="quota")


# --- acts


def test_example_is_applied_by_kubectl_as_the_reader_applies_it(
    lab: Lab, api: Api, tmp_path: Path
) -> None:
    api.now["Pod/my-pod"] = pod("my-pod")
    document = {"kind": "Pod", "metadata": {"name": "my-pod"}}
    applied = lab.apply([document], namespace="other")
    assert applied.names == {"my-pod"}
    (line,) = asked(tmp_path)
    words = line.split()
    assert words[:2] == ["apply", "-f"] and words[3:] == ["-n", "other"]
    assert yaml.safe_load(Path(words[2]).read_text()) == document


def test_apply_that_is_refused_raises_what_the_server_said(
    lab: Lab, kubectl: Callable[[str], object]
) -> None:
    kubectl("echo 'Error from server (Forbidden): no' >&2; exit 1")
    lab.refuses(lab.apply, {"kind": "Pod", "metadata": {"name": "x"}}, code=403)


def test_warnings_of_an_apply_are_returned_and_only_of_that_one(
    lab: Lab, kubectl: Callable[[str], object]
) -> None:
    document = {"kind": "Pod", "metadata": {"name": "x"}}
    kubectl("echo 'Warning: spec.old is deprecated' >&2; echo other >&2")
    assert lab.warns(document) == ["spec.old is deprecated"]
    kubectl("true")
    assert lab.warns(document) == []


def test_deleting_what_is_not_there_is_a_failure(lab: Lab, api: Api) -> None:
    with pytest.raises(Trouble, match="pod/web is not there to be deleted"):
        lab.delete("pod/web")
    assert not [act for act in api.done if act[0] == "delete"]


def test_deletion_returns_the_object_as_it_was_and_waits_when_asked(lab: Lab, api: Api) -> None:
    api.now["pod/web"] = before = pod("web")
    api.scripts["pod/web"] = [before, None]
    assert lab.delete("pod/web", propagationPolicy="Orphan") is before
    assert api.done[-1] == ("delete", "pod/web", "propagationPolicy=Orphan")
    assert lab.waits == []
    assert lab.delete(before, wait=True) is before
    assert [note["what"] for note in lab.waits] == ["pod/web"]


def test_command_of_the_reader_runs_with_kubectl_and_in_the_namespace_of_the_lab(
    lab: Lab,
) -> None:
    done = lab.run("kubectl get pods | tr a-z A-Z; cat $KUBECONFIG >&2; exit 3")
    assert (done.code, done.out) == (3, "SAID: GET PODS\n")
    context = yaml.safe_load(done.err)["contexts"][0]["context"]
    assert context == {"cluster": "kind-x", "user": "admin", "namespace": lab.namespace}


def test_command_in_a_container_that_fails_is_a_failure(
    lab: Lab, kubectl: Callable[[str], object], tmp_path: Path
) -> None:
    assert lab.exec(pod("web"), "ls", "/", container="a").startswith("said: exec")
    assert asked(tmp_path) == ["exec web --namespace=elsewhere --container=a -- ls /"]
    kubectl("echo no such container >&2; exit 1")
    with pytest.raises(AssertionError, match="kubectl exec web -- ls failed: no such container"):
        lab.exec("pod/web", "ls")


def test_log_is_read_until_the_text_is_in_it(
    lab: Lab, kubectl: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_basic.live.lab.PAUSE", 0.001)
    kubectl(f"[ $(wc -l <{tmp_path}/asked) -ge 3 ] && echo started; true")
    assert lab.logged("pod/web", "started") == "started\n"
    assert len(asked(tmp_path)) == 3
    with pytest.raises(AssertionError, match=r"'ended' in the log of web: not so .*\nstarted"):
        lab.logged("pod/web", "ended", within=0)


def test_events_are_those_of_the_object_and_not_of_an_earlier_one_of_its_name(
    lab: Lab, api: Api
) -> None:
    events = [
        Object({"involvedObject": {"name": "web", "uid": uid}, "reason": uid}) for uid in "aba"
    ]
    api.now["events"] = Objects(events)
    assert [event["reason"] for event in lab.events(pod("web", "a"))] == ["a", "a"]


# --- traffic


@pytest.fixture
def client(lab: Lab, api: Api) -> Lab:
    """A lab whose client Pod is Ready at once."""
    api.now["Pod/lab-client"] = pod("lab-client")
    api.scripts["pod/lab-client"] = [pod("lab-client")]
    return lab


def test_request_inside_is_made_by_the_client_pod_which_is_started_once(
    client: Lab, api: Api, kubectl: Callable[[str], object], tmp_path: Path
) -> None:
    kubectl("printf 'HTTP/1.1 200 OK\\r\\n\\r\\nhello'")
    client.variation = Variation(applies=False)
    assert client.apply({"kind": "Pod", "metadata": {"name": "of-a-test"}}) == []
    assert client.http("http://web/", host="a.example").body == "hello"
    client.http("http://web/")
    assert api.done.count(("create", "Pod/lab-client")) == 1
    requests = asked(tmp_path)
    assert [line.split(" curl ")[0] for line in requests] == ["exec lab-client --"] * 2
    assert requests[0].endswith("-H Host: a.example http://web/")


def test_request_that_gets_another_answer_fails_with_that_answer(
    client: Lab, kubectl: Callable[[str], object]
) -> None:
    kubectl("printf 'HTTP/1.1 503 No\\r\\n\\r\\nno backend'")
    with pytest.raises(AssertionError) as caught:
        client.http("http://web/", within=0)
    text = str(caught.value)
    assert text.startswith(
        "http://web/: status 200: not so within 0 s, last: status 503: no backend\n--- events\n"
    )
    assert client.http("http://web/", within=0, status=503).status == 503
    assert client.http("http://web/", within=0, status=None).status == 503
    with pytest.raises(AssertionError, match="status 0: not so"):
        client.http("http://web/", within=0, status=0)


def test_refused_connection_inside_is_no_answer(
    client: Lab, kubectl: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_basic.live.traffic.PATIENCE", 0.5)
    kubectl("[ $1 = apply ] && exit; echo 'curl: (7) Failed to connect' >&2; exit 7")
    assert client.http("http://web/", within=0, status=0).body == "curl: (7) Failed to connect"
    with pytest.raises(AssertionError, match=r"an answer: not so within . s, last: status 0: curl"):
        client.http("http://web/", within=0, status=None)


# --- what the scheduler knows


def on_node(name: str) -> Object:
    """The scout on the node of this name."""
    scout = pod("lab-scout")
    scout["spec"] = {"nodeName": name}
    return scout


def test_scout_shows_that_the_scheduler_knows_the_node_and_is_gone_then(lab: Lab, api: Api) -> None:
    node = Object({"kind": "Node", "metadata": {"name": "worker", "uid": "u"}})
    api.scripts["pod/lab-scout"] = [on_node(""), on_node("worker")]
    lab.scheduler_has_seen(node)
    marked, *acts, unmarked = api.done[1:]
    assert acts == [
        ("create", "Pod/lab-scout"),
        ("delete", "pod/lab-scout", "gracePeriodSeconds=0"),
    ]
    assert marked[:2] == unmarked[:2] == ("patch", "node/worker")
    assert json.loads(unmarked[2]) == {"metadata": {"labels": {"lab-scout": None}}}
    # an old mark may be all that the scheduler has seen
    api.scripts["pod/lab-scout"] = [on_node("")]
    with pytest.raises(AssertionError, match="nodeName"):
        lab.scheduler_has_seen(node)
    assert api.done[-1] == unmarked
    assert len({act for act in api.done if act[0] == "patch"}) == 3


# --- a lab's own namespaces


def test_namespaces_of_the_lab_are_its_own_and_go_with_it(lab: Lab, api: Api) -> None:
    other = lab.new_namespace("b")
    assert lab.namespace.startswith("deleted-pod-is-replaced-")
    assert other == f"{lab.namespace}-b"
    lab.close()
    assert api.done == [
        ("create", f"Namespace/{lab.namespace}"),
        ("create", f"Namespace/{other}"),
        ("delete_all", f"pods of {lab.namespace}"),
        ("delete", f"namespace/{lab.namespace}"),
        ("delete_all", f"pods of {other}"),
        ("delete", f"namespace/{other}"),
    ]
    assert not lab.kubeconfig.exists()


def test_namespace_without_its_service_account_is_no_lab(lab: Lab, api: Api) -> None:
    api.scripts["serviceaccount/default"] = [None]
    with pytest.raises(Trouble, match="got no ServiceAccount"):
        lab.new_namespace("b")


def test_table_of_kubectl_is_read_by_its_headings_wherever_they_stand() -> None:
    table = """\
NAME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE
one    1Gi        RWO,RWX                       4s
longer 1Gi        RWX            standard       10d
"""
    rows = Completed(0, table, "").rows
    assert [row["ACCESS MODES"] for row in rows] == ["RWO,RWX", "RWX"]
    assert [row["STORAGECLASS"] for row in rows] == ["", "standard"]
    assert Completed(0, "", "No resources found in default namespace.").rows == []
