"""The sentences of the lesson on ReplicaSets."""

from k8s_basic.live import Condition, claim, ready

EXAMPLE = "workloads/replicaset/replicaset.yaml"
PODS = "pods tier=frontend"


def owner(pod):
    """Return the Pod's controlling owner reference, or None."""
    owners = pod.at("metadata.ownerReferences") or []
    return next((o for o in owners if o.get("controller")), None)


def version(lab, pod):
    """Return the value of VERSION in the Pod's process, as it answers itself."""
    return lab.http(f"http://{pod.at('status.podIP')}:8080/envvar?var=VERSION").body.strip()


@claim("WL-14")
def test_replicaset_keeps_three_pods_that_it_owns(lab):
    lab.apply(EXAMPLE)

    pods = lab.becomes(PODS, ready(3))

    frontend = lab.becomes("replicaset/frontend", {"status": {"readyReplicas": 3}})
    assert [owner(pod)["uid"] for pod in pods] == [frontend.uid] * 3
    assert all(pod.name.startswith("frontend-") for pod in pods)


@claim("WL-15")
def test_deleted_pod_is_replaced_by_one_new_pod(lab):
    lab.apply(EXAMPLE)
    before = lab.becomes(PODS, ready(3))

    victim = lab.delete(before[0])
    after = lab.becomes(PODS, ready(3), without=victim)

    assert len(after.uids - before.uids) == 1
    assert victim.name not in after.names
    assert all(pod.at("status.containerStatuses.0.restartCount") == 0 for pod in after)


def has_no_owner(pod):
    """The Pod is there and nothing controls it."""
    return pod is not None and owner(pod) is None


@claim("WL-16")
def test_relabeled_pod_is_released_and_replaced(lab):
    lab.apply(EXAMPLE)
    before = lab.becomes(PODS, ready(3))

    released = lab.label(before[0], {"tier": "quarantine"})
    after = lab.becomes(PODS, ready(3), without=released)
    lab.becomes(released, has_no_owner)

    assert len(after.uids - before.uids) == 1
    pod = lab.get(released.reference)
    assert pod.uid == released.uid
    assert pod.is_ready
    assert version(lab, pod)


@claim("WL-17")
def test_orphan_is_adopted_and_the_count_is_kept(lab):
    lab.apply(EXAMPLE)
    before = lab.becomes(PODS, ready(3))
    frontend = lab.get("replicaset/frontend")

    with lab.watching(PODS) as seen:
        lab.apply("workloads/replicaset/by-hand.yaml")
        lab.becomes("events", deleted_by(frontend, "by-hand"))
        after = lab.becomes(PODS, three_and_none_terminating)

    assert after.uids == before.uids
    by_hand = [pod for state in seen.history for pod in state if pod.name == "by-hand"]
    assert frontend.uid in {owner(pod)["uid"] for pod in by_hand if owner(pod)}


def three_and_none_terminating(pods):
    """Exactly three Pods, all Ready, and none on its way out."""
    return ready(3)(pods) and len(pods) == 3


def deleted_by(replicaset, pod):
    """Return a condition: an event of the ReplicaSet says that it deleted this Pod."""

    def condition(events):
        return any(
            e["reason"] == "SuccessfulDelete"
            and e.at("involvedObject.uid") == replicaset.uid
            and e["message"].endswith(pod)
            for e in events
        )

    return Condition(f"{replicaset.reference} reports the deletion of {pod}", condition)


@claim("WL-18")
def test_changed_template_is_used_for_new_pods_only(lab):
    lab.apply(EXAMPLE)
    before = lab.becomes(PODS, ready(3))
    changed = lab.example(EXAMPLE)
    changed[0]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "v2"

    lab.apply(changed)
    lab.becomes("replicaset/frontend", {"status": {"readyReplicas": 3}})
    victim = lab.delete(before[0])
    kept = before.uids - {victim.uid}

    def kept_ones_run(pods):
        """The Pods that were not deleted by hand are still there and ready."""
        return kept <= pods.ready.uids

    def replaced(pods):
        """Three ready Pods, without the deleted one."""
        return ready(3)(pods) and victim.uid not in pods.uids

    lab.stays(PODS, kept_ones_run, seconds=15, control=(PODS, replaced))

    after = lab.becomes(PODS, replaced)
    assert kept_ones_run(after)
    answers = {pod.uid: version(lab, pod) for pod in after.ready}
    assert {answers[uid] for uid in kept} == {"v1"}
    assert [answers[uid] for uid in answers.keys() - kept] == ["v2"]


@claim("WL-19")
def test_selector_that_does_not_match_the_template_is_refused(lab):
    mismatch = "workloads/replicaset/mismatch.yaml"
    expected = {"code": 422, "reason": "Invalid", "field": "spec.template.metadata.labels"}
    lab.refuses(lab.apply, mismatch, **expected, text="does not match template")

    mended = lab.example(mismatch)[0]
    mended["spec"]["template"]["metadata"]["labels"] = {"tier": "frontend"}
    lab.apply(mended)
    lab.becomes(PODS, ready(3))
