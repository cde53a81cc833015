"""Mutants: what is changed, what is left out, and which failure of a test counts as a kill."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT
from k8s_basic.content.claims import Proof
from k8s_basic.content.fields import keys_of, path_of
from k8s_basic.live.failures import Refused
from k8s_basic.mutation import __main__ as command
from k8s_basic.mutation import classes, judge, plugin, report, whole
from k8s_basic.mutation.classes import Chosen, ListError, Subject, choose, without_effect
from k8s_basic.mutation.mutants import REMOVED, Mutant, at, generate, leaves

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
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "nginx:1.22.1",
                        "command": ["sh", "-c", "echo a > /x/y; sleep 1"],
                        "args": ["netexec", "--http-port=8080"],
                        "ports": [{"name": "front", "containerPort": 8080}, {"containerPort": 9}],
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
                    }
                ]
            },
        },
    },
}
DOCUMENTS = [SERVICE, DEPLOYMENT]
C = "spec.template.spec.containers.0."


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return generate("a/b.yaml", DOCUMENTS)


def differing(one: Any, other: Any, path: str = "") -> list[str]:
    """Return the fields in which two values differ; a field that only one has is one."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() | other.keys()
        lines = [differing(one.get(k), other.get(k), f"{path}.{k}") for k in sorted(keys)]
        return [line for found in lines for line in found]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [line for pair in zip(one, other) for line in differing(*pair, path)]
    return [] if one == other else [path]


# --- what is changed


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        (0, "spec.selector.app", "wex"),
        (0, "spec.selector", REMOVED),
        (0, "spec.type", "ClusterIP"),
        (0, "spec.ports.0.port", 81),
        (0, "spec.ports.0.targetPort", "fronx"),
        (0, "spec.ports.0.name", REMOVED),
        (0, "spec.ports.0.protocol", "UDP"),
        (0, "metadata.name", "wex"),
        (0, "metadata.labels[a.b/c]", "idlx"),
        (1, "spec.replicas", 4),
        (1, "spec.replicas", 2),
        (1, "spec.replicas", REMOVED),
        (1, C + "image", "registry.k8s.io/pause:3.10.2"),
        (1, C + "args.1", "--http-port=8081"),
        (1, C + "command.2", "sleep 1"),
        (1, C + "command.2", "echo a > /x/y"),
        (1, C + "readinessProbe", REMOVED),
        (1, C + "readinessProbe.httpGet.path", "/readyx"),
        (1, C + "readinessProbe.httpGet.port", 8081),
        (1, C + "ports.0", REMOVED),
    ],
)
def test_field_gets_the_value_of_a_likely_mistake(
    mutants: list[Mutant], document: int, path: str, value: Any
) -> None:
    found = [m.value for m in mutants if (m.document, m.path) == (document, path)]
    assert value in found


@pytest.mark.parametrize(
    "path",
    ["apiVersion", "kind", "metadata", "spec.template", C + "image removed", C + "command.0"],
)
def test_field_without_which_there_is_no_object_is_left_alone(
    mutants: list[Mutant], path: str
) -> None:
    name, _, removed = path.partition(" ")
    values = [m.value for m in mutants if m.path == name]
    assert not [value for value in values if value is REMOVED or not removed]


def test_name_by_which_tests_ask_for_an_object_is_kept(mutants: list[Mutant]) -> None:
    assert not [m for m in mutants if (m.document, m.path) == (1, "metadata.name")]


def test_value_from_the_same_place_of_another_object_is_the_mistake_that_is_made() -> None:
    second = json.loads(json.dumps(SERVICE))
    second["spec"]["selector"]["app"] = "api"
    found = generate("a/b.yaml", [SERVICE, second])
    values = {m.document: m.value for m in found if m.path == "spec.selector.app"}
    assert values == {0: "api", 1: "web"}


def test_each_mutant_differs_in_one_field_and_is_yaml(mutants: list[Mutant]) -> None:
    for mutant in mutants:
        text = yaml.safe_dump_all(mutant.of(DOCUMENTS), sort_keys=False)
        assert len(differing(DOCUMENTS, list(yaml.safe_load_all(text)))) == 1, mutant.id


