"""What the API server tells in a list and a watch becomes the states that a test sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from k8s_basic.live.api import Api
from k8s_basic.live.failures import Refused
from k8s_basic.live.objects import Objects
from kubernetes.client import ApiException

PODS = SimpleNamespace(
    name="pods", singular_name="pod", kind="Pod", group="", group_version="v1", preferred=True,
    namespaced=True, verbs=["get", "list"], short_names=["po"],
)  # fmt: skip
OTHER_PODS = SimpleNamespace(**{**vars(PODS), "group": "metrics.k8s.io", "short_names": []})
POD_LIST = SimpleNamespace(**{**vars(PODS), "kind": "PodList"})
NODES = SimpleNamespace(**{**vars(PODS), "name": "nodes", "singular_name": "node", "kind": "Node",
                           "namespaced": False, "short_names": ["no"]})  # fmt: skip
OLD_NODES = SimpleNamespace(**{**vars(NODES), "preferred": False, "group_version": "v1beta1"})
REVIEWS = SimpleNamespace(**{**vars(PODS), "name": "reviews", "kind": "Review", "verbs": ["create"],
                             "singular_name": "review", "short_names": None})  # fmt: skip


def pod(name: str, uid: str, version: int, created: int = 0) -> dict[str, Any]:
    """A Pod as the server sends it."""
    metadata = {
        "name": name,
        "uid": uid,
        "resourceVersion": str(version),
        "creationTimestamp": f"2026-01-01T00:00:{created:02}Z",
    }
    return {"metadata": metadata}


class Dynamic:
    """The client library: lists and watches as a test has written them down."""

    def __init__(self) -> None:
        self.lists: list[tuple[list[dict[str, Any]], int]] = []
        self.watches: list[list[Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.fails: ApiException | None = None

    def get(self, resource: Any, **query: Any) -> Any:
        self.asked.append(query)
        items, version = self.lists.pop(0)
        answer = {"items": items, "metadata": {"resourceVersion": str(version)}}
        return SimpleNamespace(to_dict=lambda: answer)

    def watch(self, resource: Any, **query: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(query)
        for event in self.watches.pop(0):
            if isinstance(event, Exception):
                raise event
            yield {"type": event[0], "raw_object": {"kind": "Pod", "apiVersion": "v1", **event[1]}}

    def patch(self, resource: Any, **request: Any) -> Any:
        self.asked.append(request)
        if self.fails:
            raise self.fails
        return SimpleNamespace(to_dict=lambda: {"kind": "Pod", **pod("web", "u", 9)})

    create = delete = patch


@pytest.fixture
def dynamic() -> Dynamic:
    """The client library behind the API."""
    return Dynamic()


@pytest.fixture
def api(dynamic: Dynamic) -> Api:
    """The API on no server."""
    api = Api.__new__(Api)
    api.dynamic = dynamic
    api._resources = [OTHER_PODS, POD_LIST, PODS, OLD_NODES, NODES, REVIEWS]
    return api


# --- what is named


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("pods", {"namespace": "lab"}),
        ("pod/web", {"namespace": "lab", "field_selector": "metadata.name=web"}),
        ("Pod/web", {"namespace": "lab", "field_selector": "metadata.name=web"}),
        ("pods app=web,tier!=x", {"namespace": "lab", "label_selector": "app=web,tier!=x"}),
        ("po app.kubernetes.io/name=a", {"namespace": "lab",
                                         "label_selector": "app.kubernetes.io/name=a"}),
        ("nodes", {}),
        ("no", {}),
        ("node/a", {"field_selector": "metadata.name=a"}),
    ],
)  # fmt: skip
def test_objects_are_named_as_kubectl_takes_them(
    api: Api, what: str, query: dict[str, str]
) -> None:
    target = api.target(what, "lab")
    assert target.query() == query
    assert target.resource is (NODES if what.startswith("no") else PODS)


def test_kind_that_nobody_can_list_is_not_taken(api: Api) -> None:
    with pytest.raises(LookupError, match="lists no kind reviews"):
        api.target("reviews", "lab")


# --- states


def states(api: Api, what: str, seconds: float = 60) -> Iterator[Any]:
    """The states of a watch of at most so many seconds."""
    return api.snapshots(api.target(what, "lab"), time.monotonic() + seconds)


def test_every_event_is_a_state_of_the_whole_list_the_oldest_object_first(
    api: Api, dynamic: Dynamic
) -> None:
    dynamic.lists = [([pod("b", "1", 1, created=5), pod("a", "2", 2, created=3)], 7)]
    dynamic.watches = [
        [
            ("ADDED", pod("c", "3", 8, created=4)),
            ("MODIFIED", pod("b", "1", 9, created=5)),
            ("DELETED", pod("a", "2", 10, created=3)),
        ]
    ]
    seen = states(api, "pods")
    history = [next(seen) for _ in range(4)]
    assert [[o.name for o in state] for state in history] == [
        ["a", "b"],
        ["a", "c", "b"],
        ["a", "c", "b"],
        ["c", "b"],
    ]
    assert history[2][2].at("metadata.resourceVersion") == "9"
    assert history[0][1].at("metadata.resourceVersion") == "1"  # earlier states stay as they were
    assert dynamic.asked[1]["resource_version"] == "7"


def test_object_that_is_made_again_under_its_name_is_seen_gone_in_between(
    api: Api, dynamic: Dynamic
) -> None:
    dynamic.lists = [([pod("web", "1", 1)], 7)]
    dynamic.watches = [[("DELETED", pod("web", "1", 8)), ("ADDED", pod("web", "2", 9))]]
    seen = states(api, "pod/web")
    assert next(seen).uid == "1"
    assert next(seen) is None
    assert next(seen).uid == "2"


def test_listed_objects_have_the_kind_that_the_server_leaves_out(
    api: Api, dynamic: Dynamic
) -> None:
    dynamic.lists = [([pod("web", "1", 1)], 7)]
    assert api.get(api.target("pod/web", "lab")).reference == "pod/web"
    dynamic.lists = [([], 7), ([], 7)]
    assert api.get(api.target("pod/web", "lab")) is None
    assert api.get(api.target("pods", "lab")) == Objects()


def test_watch_that_ends_early_goes_on_from_the_last_event(api: Api, dynamic: Dynamic) -> None:
    dynamic.lists = [([], 7)]
    dynamic.watches = [[("ADDED", pod("a", "1", 8))], [("ADDED", pod("b", "2", 9))]]
    seen = states(api, "pods")
    assert [next(seen).names for _ in range(3)] == [set(), {"a"}, {"a", "b"}]
    assert [query.get("resource_version") for query in dynamic.asked] == [None, "7", "8"]


def test_watch_that_is_too_old_begins_again_with_a_list(api: Api, dynamic: Dynamic) -> None:
    dynamic.lists = [([pod("a", "1", 1)], 7), ([pod("b", "2", 2)], 50)]
    dynamic.watches = [[ApiException(status=410)], [("ADDED", pod("c", "3", 51))]]
    seen = states(api, "pods")
    assert [next(seen).names for _ in range(3)] == [{"a"}, {"b"}, {"b", "c"}]


def test_other_errors_of_a_watch_are_not_waited_out(api: Api, dynamic: Dynamic) -> None:
    dynamic.lists = [([], 7)]
    dynamic.watches = [[ApiException(status=403)]]
    with pytest.raises(ApiException, match="403"):
        list(states(api, "pods"))


def test_watch_ends_with_its_time(api: Api, dynamic: Dynamic) -> None:
    dynamic.lists = [([], 7)]
    dynamic.watches = [[]] * 100_000
    started = time.monotonic()
    assert list(states(api, "pods", seconds=0.05)) == [Objects()]
    assert 0.05 <= time.monotonic() - started < 5


def test_watch_that_may_be_stopped_is_asked_again_in_short_pieces(
    api: Api, dynamic: Dynamic
) -> None:
    dynamic.lists = [([], 7)]
    dynamic.watches = [[("ADDED", pod("a", "1", 8))], [("ADDED", pod("b", "2", 9))], []]
    answers = iter([False, False, True])
    target = api.target("pods", "lab")
    seen = list(api.snapshots(target, float("inf"), lambda: next(answers)))
    assert [state.names for state in seen] == [set(), {"a"}, {"a", "b"}]
    assert [query["timeout"] for query in dynamic.asked[1:]] == [1, 1]


# --- changes


@pytest.mark.parametrize("verb", ["patch", "create", "delete"])
def test_change_that_the_server_does_not_take_is_refused(
    api: Api, dynamic: Dynamic, verb: str
) -> None:
    dynamic.fails = ApiException(status=409, reason="Conflict")
    arguments = [] if verb == "delete" else [{}]
    with pytest.raises(Refused) as caught:
        getattr(api, verb)(api.target("pod/web", "lab"), *arguments)
    assert caught.value.code == 409
