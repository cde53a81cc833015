"""What a namespace separates, and what it doesn't."""

from dataclasses import dataclass

import pytest
from k8s_basic.live import ABSENT, claim, is_ready


@dataclass(frozen=True)
class Teams:
    """The namespaces of the example, under names of this test's own."""

    a: str
    b: str


@pytest.fixture
def teams(lab):
    """Applies the example, with a suffix to both names so that tests can run side by side."""
    own = {name: f"{name}-{lab.namespace}" for name in ("demo-team-a", "demo-team-b")}
    documents = lab.example("overview/namespaces/namespaces.yaml")
    for document in documents:
        metadata = document["metadata"]
        for field in ("name", "namespace"):
            if metadata.get(field) in own:
                metadata[field] = own[metadata[field]]
    names = Teams(own["demo-team-a"], own["demo-team-b"])
    try:
        for made in lab.apply([d for d in documents if d["kind"] == "Namespace"]):
            # until it has one it takes no Pod
            lab.becomes("serviceaccount/default", bool, namespace=made.name)
        lab.apply(documents)
        yield names
    finally:
        lab.run(f"kubectl delete namespace {names.a} {names.b} --ignore-not-found --wait=false")


def web(lab, namespace):
    """Returns the Pod `web` of a namespace once it is ready."""
    return lab.becomes("pod/web", is_ready, namespace=namespace, within=90)


def greeting(lab, pod, host="localhost"):
    """Asks the server at `host` for its greeting, from inside `pod`."""
    # the Pod is ready before its program is
    retry = "--retry 30 --retry-delay 1 --retry-max-time 30 --retry-connrefused"
    curl = f"curl -sS --fail --max-time 5 {retry} 'http://{host}:8080/envvar?var=GREETING'"
    answer = lab.run(f"kubectl exec {pod.name} --namespace={pod.namespace} -- {curl}")
    assert answer.code == 0, answer.err
    return answer.out


@claim("OV-14")
def test_one_name_stands_for_another_object_in_each_namespace(lab, teams):
    greetings = {greeting(lab, web(lab, namespace)) for namespace in (teams.a, teams.b)}
    assert len(greetings) == 2

    taken = lab.run(f"kubectl create configmap app-config --namespace={teams.a}")
    assert taken.code != 0
    assert "already exists" in taken.err
    free = lab.run(f"kubectl create configmap other-config --namespace={teams.a}")
    assert free.code == 0, free.err


@claim("OV-15")
def test_some_resources_belong_to_the_cluster_and_others_to_a_namespace(lab):
    def listed(namespaced):
        answer = lab.run(f"kubectl api-resources --namespaced={namespaced} -o name")
        assert answer.code == 0, answer.err
        return {name.partition(".")[0] for name in answer.out.split()}

    of_the_cluster, of_a_namespace = listed("false"), listed("true")

    for_all = {"nodes", "persistentvolumes", "storageclasses", "clusterroles", "namespaces"}
    assert for_all <= of_the_cluster
    assert not for_all & of_a_namespace
    assert {"pods", "services", "configmaps"} <= of_a_namespace


@claim("OV-16")
def test_deleting_a_namespace_deletes_its_objects_and_no_others(lab, teams):
    web(lab, teams.a)
    pod_before = web(lab, teams.b)
    config_before = lab.get("configmap/app-config", namespace=teams.b)

    lab.delete(f"namespace/{teams.a}")

    lab.becomes(f"namespace/{teams.a}", ABSENT, within=180)
    assert lab.get("pod/web", namespace=teams.a) is None
    assert lab.get("configmap/app-config", namespace=teams.a) is None
    pod_after = lab.get("pod/web", namespace=teams.b)
    assert pod_after.is_ready
    assert pod_after.uid == pod_before.uid
    assert lab.get("configmap/app-config", namespace=teams.b).uid == config_before.uid


@claim("OV-17")
def test_a_pod_reaches_a_pod_of_another_namespace(lab, teams):
    here, there = web(lab, teams.a), web(lab, teams.b)

    answer = greeting(lab, here, host=there.at("status.podIP"))

    assert answer == greeting(lab, there)
    assert answer != greeting(lab, here)