def test_mutants_are_unique_and_the_same_each_time(mutants: list[Mutant]) -> None:
    assert len({m.id for m in mutants}) == len(mutants)
    results = [json.dumps(m.of(DOCUMENTS)) for m in mutants]
    assert len(set(results)) == len(results)
    assert [m.id for m in generate("a/b.yaml", DOCUMENTS)] == [m.id for m in mutants]
    assert DEPLOYMENT["spec"]["replicas"] == 3


def test_id_says_what_was_changed() -> None:
    assert Mutant("a/b.yaml", 0, "spec.x", 2, "number").id == "a/b.yaml#0:spec.x=2"
    assert Mutant("a/b.yaml", 1, "spec.x", REMOVED, "removed").id == "a/b.yaml#1:spec.x removed"
    long = Mutant("a/b.yaml", 0, "x", "a ::\n" * 40, "changed").id
    assert len(long) < 60 and long.isprintable() and "::" not in long


def test_path_is_read_as_it_is_written() -> None:
    keys = ("spec", "selector", "a.b/c", 0, "x")
    assert path_of(keys) == "spec.selector[a.b/c].0.x"
    assert keys_of(path_of(keys)) == ("spec", "selector", "a.b/c", "0", "x")
    assert at(DEPLOYMENT, keys_of(C + "ports.1.containerPort")) == 9
    with pytest.raises(LookupError):
        at(DEPLOYMENT, keys_of("spec.nothing.here"))


# --- what is not run


@pytest.mark.parametrize(
    ("document", "path", "text", "reason"),
    [
        (1, C + "ports.1.containerPort", "", "containerPort is only information"),
        (1, C + "ports.1", "", "containerPort is only information"),
        (1, C + "ports.0", "", ""),  # the Service's targetPort is its name
        (1, C + "ports.0.name", "", ""),
        (0, "spec.ports.0.name", "", "nothing refers to this port"),
        (0, "spec.ports.0.protocol", "", "TCP is the default"),
        (0, "metadata.labels[a.b/c]", "", "nothing selects"),
        (0, "metadata.labels[a.b/c]", 'lab.get("services a.b/c=idle")', ""),
        (0, "metadata.labels[a.b/c]", "kubectl get svc -l 'a.b/c in (idle)'", ""),
        (1, "spec.template.metadata.labels.app", "", ""),
        (1, C + "name", "", "nothing refers to this container"),
        (1, C + "name", 'lab.exec(pod, "ls", container="main")', ""),
        (1, C + "name", "kubectl logs web -c main", ""),
        (1, C + "name", "kubectl set image deployment/web main=nginx:1.27", ""),
        (1, "spec.replicas", "", ""),
    ],
)
def test_change_that_nothing_refers_to_is_without_effect(
    document: int, path: str, text: str, reason: str
) -> None:
    subject = Subject("a/b.yaml", DOCUMENTS, {}, DOCUMENTS, text)
    mutant = Mutant("a/b.yaml", document, path, REMOVED, "removed")
    found = without_effect(mutant, subject)
    assert found.startswith(reason) and bool(found) == bool(reason)


def proof(claim: str, *examples: str) -> Proof:
    return Proof(claim, "tests/live/a/test_b.py", 1, "test_b", "d1", examples)


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Subject]:
    tests = {"tests/live/a/test_b.py::test_b": [proof("AA-1", "a/b.yaml")]}
    (tmp_path / "tests" / "live").mkdir(parents=True)
    return {"a/b.yaml": Subject("a/b.yaml", DOCUMENTS, tests, DOCUMENTS, "")}


def write(root: Path, name: str, *entries: dict[str, Any]) -> None:
    (root / name).write_text(yaml.safe_dump(list(entries)), encoding="utf-8")


def test_reviewed_mutant_is_counted_apart_with_its_reason(
    tmp_path: Path, world: dict[str, Subject]
) -> None:
    entry = {"example": "a/*", "path": "spec.replicas", "value": 4, "reason": "more is as good"}
    write(tmp_path, classes.EQUIVALENTS, entry)
    found = [c for c in choose(tmp_path, world) if c.name == "equivalent"]
    assert [(c.mutant.value, c.reason) for c in found] == [(4, "more is as good")]


