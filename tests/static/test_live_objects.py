"""What a test wants to see in an object is compared with what the API server returned."""

from __future__ import annotations

from typing import Any

import pytest
from k8s_basic.live.conditions import ABSENT, Wanted, count, describe, differences, holds, ready
from k8s_basic.live.objects import Object, Objects


def pod(name: str, *, is_ready: bool = True, going: bool = False) -> Object:
    """A Pod as the API server returns it."""
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "namespace": "lab"}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": str(is_ready)},
    ]
    status = {"conditions": conditions}
    return Object({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": status})


def deployment(generation: int, observed: int | None, **status: Any) -> Object:
    """A Deployment whose controller has seen generation `observed` (None: nothing yet)."""
    seen = {} if observed is None else {"observedGeneration": observed}
    metadata = {"name": "web", "uid": "u", "generation": generation}
    content = {"metadata": metadata, "status": {**seen, **status}}
    return Object({"kind": "Deployment", "apiVersion": "apps/v1", **content})


# --- reading an object

LAB = Object(
    {
        "kind": "Pod",
        "metadata": {"name": "web", "uid": "u", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "replicas": 0},
    }
)


def test_pod_that_is_being_deleted_is_not_ready_whatever_its_condition_says() -> None:
    assert pod("x").is_ready
    assert not pod("x", is_ready=False).is_ready
    assert not pod("x", going=True).is_ready
    assert not LAB.is_ready


# --- several objects


@pytest.mark.parametrize(
    ("pods", "met"),
    [
        ([pod("a"), pod("b")], True),
        ([pod("a"), pod("b"), pod("c", going=True)], True),
        ([pod("a")], False),
        ([pod("a"), pod("b"), pod("c")], False),
        ([pod("a"), pod("b", is_ready=False)], False),
        ([pod("a"), pod("b"), pod("c", is_ready=False)], False),
        ([pod("a"), pod("b", going=True)], False),
        ([], False),
    ],
)
def test_ready_is_that_many_live_pods_and_each_of_them_ready(pods: list[Object], met: bool) -> None:
    assert ready(2)(Objects(pods)) is met


def test_count_takes_pods_that_are_not_ready_but_none_that_go() -> None:
    pods = Objects([pod("a", is_ready=False), pod("b", going=True), pod("c")])
    assert [number for number in range(4) if count(number)(pods)] == [2]


# --- comparing


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "x", "d": 1}}}),
        ({"a": None}, {"b": 1}),
        ({"a": {"b": None}}, {"a": {"c": 1}}),
        ({"a": {"b": None}}, {}),  # the last label takes `labels` with it
        ({"a": {"b": {"c": None}}}, {"x": 1}),
        ({"list": [{"n": 2}]}, {"list": [{"n": 1, "x": 0}, {"n": 2, "x": 0}]}),
        ({"list": [{"n": 2}, {"n": 1}]}, {"list": [{"n": 1}, {"n": 2}]}),
        ({"list": ["b"]}, {"list": ["a", "b"]}),
        ({"list": []}, {"list": []}),
        ({"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}),
    ],
)
def test_partial_object_matches_what_has_all_of_its_fields(wanted: Any, seen: Any) -> None:
    assert differences(wanted, seen) == []


@pytest.mark.parametrize(
    ("wanted", "seen", "line"),
    [
        ({"a": 1}, {"a": 2}, "a: wanted 1, seen 2"),
        ({"a": 1}, {"b": 1}, "a: wanted 1, seen None"),
        ({"a": {"b": 1}}, {}, "a.b: wanted 1, seen None"),
        ({"a": {"b": 1}}, {"a": 3}, "a: wanted {'b': 1}, seen 3"),
        ({"a": {"b": None}}, {"a": {"b": 0}}, "a.b: wanted None, seen 0"),
        ({"a": None}, {"a": {}}, "a: wanted None, seen {}"),
        ({"a": "1"}, {"a": 1}, "a: wanted '1', seen 1"),
        ({"a": {}}, {}, "a: wanted {}, seen None"),
        ({"l": [{"n": 3}]}, {"l": [{"n": 1}]}, "l: no item like {'n': 3} among [{'n': 1}]"),
        ({"l": ["a"]}, {"l": []}, "l: no item like 'a' among []"),
        ({"l": ["a"]}, {}, "l: wanted ['a'], seen None"),
        ({"l": []}, {"l": ["a"]}, "l: wanted [], seen ['a']"),
        ({"l": [{"n": 1, "m": 1}]}, {"l": [{"n": 1}, {"m": 1}]}, "l: no item like"),
    ],
)
def test_difference_is_told_with_its_path_and_both_values(
    wanted: Any, seen: Any, line: str
) -> None:
    found = differences(wanted, seen)
    assert len(found) == 1
    assert found[0].startswith(line)


# --- whether it holds

TWO = {"status": {"readyReplicas": 2}}


def test_status_of_an_earlier_generation_never_holds() -> None:
    assert holds(TWO, deployment(3, 3, readyReplicas=2))
    assert not holds(TWO, deployment(3, 2, readyReplicas=2))
    assert not holds(lambda seen: True, deployment(3, 2, readyReplicas=2))


def test_status_that_its_controller_has_not_written_yet_never_holds() -> None:
    nothing_yet: Wanted = {"status": {"readyReplicas": None}}
    assert not holds(nothing_yet, deployment(1, None))
    assert holds(nothing_yet, deployment(1, 1))


def test_absent_is_that_nothing_is_seen() -> None:
    assert holds(ABSENT, None)
    assert not holds(ABSENT, pod("x"))
    assert not holds(ABSENT, deployment(2, 1))  # stale or not, it is there


@pytest.mark.parametrize("wanted", [{}, {"metadata": {"labels": None}}, {"metadata": {}}])
def test_object_that_is_not_there_has_no_fields_to_match(wanted: Wanted) -> None:
    assert not holds(wanted, None)


def test_what_is_wanted_is_told_in_words() -> None:
    def old_pod_is_gone(seen: Objects) -> bool:
        return not seen

    def documented(seen: Objects) -> bool:
        """A sentence.

        More of it.
        """
        return not seen

    said = [describe(w) for w in (old_pod_is_gone, documented, ready(3), {"a": 1}, ABSENT)]
    assert said == [
        "old pod is gone",
        "A sentence.",
        "exactly 3 live, all Ready",
        "{'a': 1}",
        "ABSENT",
    ]
