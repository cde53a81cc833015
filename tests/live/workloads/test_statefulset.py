"""The sentences of the lesson on StatefulSets."""

import pytest
from k8s_basic.live import ABSENT, claim, needs, ready

EXAMPLE = "workloads/statefulset/statefulset.yaml"
STUCK = "workloads/statefulset/stuck.yaml"
PODS = "pods app=web"
CLAIMS = {"data-web-0", "data-web-1", "data-web-2"}
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.66.1"


def by_name(pods):
    """Return the Pods by their names."""
    return {pod.name: pod for pod in pods}


def resolves_to(lab, name, pods, within=60):
    """Wait until the DNS name leads to the addresses of these Pods."""
    name = f"{name}.{lab.namespace}.svc.cluster.local"
    wanted = {pod.at("status.podIP") for pod in pods}
    lab.eventually(
        f"{name} leads to {wanted}",
        lambda: set(lab.exec(lab.client, "dig", "+short", name).split()),
        lambda seen: seen == wanted,
        within,
    )


@pytest.mark.slow
@claim("WL-36", "WL-37", "WL-38", "WL-39", "WL-54")
@needs("storage")
def test_pods_keep_their_order_their_names_and_their_volumes(lab):
    lab.client  # noqa: B018  # starts beside the first volume
    lab.apply(EXAMPLE)
    pods = by_name(lab.becomes(PODS, ready(3), within=360))

    # one after the other: RFC 3339 in UTC, order of text is order of time
    with lab.proves("WL-36"):
        assert sorted(pods) == ["web-0", "web-1", "web-2"]
        for earlier, later in (("web-0", "web-1"), ("web-1", "web-2")):
            since = pods[earlier].condition("Ready")["lastTransitionTime"]
            assert since <= pods[later]["metadata"]["creationTimestamp"]

    # the same name, address and volume after a replacement
    lab.exec("web-1", "sh", "-c", "echo written by web-1 > /data/note")
    assert lab.get("persistentvolumeclaims").names == CLAIMS
    with lab.proves("WL-37"):
        resolves_to(lab, "web", pods.values())
        resolves_to(lab, "web-1.web", [pods["web-1"]])
        assert lab.http("http://web-1.web:8080/hostname").body.strip() == "web-1"
        old = lab.delete("pod/web-1")
        new = by_name(lab.becomes(PODS, ready(3), without=old, within=120))["web-1"]
        assert new.uid != old.uid
        assert new.at("status.podIP") != old.at("status.podIP")
        resolves_to(lab, "web-1.web", [new])
    with lab.proves("WL-38"):
        assert lab.exec("web-1", "cat", "/data/note").strip() == "written by web-1"
        without = lab.run("kubectl exec web-0 -- cat /data/note")
        assert "no such file" in without.err.lower()

    # down from the highest number, one after the other, and the claims stay
    with lab.proves("WL-39"):
        with lab.watching(PODS) as seen:
            lab.scale("statefulset/web", 1)
            lab.becomes(PODS, lambda pods: pods.names == {"web-0"}, within=120)
        for state in seen.history:
            if "web-2" in state.names:
                assert "web-1" in state.live.names
        assert lab.get("persistentvolumeclaims").live.names == CLAIMS
    lab.delete("statefulset/web")
    with lab.proves("WL-54"):
        lab.becomes("pod/web-0", ABSENT, within=120)
        kept = lab.get("persistentvolumeclaims")
        assert kept.names == CLAIMS
        assert {c.at("status.phase") for c in kept.live} == {"Bound"}


@claim("WL-53")
def test_pod_that_never_gets_ready_holds_up_the_rest_and_the_repair(lab):
    lab.apply(STUCK)
    lab.becomes("pod/queue-0", cannot_pull, within=90)
    assert lab.get("pods app=queue").names == {"queue-0"}

    lab.run(f"kubectl set image statefulset/queue queue={AGNHOST}")

    def template_seen(queue):
        """The controller has made a new revision of the mended template."""
        return queue.at("status.updateRevision") != queue.at("status.currentRevision")

    def still_the_first(pods):
        """Only the Pod that can't pull its image is there."""
        return pods.live.names == {"queue-0"} and not pods.ready

    seen = ("statefulset/queue", template_seen)
    lab.stays("pods app=queue", still_the_first, seconds=10, control=seen)
    stuck = lab.delete("pod/queue-0")

    lab.becomes("pods app=queue", ready(2), without=stuck, within=180)


def cannot_pull(pod):
    """The Pod waits for an image it can't get."""
    reasons = ("ErrImagePull", "ImagePullBackOff")
    return pod and pod.at("status.containerStatuses.0.state.waiting.reason") in reasons