@pytest.mark.parametrize(
    "entry",
    [
        {"example": "a/b.yaml", "path": "spec.replicas", "value": 9, "reason": "x"},
        {"example": "a/gone.yaml", "path": "spec.replicas", "reason": "x"},
        {"example": "a/b.yaml", "path": "spec.replicas", "operator": "flipped", "reason": "x"},
        {"example": "a/b.yaml", "path": "spec.replicas"},
    ],
)
def test_reviewed_entry_that_fits_no_mutant_or_has_no_reason_is_an_error(
    tmp_path: Path, world: dict[str, Subject], entry: dict[str, Any]
) -> None:
    write(tmp_path, classes.EQUIVALENTS, entry)
    with pytest.raises(ListError, match="mend or remove the entry"):
        choose(tmp_path, world)


@pytest.mark.parametrize(
    "change",
    [
        {"example": "a/gone.yaml"},
        {"path": "spec.nothing.at.all"},
        {"document": 7},
        {"claims": ["AA-2"]},
        {"claims": []},
        {"value": 3},
    ],
)
def test_curated_entry_must_fit_an_example_a_field_and_a_claim(
    tmp_path: Path, world: dict[str, Subject], change: dict[str, Any]
) -> None:
    entry = {"example": "a/b.yaml", "document": 1, "path": "spec.replicas", "value": 7}
    entry |= {"claims": ["AA-1"]}
    write(tmp_path, classes.CURATED, entry)
    curated = [c.mutant for c in choose(tmp_path, world) if c.mutant.claims]
    assert [m.id for m in curated] == ["a/b.yaml#1:spec.replicas=7"]
    write(tmp_path, classes.CURATED, entry | change)
    with pytest.raises(ListError):
        choose(tmp_path, world)


def test_curated_mutant_is_run_though_it_is_generated_as_well(
    tmp_path: Path, world: dict[str, Subject]
) -> None:
    entry = {"example": "a/b.yaml", "document": 1, "path": "spec.replicas", "value": 2}
    write(tmp_path, classes.CURATED, entry | {"claims": ["AA-1"]})
    found = [c.mutant for c in choose(tmp_path, world) if c.mutant.id.endswith("replicas=2")]
    assert [m.claims for m in found] == [("AA-1",)]


def test_both_lists_of_this_repository_fit_its_examples_and_claims() -> None:
    everything = classes.subjects(ROOT)
    chosen = choose(ROOT, everything)
    assert {c.name for c in chosen} >= {"to run", "without effect"}
    for one in chosen:
        one.mutant.of(everything[one.mutant.example].documents)
    nights = Counter(command.night_of(c.mutant.id) for c in chosen)
    assert sorted(nights) == list(range(1, command.NIGHTS + 1))
    assert max(nights.values()) < 2 * min(nights.values())


def test_each_mutant_has_its_night_and_only_one(tmp_path: Path, world: dict[str, Subject]) -> None:
    chosen, seen = choose(tmp_path, world), Counter[str]()
    for night in range(1, command.NIGHTS + 1):
        options, _ = command._options(["--night", str(night)])
        seen.update(c.mutant.id for c in command._asked(chosen, world, options))
    assert seen == Counter({c.mutant.id: 1 for c in chosen})


