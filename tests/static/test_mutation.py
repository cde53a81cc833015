"""Mutants: what is changed, which failure of a test counts as a kill, and what is kept of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from k8s_basic import ROOT
from k8s_basic.content.claims import Proof
from k8s_basic.live.failures import Refused
from k8s_basic.mutation import __main__ as command
from k8s_basic.mutation import choice, plugin, report, whole
from k8s_basic.mutation.choice import ListError, Subject, mutants, subjects
from k8s_basic.mutation.mutants import Mutant, generate

pytest_plugins = ["pytester"]

SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "labels": {"a.b/c": "idle"}},
    "spec": {
        "type": "NodePort",
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "front", "protocol": "TCP"}],
    },
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "hostNetwork": True,
        "volumes": [{"name": "a", "emptyDir": {}}],
        "containers": [
            {
                "name": "main",
                "image": "nginx:1.22.1",
                "command": ["sh", "-c", "echo a > /x/y"],
                "ports": [{"name": "front", "containerPort": 8080}],
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
            },
            {"name": "second", "image": "registry.k8s.io/pause:3.10.2"},
        ],
    },
}
CHANGES = {
    "#0:metadata.name=wex",
    "#0:spec.type=ClusterIP",
    "#0:spec.selector.app=wex",
    "#0:spec.selector removed",
    "#0:spec.ports.0.port=81",
    "#0:spec.ports.0.targetPort=fronx",
    "#1:spec.hostNetwork=false",
    "#1:spec.volumes removed",
    "#1:spec.containers.0 removed",
    "#1:spec.containers.0.image=registry.k8s.io/pause:3.10.2",
    "#1:spec.containers.0.command.2=echo_a_>_/x/x",
    "#1:spec.containers.0.command removed",
    "#1:spec.volumes.0.emptyDir removed",
    "#1:spec.containers.0.readinessProbe removed",
    "#1:spec.containers.0.readinessProbe.httpGet.path=/readyx",
    "#1:spec.containers.0.readinessProbe.httpGet.port=8081",
}


def test_each_place_has_one_mutant_and_what_only_describes_has_none() -> None:
    found = generate("", [SERVICE, POD])
    assert {mutant.id for mutant in found} == CHANGES
    for mutant in found:
        assert mutant.of([SERVICE, POD]) != [SERVICE, POD]


def test_value_of_another_object_is_the_mistake_that_is_made() -> None:
    other = {**SERVICE, "metadata": {"name": "api"}}
    names = [m.value for m in generate("", [SERVICE, other]) if m.path == "metadata.name"]
    assert names == ["api"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Subject]]:
    """An empty repository, and two examples of one lesson that its tests use."""
    (tmp_path / "tests/live").mkdir(parents=True)
    test = "tests/live/a/test_b.py::test_c"
    tests = {test: [Proof("AA-1", "tests/live/a/test_b.py", 1, "test_c")]}
    return tmp_path, {name: Subject(name, [POD], tests) for name in ("a/b.yaml", "a/c.yaml")}


def test_lesson_has_one_mutant_of_a_place_however_many_examples(world: Any) -> None:
    root, all_of = world
    found, _ = mutants(root, all_of)
    assert len(found) == len(generate("", [POD]))
    assert {mutant.example for mutant in found} == {"a/b.yaml"}


def test_reviewed_mutant_is_kept_apart_with_its_reason(world: Any) -> None:
    root, all_of = world
    name = "a/b.yaml#0:spec.hostNetwork=false"
    (root / choice.EQUIVALENTS).write_text(f"nobody looks:\n- {name}\n")
    found, equal = mutants(root, all_of)
    assert equal == {name: "nobody looks"}
    assert name not in {mutant.id for mutant in found}


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (choice.EQUIVALENTS, "why:\n- a/b.yaml#0:spec.hostNetwork=tru\n", "did you mean"),
        (choice.CURATED, "- {example: a/x.yaml, path: a, value: 1, claims: [AA-1]}", "no live"),
        (choice.CURATED, "- {example: a/b.yaml, path: spec.x.y, value: 1, claims: [AA-1]}", "mend"),
        (choice.CURATED, "- {example: a/b.yaml, path: spec, value: 1, claims: [AA-2]}", "AA-2"),
        (choice.CURATED, "- {example: a/b.yaml, path: kind, value: Pod, claims: [AA-1]}", "alread"),
        (choice.CURATED, "- {example: a/b.yaml, path: kind, value: P, claims: []}", "any claim"),
    ],
)
def test_entry_that_fits_nothing_is_an_error(world: Any, file: str, text: str, said: str) -> None:
    root, all_of = world
    (root / file).write_text(text)
    with pytest.raises(ListError, match=said):
        mutants(root, all_of)


def test_lists_of_this_repository_fit_its_examples_and_claims() -> None:
    found, equal = mutants(ROOT, subjects(ROOT))
    assert len(found) > 500
    assert equal
    for kind in (whole.NOTHING, whole.FOREIGN):
        assert whole.exceptions(ROOT, kind)
        assert len(whole.entries(ROOT, kind, set())) > 200


@pytest.mark.parametrize(
    ("problem", "result"),
    [
        (None, "passed"),
        (AssertionError("not so"), "killed"),
        (Refused("spec.x: no", 422, "Invalid"), "refused"),
        (Refused("provided port is already allocated", 422, "Invalid"), "error"),
        (KeyError("status"), "error"),
        (TimeoutError(), "error"),
    ],
)
def test_only_what_a_test_demands_kills(problem: BaseException | None, result: str) -> None:
    assert plugin.judge(problem) == result


def seen(mutant: str, **results: str) -> list[dict[str, Any]]:
    common = {"mutant": mutant, "message": "", "seconds": 1.0}
    return [{**common, "test": test, "result": result} for test, result in results.items()]


@pytest.mark.parametrize(
    ("results", "unchanged", "end"),
    [
        ({"a": "passed", "b": "killed"}, {"a": "passed", "b": "passed"}, "killed"),
        ({"a": "passed", "b": "passed"}, {"a": "passed", "b": "passed"}, "survived"),
        ({"a": "refused"}, {"a": "passed"}, "refused"),
        ({"a": "error", "b": "passed"}, {"a": "passed", "b": "passed"}, "error"),
        ({"a": "passed", "b": "killed"}, {"a": "passed", "b": "killed"}, "error"),
        ({"a": "passed"}, {"a": "passed"}, None),
        ({"a": "passed", "b": "skipped"}, {"a": "passed", "b": "skipped"}, "error"),
    ],
)
def test_kill_counts_only_of_a_test_that_passes_unchanged(
    results: dict[str, str], unchanged: dict[str, str], end: str | None
) -> None:
    outcomes = seen("m", **results) + seen(plugin.UNCHANGED, **unchanged)
    entry = {"id": "m", "key": "k", "tests": ["a", "b"]}
    record = report.decide(entry, outcomes, report.baselines(outcomes))
    assert (record and record["class"]) == end


def test_result_stays_until_the_example_or_a_test_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "REPORT", tmp_path / "report.json")
    known = {n: {"class": c, "key": n} for n, c in (("a", "killed"), ("b", "survived"))}
    found = report.write(known, {"a": "a", "b": "b", "c": "c"}, {"d": "why"})
    assert (found["score"], found["not run yet"]) == (0.5, 1)
    assert report.load()["d"] == {"class": "equivalent", "reason": "why"}
    found = report.write(report.load(), {"a": "a", "b": "other"}, {})
    assert (found["score"], found["not run yet"], list(found["mutants"])) == (1.0, 1, ["a"])


def test_key_changes_with_the_example_and_its_tests(world: Any) -> None:
    _, all_of = world
    subject, mutant = all_of["a/b.yaml"], Mutant("a/b.yaml", 0, "spec.x", 1)
    key = command._key(mutant, subject)
    proof = Proof("AA-1", "tests/live/a/test_b.py", 1, "test_c", digest="other")
    assert command._key(mutant, Subject("", subject.documents, {"t": [proof]})) != key
    assert command._key(mutant, Subject("", [SERVICE], subject.tests)) != key
    assert command._key(mutant, Subject("", [POD], subject.tests)) == key


CONFTEST = """\
import pytest, yaml
from k8s_basic.live.lab import Variation
from k8s_basic.mutation import plugin

