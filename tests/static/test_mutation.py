"""Mutants: what is changed, which failure of a test counts as a kill, and what is kept of a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT, run_tests
from k8s_basic.content.claims import Proof
from k8s_basic.live.failures import Refused
from k8s_basic.mutation import __main__ as command
from k8s_basic.mutation import choice, plugin, report, trials, whole
from k8s_basic.mutation.choice import ListError, Subject, mutants, subjects
from k8s_basic.mutation.trials import UNCHANGED, Outcome, Trial

pytest_plugins = ["pytester"]

SERVICE, POD = yaml.safe_load_all("""
apiVersion: v1
kind: Service
metadata: {name: web, labels: {a.b/c: idle}}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: front, protocol: TCP}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  hostNetwork: true
  volumes: [{name: a, emptyDir: {}}]
  containers:
  - name: main
    image: nginx:1.22.1
    command: [sh, -c, echo a > /x/y]
    ports: [{name: front, containerPort: 8080}]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}}
  - {name: second, image: "registry.k8s.io/pause:3.10.2"}
""")
CHANGES = {
    "a/b.yaml#0:metadata.name=wex",
    "a/b.yaml#0:spec.type=ClusterIP",
    "a/b.yaml#0:spec.selector.app=wex",
    "a/b.yaml#0:spec.selector removed",
    "a/b.yaml#0:spec.ports.0.port=81",
    "a/b.yaml#0:spec.ports.0.targetPort=fronx",
    "a/b.yaml#1:spec.hostNetwork=false",
    "a/b.yaml#1:spec.volumes removed",
    "a/b.yaml#1:spec.containers.0 removed",
    "a/b.yaml#1:spec.containers.0.image=registry.k8s.io/pause:3.10.2",
    "a/b.yaml#1:spec.containers.0.command.2=echo_a_>_/x/x",
    "a/b.yaml#1:spec.containers.0.command removed",
    "a/b.yaml#1:spec.volumes.0.emptyDir removed",
    "a/b.yaml#1:spec.containers.0.readinessProbe removed",
    "a/b.yaml#1:spec.containers.0.readinessProbe.httpGet.path=/readyx",
    "a/b.yaml#1:spec.containers.0.readinessProbe.httpGet.port=8081",
}


def world(*documents: list[dict[str, Any]]) -> dict[str, Subject]:
    """Return examples of one lesson, a/b.yaml and so on, that its only test uses."""
    test = "tests/live/a/test_b.py::test_c"
    tests = {test: [Proof("AA-1", "tests/live/a/test_b.py", 1, "test_c")]}
    return {f"a/{name}.yaml": Subject(those, tests) for name, those in zip("bcd", documents)}


def test_lesson_has_one_mutant_of_a_place_and_none_of_what_only_describes(tmp_path: Path) -> None:
    found, _ = mutants(tmp_path, world([SERVICE, POD], [POD]))
    assert {mutant.id for mutant in found} == CHANGES
    for mutant in found:
        assert mutant.of([SERVICE, POD]) != [SERVICE, POD]


def test_value_of_another_object_is_the_mistake_that_is_made(tmp_path: Path) -> None:
    found, _ = mutants(tmp_path, world([SERVICE, {**SERVICE, "metadata": {"name": "api"}}]))
    assert [m.value for m in found if m.path == "metadata.name"] == ["api"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (choice.EQUIVALENTS, "why:\n- a/b.yaml#0:spec.hostNetwork=tru\n", "did you mean"),
        (choice.CURATED, "- {example: a/x.yaml, path: a, value: 1, claims: [AA-1]}", "no live"),
        (choice.CURATED, "- {example: a/b.yaml, path: spec.x.y, value: 1, claims: [AA-1]}", "mend"),
        (choice.CURATED, "- {example: a/b.yaml, path: spec, value: 1, claims: [AA-2]}", "other"),
        (choice.CURATED, "- {example: a/b.yaml, path: kind, value: Pod, claims: [AA-1]}", "alread"),
        (choice.CURATED, "- {example: a/b.yaml, path: kind, value: P, claims: []}", "other claims"),
    ],
)
def test_entry_that_fits_nothing_is_an_error(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    (tmp_path / "tests/live").mkdir(parents=True)
    (tmp_path / file).write_text(text)
    with pytest.raises(ListError, match=said):
        mutants(tmp_path, world([POD]))


def test_lists_of_this_repository_fit_its_examples_and_claims() -> None:
    found, equal = mutants(ROOT, subjects(ROOT))
    assert len(found) > 500
    assert equal
    for kind in (whole.NOTHING, whole.FOREIGN):
        tried = whole.Whole(ROOT, kind, set())
        assert len(tried.trials) > 200
        assert tried.excused


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


def seen(trial: str, **results: str) -> list[Outcome]:
    return [Outcome(trial, test, result) for test, result in results.items()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("results", "unchanged", "end"),
    [
        ({"a": "passed", "b": "killed"}, {"a": "passed", "b": "passed"}, "killed"),
        ({"a": "passed", "b": "passed"}, {"a": "passed", "b": "passed"}, "survived"),
        ({"a": "refused"}, {"a": "passed"}, "refused"),
        ({"a": "error", "b": "passed"}, {"a": "passed", "b": "passed"}, "error"),
        ({"a": "passed", "b": "killed"}, {"a": "passed", "b": "killed"}, "error"),
        ({"a": "passed"}, {"a": "passed"}, None),
        ({"a": "passed", "b": "skipped"}, {"a": "passed", "b": "skipped"}, None),
    ],
)
def test_kill_counts_only_of_a_test_that_passes_unchanged(
    results: dict[str, str], unchanged: dict[str, str], end: str | None
) -> None:
    outcomes = seen("m", **results) + seen(UNCHANGED, **unchanged)
    decided = trials.decide([Trial("m", ["a", "b"])], outcomes).get("m")
    assert (decided and decided.result) == end


@pytest.fixture
def mutate(tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command on a small repository whose tests all end alike; return code and words."""

    def run(result: str, *arguments: str, unchanged: str = "passed") -> tuple[int, str]:
        def tier(name: str, given: list[str]) -> int:
            listed = json.loads((tree / trials.FOLDER / "mutants.json").read_text())
            ends = [Outcome(t["id"], t["tests"][0], result) for t in listed]  # type: ignore[arg-type]
            ends += [Outcome(UNCHANGED, e.test, unchanged) for e in ends[:1]]  # type: ignore[arg-type]
            lines = [json.dumps(asdict(end)) for end in ends]
            trials.outcomes_file(tree).write_text("\n".join(lines))
            return 0

        monkeypatch.setattr(run_tests, "run_tier", tier)
        code = command.main([*arguments], tree)
        return code, capsys.readouterr().out

    (tree / "examples/workloads/pod/pod.yaml").write_text(yaml.safe_dump(POD))
    (tree / whole.EXCEPTIONS).write_text(
        "nothing: {looks: [tests/live/workloads/test_pod.py::test_pod_is_not_made_again]}\n"
        "foreign: {}\nbeside: [network/other.yaml]\n"
    )
    return run