def test_left_are_the_mutants_that_no_run_has_killed_or_refused(
    tmp_path: Path, world: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(tmp_path, world)
    classes = dict(zip((c.mutant.id for c in chosen), ("killed", "refused", "survived", "error")))
    monkeypatch.setattr(
        command.report, "load", lambda: {name: {"class": c} for name, c in classes.items()}
    )
    options, _ = command._options(["--left"])
    asked = {c.mutant.id for c in command._asked(chosen, world, options)}
    done = {name for name, found in classes.items() if found in ("killed", "refused")}
    assert asked == {c.mutant.id for c in chosen} - done and len(done) == 2


def test_curated_alone_are_those_of_the_list() -> None:
    everything = classes.subjects(ROOT)
    chosen = choose(ROOT, everything)
    options, _ = command._options(["--curated"])
    asked = command._asked(chosen, everything, options)
    assert asked == [c for c in chosen if c.mutant.claims] and 0 < len(asked) < len(chosen)


def test_field_that_the_example_leaves_out_is_known_as_added(world: dict[str, Subject]) -> None:
    subject = world[next(iter(world))]
    present = path_of(next(iter(leaves(subject.documents[0])))[0])
    for path, adds in ((present, False), ("spec.noSuchField", True), ("spec.a.0.b", True)):
        mutant = Mutant(subject.example, 0, path, "x", "changed")
        assert command._adds(mutant, subject) is adds, path


def test_mutant_that_reaches_other_tests_runs_alone() -> None:
    ingress = {"kind": "Ingress", "spec": {"rules": [{"host": "a.example.com", "http": {}}]}}
    subject = Subject("a/b.yaml", [ingress], {}, [ingress], "")
    removed = Mutant("a/b.yaml", 0, "spec.rules.0.host", REMOVED, "removed")
    assert classes.spills(removed, subject)
    assert not classes.spills(Mutant("a/b.yaml", 0, "spec.rules.0.host", "b", "changed"), subject)
    assert not classes.spills(Mutant("a/b.yaml", 1, "", ingress, "curated"), subject)


# --- what counts

ASSERTIONS = """\
PORT = "spec.template.spec.containers.0.ports.0.containerPort"
LABEL = "a.b/c"

def test_a(lab):
    thing = lab.becomes("deployment/web", len)
    size = thing.at("spec.replicas")
    assert size == 3
    assert thing["spec"]["replicas"] == 3
    assert thing.at("status.replicas") == 3
    assert (thing.at("spec.replicas"), thing.at("status.replicas")) == (3, 3)
    assert thing.at("spec.nodeName") == "worker"
    assert thing.labels[LABEL] == "idle"
    assert thing.labels["pod-template-hash"]
    assert lab.http("http://web/").body == size
    assert thing.at(PORT) == 8080
    assert thing.at("spec.revisionHistoryLimit") == 10
    assert len(lab.get("pods")) == 3
    lab.becomes(thing)
    lab.refuses(thing)
    lab.apply(thing)
"""


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(ASSERTIONS.splitlines(), 1) if text in line)


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judge a failure at a line of ASSERTIONS, raised there or in a verb of the lab."""
    file = tmp_path / "test_a.py"
    file.write_text(ASSERTIONS, encoding="utf-8")
    monkeypatch.setattr(judge, "LIVE", tmp_path)

    def ask(
        text: str, problem: BaseException | None = None, *verbs: str, wanted: Any = None
    ) -> str:
        frames = [judge.Frame(file, line_of(text), "test_a", {})]
        names = {"wanted": wanted}
        frames += [judge.Frame(judge.LAB / "lab.py", 1, verb, names) for verb in verbs]
        return judge.judge(problem or AssertionError(), frames, DOCUMENTS)

    return ask


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("assert size", judge.ECHO),
        ('["spec"]["replicas"]', judge.ECHO),
        ('assert thing.at("status', judge.KILLED),
        ("assert (thing", judge.KILLED),
        ("thing.at(PORT)", judge.ECHO),
        ("thing.labels[LABEL]", judge.ECHO),
        ("nodeName", judge.KILLED),  # the scheduler sets it, not the file
        ("revisionHistoryLimit", judge.KILLED),  # nor does it set the default
        ("pod-template-hash", judge.KILLED),
        (".body == size", judge.KILLED),
        ("assert len", judge.KILLED),
    ],
)
def test_assertion_on_a_field_that_the_file_sets_is_no_kill(
    judged: Any, text: str, result: str
) -> None:
    assert judged(text) == result


@pytest.mark.parametrize(
    ("verbs", "wanted", "result"),
    [
        (["becomes"], len, judge.KILLED),
        (["becomes"], {"status": {"phase": "Running"}}, judge.KILLED),
        (["becomes"], {"spec": {"replicas": 3}}, judge.ECHO),
        (["becomes"], {"spec": {"nodeName": "worker"}}, judge.KILLED),
        (["stays"], len, judge.KILLED),
        (["http", "_answered"], None, judge.KILLED),
        (["http", "client", "becomes"], len, judge.ERROR),  # the lab's own Pod
        (["delete"], None, judge.ERROR),  # nothing there to be deleted
    ],
)
def test_failure_of_a_verb_counts_by_what_was_waited_for(
    judged: Any, verbs: list[str], wanted: Any, result: str
) -> None:
    assert judged("lab.becomes", None, *verbs, wanted=wanted) == result


def test_refused_example_is_no_kill_unless_it_is_the_control_of_a_refusal(judged: Any) -> None:
    assert judged("lab.becomes", Refused("no"), "apply") == judge.REFUSED
    assert judged("lab.apply", Refused("no"), "apply") == judge.KILLED


def test_node_port_of_a_test_that_runs_beside_it_says_nothing_about_a_mutant(judged: Any) -> None:
    taken = Refused("spec.ports[0].nodePort: provided port is already allocated")
    assert judged("lab.apply", taken, "apply") == judge.ERROR


@pytest.mark.parametrize("problem", [KeyError("x"), IndexError(), AttributeError(), ValueError()])
def test_other_exceptions_are_errors_of_the_test(judged: Any, problem: Exception) -> None:
    assert judged("assert size", problem) == judge.ERROR


# --- the score


def outcome(test: str, result: str, mutant: str = "m") -> dict[str, Any]:
    return {"mutant": mutant, "test": test, "result": result, "message": "why", "seconds": 1.0}


@pytest.mark.parametrize(
    ("results", "baseline", "name"),
    [
        ({"a": "killed"}, {"a": True}, "killed"),
        ({"a": "passed", "b": "killed"}, {"a": True, "b": True}, "killed"),
        ({"a": "error", "b": "killed"}, {"a": True, "b": True}, "killed"),
        ({"a": "killed", "b": "passed"}, {"a": False, "b": True}, "error"),
        ({"a": "killed", "b": "passed"}, {"b": True}, "error"),
        ({"a": "passed", "b": "passed"}, {"a": True, "b": True}, "survived"),
        ({"a": "skipped", "b": "passed"}, {"b": True}, "not enforceable"),
        ({"a": "skipped", "b": "killed"}, {"b": True}, "killed"),
        ({"a": "refused"}, {"a": False}, "refused"),
        ({"a": "field echo", "b": "passed"}, {"a": True, "b": True}, "field echo"),
        ({"a": "error", "b": "field echo"}, {"a": True, "b": True}, "error"),
        ({"a": "passed"}, {"a": True}, None),  # b was not run
        ({"a": "error"}, {"a": True}, None),
        ({"a": "skipped", "b": "skipped"}, {}, "not enforceable"),
        ({}, {}, None),
    ],
)
def test_kill_counts_only_of_a_test_that_passes_unchanged(
    results: dict[str, str], baseline: dict[str, bool], name: str | None
) -> None:
    found = report.decide(["a", "b"], [outcome(t, r) for t, r in results.items()], baseline)
    assert (found and found["class"]) == name


def test_unchanged_test_passes_only_if_it_passed_every_time() -> None:
    runs = [outcome(t, r, "unchanged") for t, r in [("a", "passed"), ("a", "error")]]
    assert report.baselines([*runs, outcome("b", "killed")]) == {"a": False}


def test_score_leaves_out_what_was_refused_or_not_run() -> None:
    names = ["killed", "killed", "killed", "survived", "field echo", "error"]
    found = [{"class": n} for n in [*names, "refused", "equivalent", "without effect"]]
    assert report.score(found) == 0.5
    assert report.score([{"class": "refused"}]) is None


def test_report_keeps_earlier_nights_and_drops_what_is_no_mutant_now() -> None:
    def of(number: int) -> Mutant:
        return Mutant("a/b.yaml", 0, "spec.x", number, "number")

    chosen = [Chosen(of(1), "to run"), Chosen(of(2), "to run"), Chosen(of(3), "to run")]
    chosen.append(Chosen(of(4), "equivalent", "the same"))
    before = {of(n).id: {"class": "survived", "date": "2026-01-01"} for n in (1, 2, 4, 5)}
    new = {of(2).id: {"class": "killed", "date": "2026-01-02"}}
    merged = report.merge(before, new, chosen)
    assert {name: r["class"] for name, r in merged["mutants"].items()} == {
        of(1).id: "survived", of(2).id: "killed", of(4).id: "equivalent",
    }  # fmt: skip
    assert (merged["score"], merged["not run yet"]) == (0.5, 1)


def test_killer_of_the_last_time_and_the_expected_claims_come_first(
    world: dict[str, Subject],
) -> None:
    subject = world["a/b.yaml"]
    subject.tests |= {"b": [proof("AA-2")], "c": [proof("AA-3")]}
    assert command._order(subject, {"AA-3"}, "b", {})[:2] == ["c", "b"]
    took = {test: -float(number) for number, test in enumerate(sorted(subject.tests))}
    assert command._order(subject, set(), None, took) == sorted(subject.tests, reverse=True)


# --- a run

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
def spec(variation):
    yield yaml.safe_load(variation.overlay["a/b.yaml"].read_text() if variation.overlay else "n: 3")
"""
TESTS = """\
def test_first(spec):
    replicas = spec["n"]
    assert replicas > 0

def test_second(spec):
    assert spec["n"] != 2

def test_broken(spec):
    assert False

def test_unused(spec):
    assert False
"""


