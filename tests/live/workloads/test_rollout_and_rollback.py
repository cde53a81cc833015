"""The sentences of the lesson on rollout and rollback."""

import pytest
from k8s_basic.live import claim, ready
from k8s_basic.live.conditions import rolled_out

ROLLING = "workloads/deployment/rolling.yaml"
HISTORY = "workloads/rollout-and-rollback/deployment-history.yaml"
PODS = "pods app=web"
REPLICASETS = "replicasets app=web"
URL = "http://web/envvar?var=VERSION"
REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"


def revision(thing):
    """Return the revision that a Deployment or ReplicaSet carries."""
    return thing["metadata"]["annotations"][REVISION]


def release(lab, version, name="web"):
    """Roll a version out as the reader does, and return the Deployment."""
    done = lab.run(f"kubectl set env deployment/{name} VERSION={version}")
    assert done.code == 0, done.err
    return lab.becomes(f"deployment/{name}", rolled_out, within=120)


def answers_settle(lab, wanted, within=60):
    """Ask twenty times in a row until these are all the answers: nodes drop a Pod a little late."""
    return lab.eventually(
        f"the answers are {wanted}",
        lambda: {a.body.strip() for a in lab.http_many(URL, 20)},
        lambda answers: answers == wanted,
        within,
    )


def history(lab, name):
    """Return what `kubectl rollout history` lists: revision to change cause."""
    lines = lab.run(f"kubectl rollout history deployment/{name}").out.splitlines()
    rows = [line.strip().split(maxsplit=1) for line in lines if line[:1].isdigit()]
    return dict(rows)


def versions(replicasets):
    """Return the value of VERSION in each ReplicaSet's template."""
    env = "spec.template.spec.containers.0.env.0.value"
    return {replicaset.at(env) for replicaset in replicasets}


@claim("WL-26")
def test_new_template_makes_a_new_replicaset_and_keeps_the_old_one_at_zero(lab):
    lab.apply(ROLLING)
    lab.becomes("deployment/web", rolled_out)
    (old,) = lab.get(REPLICASETS)

    release(lab, "v2")

    everything = lab.get(REPLICASETS)
    assert len(everything) == 2
    sizes = {r.uid: (r.at("spec.replicas"), r.at("status.replicas")) for r in everything}
    assert sizes.pop(old.uid) == (0, 0)
    assert list(sizes.values()) == [(3, 3)]


@claim("WL-27")
def test_scaling_makes_no_revision(lab):
    lab.apply(ROLLING)
    before = lab.becomes("deployment/web", rolled_out)
    replicasets = lab.get(REPLICASETS).uids

    lab.run("kubectl scale deployment/web --replicas=5")
    lab.becomes(PODS, ready(5))
    after = lab.becomes("deployment/web", rolled_out)

    assert revision(after) == revision(before) == "1"
    assert lab.get(REPLICASETS).uids == replicasets
    assert list(history(lab, "web")) == ["1"]


@pytest.mark.slow
@claim("WL-28")
def test_undo_reuses_the_old_replicaset_as_a_new_revision(lab):
    lab.apply(ROLLING)
    pods_of_first = lab.becomes(PODS, ready(3))
    (first,) = lab.get(REPLICASETS)
    release(lab, "v2")
    pods_of_second = lab.becomes(PODS, ready(3), without=pods_of_first)
    assert lab.http(URL).body.strip() == "v2"

    done = lab.run("kubectl rollout undo deployment/web")
    assert done.code == 0, done.err
    lab.becomes(PODS, ready(3), without=pods_of_second, within=120)
    deployment = lab.becomes("deployment/web", rolled_out)

    assert revision(deployment) == "3"
    assert list(history(lab, "web")) == ["2", "3"]
    replicasets = lab.get(REPLICASETS)
    assert len(replicasets) == 2
    reused = next(r for r in replicasets if r.uid == first.uid)
    assert (revision(reused), reused.at("status.readyReplicas")) == ("3", 3)
    assert answers_settle(lab, {"v1"}) == {"v1"}


@claim("WL-29")
def test_history_limit_of_one_keeps_one_old_replicaset(lab):
    lab.apply(HISTORY)
    lab.becomes("deployment/catalog", rolled_out)
    for version in ("v2", "v3", "v4"):
        release(lab, version, "catalog")

    def only_the_newest_two(replicasets):
        """The ReplicaSets of the last two versions and no other."""
        return versions(replicasets) == {"v3", "v4"}

    lab.becomes("replicasets app=catalog", only_the_newest_two)

    assert list(history(lab, "catalog")) == ["3", "4"]
    refused = lab.run("kubectl rollout undo deployment/catalog --to-revision=1")
    assert refused.code != 0
    accepted = lab.run("kubectl rollout undo deployment/catalog --to-revision=3")
    assert accepted.code == 0, accepted.err


@pytest.mark.slow
@claim("WL-30")
def test_image_that_cannot_be_pulled_leaves_the_old_pods_serving(lab):
    lab.apply(ROLLING)
    before = lab.becomes(PODS, ready(3))
    lab.http(URL)

    lab.run("kubectl set image deployment/web web=registry.invalid/nope:1")

    def three_ready(deployment):
        """Three Pods are ready."""
        return deployment.at("status.readyReplicas") == 3

    def pull_fails(pods):
        """A new Pod waits because its image cannot be pulled."""
        reason = "status.containerStatuses.0.state.waiting.reason"
        waiting = {pod.at(reason) for pod in pods if pod.uid not in before.uids}
        return waiting & {"ErrImagePull", "ImagePullBackOff"}

    lab.becomes("deployment/web", {"status": {"updatedReplicas": 1, "readyReplicas": 3}})
    lab.stays("deployment/web", three_ready, seconds=15, control=(PODS, pull_fails))
    assert lab.get(PODS).ready.uids == before.uids
    assert {a.status for a in lab.http_many(URL, 50)} == {200}

    stuck = lab.get(PODS).live.uids - before.uids
    assert lab.run("kubectl rollout undo deployment/web").code == 0
    after = lab.becomes(PODS, ready(3), without=stuck)
    assert after.uids == before.uids


@claim("WL-31")
def test_change_cause_comes_from_an_annotation(lab):
    lab.apply(HISTORY)
    lab.becomes("deployment/catalog", rolled_out)
    assert history(lab, "catalog") == {"1": "first release"}

    changed = lab.example(HISTORY)[0]
    changed["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "v2"
    changed["metadata"].setdefault("annotations", {})[CAUSE] = "search by author"
    lab.apply(changed)
    lab.becomes("deployment/catalog", rolled_out)

    assert history(lab, "catalog") == {"1": "first release", "2": "search by author"}
