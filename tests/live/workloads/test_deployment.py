"""The sentences of the lesson on Deployments."""

import pytest
from k8s_basic.live import claim, is_ready, ready
from k8s_basic.live.conditions import rolled_out

ROLLING = "workloads/deployment/rolling.yaml"
CLIENT = "workloads/deployment/web-client.yaml"
PODS = "pods app=web"
URL = "http://web/envvar?var=VERSION"
HASH = "pod-template-hash"


def has_answered(lab, version):
    """Wait until the client Pod has logged this answer, and return its log from there on."""
    lab.becomes("pod/client", is_ready, within=90)
    lines = lab.logged("client", f"{version}\n").split("\n")
    return lines[lines.index(version) :]


def controller(child):
    """Return the controlling owner reference of an object."""
    return next(o for o in child.at("metadata.ownerReferences") if o["controller"])


@claim("WL-20")
def test_deployment_owns_a_replicaset_which_owns_the_pods(lab):
    lab.apply(ROLLING)
    deployment = lab.becomes("deployment/web", rolled_out)

    (replicaset,) = lab.get("replicasets app=web")
    pods = lab.get(PODS).live

    assert controller(replicaset)["uid"] == deployment.uid
    assert replicaset.name == f"{deployment.name}-{replicaset.labels[HASH]}"
    assert [controller(pod)["uid"] for pod in pods] == [replicaset.uid] * 3
    assert {pod.labels[HASH] for pod in pods} == {replicaset.labels[HASH]}


@claim("WL-21")
def test_defaults_of_a_deployment(lab):
    lab.apply("workloads/deployment/defaults.yaml")

    deployment = lab.becomes("deployment/defaults", rolled_out)

    assert deployment.at("spec.strategy") == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert deployment.at("spec.revisionHistoryLimit") == 10
    assert deployment.at("spec.progressDeadlineSeconds") == 600


@claim("WL-22")
def test_rolling_update_keeps_its_bounds_at_every_instant(lab):
    lab.apply(ROLLING)
    before = lab.becomes(PODS, ready(3))

    with lab.watching(PODS) as seen:
        lab.run("kubectl set env deployment/web VERSION=v2")
        lab.becomes("deployment/web", rolled_out, within=120)
        after = lab.becomes(PODS, ready(3), without=before, within=60)

    assert max(len(pods.live) for pods in seen.history) == 4
    assert min(len(pods.ready) for pods in seen.history) == 3
    assert len({pod.labels[HASH] for pod in after}) == 1
    assert {pod.labels[HASH] for pod in after}.isdisjoint(pod.labels[HASH] for pod in before)


@pytest.mark.slow
@claim("WL-23")
def test_no_request_fails_during_a_rolling_update(lab):
    lab.apply(ROLLING)
    before = lab.becomes(PODS, ready(3))
    lab.http(URL)
    lab.apply(CLIENT)
    has_answered(lab, "v1")

    lab.run("kubectl set env deployment/web VERSION=v2")
    answers = []

    def old_pods():
        """Ask twenty times more, and return the old Pods that are left."""
        answers.extend(lab.http_many(URL, 20))
        return before.uids & lab.get(PODS).uids

    lab.eventually("no old Pod is left", old_pods, lambda left: not left, within=120)
    lab.becomes("deployment/web", rolled_out)
    logged = has_answered(lab, "v1")

    assert len(answers) >= 50
    assert [a for a in answers if a.status != 200] == []
    assert {a.body.strip() for a in answers} == {"v1", "v2"}
    assert "no answer" not in logged
    assert "v2" in logged


@pytest.mark.slow
@claim("WL-24")
def test_recreate_ends_every_old_pod_before_it_creates_a_new_one(lab):
    lab.apply("workloads/deployment/recreate.yaml")
    before = lab.becomes(PODS, ready(2))
    lab.http(URL)
    lab.apply(CLIENT)
    has_answered(lab, "v1")

    slices = "endpointslices kubernetes.io/service-name=web"
    with lab.watching(PODS) as pods, lab.watching(slices) as endpoints:
        lab.run("kubectl set env deployment/web VERSION=v2")
        lab.becomes(PODS, ready(2), without=before, within=120)
        lab.http(URL)
    has_answered(lab, "v2")
    logged = has_answered(lab, "v1")

    running = [
        {pod.labels[HASH] for pod in state if pod.at("status.phase") in ("Pending", "Running")}
        for state in pods.history
    ]
    assert max(len(hashes) for hashes in running) == 1
    assert len(set().union(*running)) == 2
    assert 0 in [ready_endpoints(state) for state in endpoints.history]
    assert "no answer" in logged


def ready_endpoints(slices):
    """Return how many addresses the EndpointSlices offer for new connections."""
    every = [e for s in slices for e in s.get("endpoints") or []]
    return sum(1 for e in every if e["conditions"].get("ready"))


@claim("WL-25")
def test_surge_and_unavailable_both_zero_are_refused(lab):
    stuck = "workloads/deployment/zero-bounds.yaml"
    field = "spec.strategy.rollingUpdate.maxUnavailable"
    lab.refuses(lab.apply, stuck, code=422, reason="Invalid", field=field, text="may not be 0")

    mended = lab.example(stuck)[0]
    mended["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = 1
    lab.apply(mended)
    lab.becomes("deployment/stuck", rolled_out)