@pytest.fixture
def stand_in(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a stand-in for the live tier, from files that the test makes, and return outcomes."""
    monkeypatch.setattr(judge, "LIVE", pytester.path)
    monkeypatch.setattr(plugin, "load", lambda file: [{"spec": {"n": 3}}])
    monkeypatch.setattr(plugin, "OUTCOMES", pytester.path / "outcomes.json")
    monkeypatch.setattr(plugin, "STATE", pytester.path / "state")
    pytester.makeini("[pytest]\nmarkers = exclusive: alone")

    def ran(entries: list[dict[str, Any]], *said: str) -> list[dict[str, Any]]:
        (pytester.path / "mutants.json").write_text(json.dumps(entries), encoding="utf-8")
        done = pytester.runpytest_inprocess("--mutants=mutants.json", "-p", "no:xdist", "-q")
        text = done.stdout.str()
        assert "skipped" not in text and all(words in text for words in said)
        found: list[dict[str, Any]] = json.loads(plugin.OUTCOMES.read_text(encoding="utf-8"))
        return found

    return ran


@pytest.fixture
def outcomes(pytester: pytest.Pytester, stand_in: Any) -> list[dict[str, Any]]:
    """Run three tests of a stand-in for the live tier against three mutants."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    tests = [f"test_it.py::test_{name}" for name in ("second", "first", "broken")]
    entries = []
    for number in (0, 2, 4):
        file = pytester.path / f"{number}.yaml"
        file.write_text(f"n: {number}", encoding="utf-8")
        common = {"example": "a/b.yaml", "file": str(file), "tests": tests, "alone": number == 0}
        entries.append({"id": f"n={number}", **common})
    found: list[dict[str, Any]] = stand_in(entries, "1 deselected", "1 failed")
    return found


def test_run_multiplies_tests_and_stops_at_the_first_kill(outcomes: list[dict[str, Any]]) -> None:
    found = [(o["mutant"], o["test"].rpartition("_")[2], o["result"]) for o in outcomes]
    unchanged = [("first", "passed"), ("second", "passed"), ("broken", "error")]
    assert sorted(found[:3]) == sorted(("unchanged", *pair) for pair in unchanged)
    assert [name for name, *_ in found[-2:]] == ["n=0", "n=0"]  # it wants the cluster alone
    assert sorted(found[3:]) == sorted(
        [
            ("n=0", "second", "passed"),
            ("n=0", "first", "killed"),
            ("n=2", "second", "killed"),
            ("n=4", "second", "passed"),
            ("n=4", "first", "passed"),
            ("n=4", "broken", "killed"),  # and does not count
        ]
    )
    assert report.decide(["test_it.py::test_broken"], outcomes[-3:-2], {}) == {
        "class": "error", "by": "test_it.py::test_broken", "message": report.NOT_PASSED,
    }  # fmt: skip


# --- a test as a whole: nothing applied, or another lesson's objects beside its own

WHOLE_TESTS = """\
def test_looks(lab):
    lab.apply("a/b.yaml")
    assert "a/b.yaml" in lab.applied

def test_looks_at_all(lab):
    lab.apply("a/b.yaml")
    assert lab.applied == ["a/b.yaml"]

def test_absence(lab):
    lab.apply("a/b.yaml")
    assert "gone" not in lab.applied
"""
WHOLE_CONFTEST = """\
class Lab:
    def __init__(self, variation):
        self.variation, self.applied = variation, []
    def apply(self, name):
        self.applied += [name] if self.variation.applies else []
    def becomes(self, what, wanted):
        assert wanted(self.applied)

@pytest.fixture
def lab(variation):
    return Lab(variation)
"""


@pytest.mark.parametrize(
    ("kind", "excused", "lines"),
    [
        ("nothing", [], ["passes though nothing is there: test_it.py::test_absence"]),
        ("nothing", ["absence"], []),
        ("nothing", ["absence", "looks"], ["no exception any more"]),
        ("foreign", [], ["fails beside c/d.yaml: test_it.py::test_looks_at_all", "    assert "]),
        ("foreign", ["looks_at_all"], []),
        ("foreign", ["looks_at_all", "absence"], ["no exception any more"]),
    ],
)
def test_whole_tests_are_tried_with_nothing_and_beside_another_lesson(
    pytester: pytest.Pytester, stand_in: Any, kind: str, excused: list[str], lines: list[str]
) -> None:
    pytester.makeconftest(CONFTEST + WHOLE_CONFTEST)
    pytester.makepyfile(test_it=WHOLE_TESTS)
    how = {"applies": False} if kind == whole.NOTHING else {"foreign": "c/d.yaml"}
    names = {name: f"test_it.py::test_{name}" for name in ("looks", "looks_at_all", "absence")}
    entries = [{"id": n, "alone": False, "tests": [t], **how} for n, t in names.items()]
    found = stand_in(entries)
    reasons = dict.fromkeys((names[name] for name in excused), "why")
    said = whole.verdicts(kind, entries, found, reasons)
    assert [line for line, start in zip(said, lines) if line.startswith(start)] == said
    assert len(said) == len(lines)


def test_whole_test_that_was_not_run_or_fails_by_itself_is_not_judged() -> None:
    entry = {"id": "m", "tests": ["a"], "applies": False}
    for outcomes in ([], [outcome("a", "killed")], [outcome("a", "error", "unchanged")]):
        (line,) = whole.verdicts(whole.NOTHING, [entry], outcomes, {})
        assert line.startswith("not judged")
    assert whole.verdicts(whole.NOTHING, [entry], [outcome("a", "skipped")], {}) == []


@pytest.mark.parametrize("kind", [whole.NOTHING, whole.FOREIGN])
def test_every_test_with_an_example_is_tried_as_a_whole_once(kind: str) -> None:
    found = whole.entries(ROOT, kind, set())
    using = {test for subject in classes.subjects(ROOT).values() for test in subject.tests}
    assert sorted(entry["tests"][0] for entry in found) == sorted(using)
    assert len({entry["id"] for entry in found}) == len(found)
    assert set(whole.exceptions(ROOT, kind).values())
    chosen = {"network/service-multiport.yaml"}
    assert 0 < len(whole.entries(ROOT, kind, chosen)) < len(found)


def test_no_example_stands_beside_a_test_whose_labels_or_names_it_has(tree: Path) -> None:
    for name in whole.OTHERS:
        (tree / "examples" / name).parent.mkdir(exist_ok=True)
        (tree / "examples" / name).write_text(yaml.safe_dump(DEPLOYMENT), encoding="utf-8")
    mine = Proof("WL-3", "tests/live/start/test_a.py", 1, "test_a", "", ("workloads/pod.yaml",))
    with pytest.raises(LookupError, match="shares names or labels"):
        whole.foreign(tree, mine)  # both are called web
    (tree / "examples/workloads/pod.yaml").write_text(yaml.safe_dump({"metadata": {"name": "a"}}))
    assert whole.foreign(tree, mine) == whole.OTHERS[0]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([], "test_reads: it applies no example"),
        ([{"test": "reads"}], "test_reads: a reason is missing"),
        ([{"test": "reads", "reason": "x"}, {"test": "gone", "reason": "x"}], "no claim has this"),
    ],
)
def test_exception_needs_a_test_and_a_reason(
    tree: Path, entries: list[dict[str, str]], text: str
) -> None:
    file = tree / "tests/live/workloads/test_pod.py"
    file.write_text('@claim("WL-3")\ndef test_reads(lab):\n    lab.get(1)\n', encoding="utf-8")
    listed = [{**e, "test": f"workloads/test_pod.py::test_{e['test']}"} for e in entries]
    (tree / whole.EXCEPTIONS).write_text(yaml.safe_dump({"nothing": listed}), encoding="utf-8")
    with pytest.raises(ListError, match=text):
        whole.exceptions(tree, whole.NOTHING)