def test_run_goes_on_where_the_last_stopped_until_an_example_or_a_test_changes(
    tree: Path, mutate: Any
) -> None:
    code, said = mutate("killed", "--limit=1")
    assert (code, said.partition(";")[0]) == (0, "1 of 1 judged")
    left = int(mutate("", "--list")[1].splitlines()[-1].split()[0])
    assert mutate("", "--list", "--again")[1].endswith(f"{left + 1} to run\n")
    assert mutate("passed")[0] == 1
    assert mutate("", "--list")[1] == "0 to run\n"
    kept = json.loads((tree / report.REPORT).read_text())
    assert (kept["counted"], kept["not run yet"]) == ({"killed": 1, "survived": left}, 0)
    assert kept["score"] == round(1 / (left + 1), 4)
    for file in ("tests/live/workloads/test_pod.py", "examples/workloads/pod/pod.yaml"):
        text = (tree / file).read_text()
        (tree / file).write_text(text.replace('"Pod"', '"pod"').replace("name: web", "name: site"))
        assert mutate("killed")[1].startswith(f"{left + 1} of {left + 1} judged")


@pytest.mark.parametrize(
    ("kind", "result", "unchanged", "code"),
    [
        ("nothing", "killed", "passed", 0),
        ("nothing", "passed", "passed", 1),
        ("nothing", "killed", "killed", 1),
        ("foreign", "passed", "passed", 0),
        ("foreign", "error", "passed", 1),
    ],
)
def test_whole_test_must_fail_without_its_objects_and_pass_beside_others(
    mutate: Any, kind: str, result: str, unchanged: str, code: int
) -> None:
    ended, said = mutate(result, f"--{kind}", unchanged=unchanged)
    assert ended == code
    assert (f": {kind} tests/live/workloads/test_pod.py::test_pod_answers" in said) == bool(code)


def test_exception_that_is_none_any_more_is_told(tree: Path, mutate: Any) -> None:
    file = tree / whole.EXCEPTIONS
    file.write_text(
        file.read_text().replace("]}", ", tests/live/workloads/test_pod.py::test_pod_answers]}", 1)
    )
    assert mutate("passed", "--nothing")[0] == 0
    assert "no exception any more" in mutate("killed", "--nothing")[1]


def test_no_example_stands_beside_a_test_whose_labels_or_names_it_has() -> None:
    example = "workloads/replicaset/replicaset.yaml"
    proof = Proof("WL-3", "tests/live/config/test_x.py", 1, "test_x", examples=(example,))
    with pytest.raises(LookupError, match="shares names or labels"):
        whole.foreign(ROOT, proof, [example])


CONFTEST = """\
import pytest, yaml
from k8s_basic.live.lab import Variation
from k8s_basic.mutation import plugin

def pytest_addoption(parser):
    plugin.add_options(parser)
    parser.addoption("--context")

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


def test_run_multiplies_tests_and_stops_at_the_first_kill(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers = exclusive: alone")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    (pytester.path / trials.FOLDER).mkdir(parents=True)
    tests = [f"test_it.py::test_{name}" for name in ("second", "first", "broken")]
    tried = []
    for n in (0, 2, 4):
        file = pytester.path / f"{n}.yaml"
        file.write_text(str(n))
        tried.append(Trial(f"n={n}", tests, overlay={"a/b.yaml": str(file)}, alone=n == 0))
    (pytester.path / "mutants.json").write_text(json.dumps([asdict(trial) for trial in tried]))
    done = pytester.runpytest_inprocess("--mutants=mutants.json", "-p", "no:xdist", "-q")
    assert "1 deselected" in done.stdout.str()
    outcomes = trials.outcomes(pytester.path)
    ends = trials.decide(tried, outcomes)
    by = [(end.result, end.test.rpartition("_")[2]) for end in ends.values()]
    assert by == [("killed", "first"), ("killed", "second"), ("error", "broken")]
    assert not [o for o in outcomes if (o.trial, o.test) == ("n=2", tests[1])], "decided"
    done = pytester.runpytest_inprocess("--mutants=mutants.json", "--context=mine")
    assert done.ret == pytest.ExitCode.USAGE_ERROR, "mutants stay away from a reader's cluster"