def pytest_addoption(parser):
    plugin.add_options(parser)

def pytest_configure(config):
    if config.getoption("mutants"):
        config.pluginmanager.register(plugin.Run(config))

@pytest.fixture
def variation(request):
    return getattr(request, "param", Variation())

@pytest.fixture
def n(variation):
    yield yaml.safe_load(variation.overlay["a/b.yaml"].read_text() if variation.overlay else "3")
"""
TESTS = """\
def test_first(n): assert n > 0
def test_second(n): assert n != 2
def test_broken(n): assert False
def test_unused(n): assert False
"""


def test_run_multiplies_tests_and_stops_at_the_first_kill(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "OUTCOMES", pytester.path / "outcomes.jsonl")
    monkeypatch.setattr(report, "OUTCOMES", pytester.path / "outcomes.jsonl")
    monkeypatch.setattr(plugin, "STATE", pytester.path / "state")
    pytester.makeini("[pytest]\nmarkers = exclusive: alone")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    tests = [f"test_it.py::test_{name}" for name in ("second", "first", "broken")]
    entries = []
    for n in (0, 2, 4):
        (pytester.path / f"{n}.yaml").write_text(str(n))
        entry = {"id": f"n={n}", "key": str(n), "example": "a/b.yaml", "tests": tests}
        entries.append({**entry, "file": str(pytester.path / f"{n}.yaml"), "alone": n == 0})
    (pytester.path / "mutants.json").write_text(json.dumps(entries))
    done = pytester.runpytest_inprocess("--mutants=mutants.json", "-p", "no:xdist", "-q")
    assert "1 deselected" in done.stdout.str()
    outcomes = report.outcomes()
    passed = report.baselines(outcomes)
    ends = {e["id"]: report.decide(e, outcomes, passed) for e in entries}
    by = {name: end and (end["class"], end["by"].rpartition("_")[2]) for name, end in ends.items()}
    assert by["n=0"] == ("killed", "first")
    assert by["n=2"] == ("killed", "second")
    assert by["n=4"] == ("error", "broken")
    assert not [o for o in outcomes if (o["mutant"], o["test"]) == ("n=2", tests[1])], "decided"


def test_whole_tests_are_told_when_they_do_not_end_as_they_should() -> None:
    entries = [{"id": f"nothing {n}", "tests": [n]} for n in "abcd"]
    outcomes = seen(plugin.UNCHANGED, a="passed", b="passed", c="passed", d="killed")
    for test, result in (("a", "killed"), ("b", "passed"), ("c", "killed"), ("d", "killed")):
        outcomes += seen(f"nothing {test}", **{test: result})
    said = whole.verdicts(whole.NOTHING, entries, outcomes, {"c": "why"})
    assert [line.rpartition(": ")[2] for line in said] == ["b", "c", "d"]
    assert said[0].startswith("passes though nothing is there")
    assert said[1].startswith("no exception any more")
    assert said[2].startswith("not judged")
    assert whole.verdicts(whole.NOTHING, entries[1:2], outcomes, {"b": "why"}) == []


def test_no_example_stands_beside_a_test_whose_labels_or_names_it_has(tree: Path) -> None:
    proof = Proof("WL-3", "tests/live/config/test_x.py", 1, "test_x", examples=whole.OTHERS)
    with pytest.raises(LookupError, match="shares names or labels"):
        whole.foreign(ROOT, proof)
