"""The sentences of the lesson on requests, limits and the QoS class."""

import json

from k8s_basic.content.tables import coded_rows
from k8s_basic.live import claim, is_ready

BURSTABLE = "developer/resources-and-qos/qos-burstable.yaml"
CPU_STAT = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.stat"
# The Pods of these files stand in the page's table of classes, in the row of their class.
CLASSES = [
    BURSTABLE,
    "developer/resources-and-qos/qos-guaranteed.yaml",
    "developer/resources-and-qos/qos-besteffort.yaml",
    "developer/resources-and-qos/qos-limits-only.yaml",
    "developer/resources-and-qos/qos-mixed.yaml",
]


def restarts(pod):
    return pod.at("status.containerStatuses.0.restartCount")


@claim("QO-1", "QO-2", "QO-3", "QO-4", "QO-5")
def test_qos_class_follows_from_requests_and_limits(lab):
    pods = {pod.name: pod for example in CLASSES for pod in lab.apply(example)}
    classes = {name: pod.at("status.qosClass") for name, pod in pods.items()}

    for name in pods:
        lab.becomes(f"pod/{name}", is_ready)
    with lab.proves("QO-1"):
        assert classes["guaranteed"] == "Guaranteed"
    with lab.proves("QO-2"):
        assert classes["frontend"] == "Burstable"
        # what the node has given the first container is what was asked for
        given = {
            "requests": {"cpu": "250m", "memory": "64Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        }
        lab.becomes("pod/frontend", {"status": {"containerStatuses": [{"resources": given}]}})
    with lab.proves("QO-3"):
        assert classes["besteffort"] == "BestEffort"
    with lab.proves("QO-4"):
        assert classes["limits-only"] == "Guaranteed"
        filled_in = pods["limits-only"].at("spec.containers.0.resources")
        assert filled_in["requests"] == filled_in["limits"]
        assert set(filled_in["requests"]) == {"cpu", "memory"}
    with lab.proves("QO-5"):
        assert classes["mixed"] == "Burstable"
        alone = lab.example("developer/resources-and-qos/qos-mixed.yaml")[0]
        alone["metadata"]["name"] = "without-sidecar"
        del alone["spec"]["containers"][1:]
        (alone,) = lab.apply(alone)
        assert alone.at("status.qosClass") == "Guaranteed"

    for language, rows in coded_rows("developer/resources-and-qos", "classes").items():
        said = {pod.strip(" `"): row for row, cells in rows.items() for pod in cells[1].split(",")}
        assert said == classes, language


@claim("QO-6")
def test_request_above_the_limit_is_refused(lab):
    example = "developer/resources-and-qos/request-over-limit.yaml"
    field = "spec.containers[0].resources.requests"
    lab.refuses(
        lab.apply, example, code=422, reason="Invalid", field=field,
        text="must be less than or equal to memory limit",
    )  # fmt: skip

    mended = lab.example(example)[0]
    mended["spec"]["containers"][0]["resources"]["requests"]["memory"] = "128Mi"
    lab.apply(mended)
    lab.becomes("pod/request-over-limit", is_ready)


@claim("QO-7")
def test_container_over_its_memory_limit_is_killed(lab):
    # beside it, the same program with room enough
    roomy = lab.example("developer/resources-and-qos/oom.yaml")[0]
    roomy["metadata"]["name"] = "roomy"
    roomy["spec"]["restartPolicy"] = "Never"
    roomy["spec"]["containers"][0]["resources"]["limits"]["memory"] = "512Mi"
    lab.apply("developer/resources-and-qos/oom.yaml")
    lab.apply(roomy)

    def killed_and_restarted(pod):
        """The container was restarted after it was killed for its memory."""
        ended = pod.at("status.containerStatuses.0.lastState.terminated") or {}
        killed = (ended.get("reason"), ended.get("exitCode")) == ("OOMKilled", 137)
        return killed and restarts(pod) >= 1

    # the runtime may tell of an end before it has heard from the kernel why; the next one says it
    lab.becomes("pod/oom", killed_and_restarted, within=240)
    lab.becomes("pod/roomy", {"status": {"phase": "Succeeded"}}, within=120)


@claim("QO-8")
def test_container_over_its_cpu_limit_is_throttled_and_goes_on(lab):
    lab.apply("developer/resources-and-qos/cpu-throttle.yaml")
    pod = lab.becomes("pod/busy", is_ready)

    before = throttled(lab)
    what = f"more than {before} throttled periods"
    lab.eventually(what, lambda: throttled(lab), lambda now: now > before)

    after = lab.get("pod/busy")
    assert (after.uid, restarts(after)) == (pod.uid, 0)
    assert after.is_ready


def throttled(lab):
    """Return in how many periods the kernel has held the container back."""
    stat = dict(line.split() for line in lab.exec("busy", "sh", "-c", CPU_STAT).splitlines())
    return int(stat["nr_throttled"])


@claim("QO-9")
def test_pod_that_requests_more_than_any_node_has_is_not_scheduled(lab):
    lab.apply("developer/resources-and-qos/request-too-big.yaml")

    def no_room(pod):
        """The scheduler found no node with so much CPU."""
        scheduled = pod.condition("PodScheduled") or {}
        unschedulable = scheduled.get("reason") == "Unschedulable"
        return unschedulable and "Insufficient cpu" in scheduled.get("message", "")

    pod = lab.becomes("pod/too-big", no_room)

    assert pod.at("status.phase") == "Pending"
    assert pod.at("spec.nodeName") is None
    # a limit alone is no obstacle: only requests are counted
    smaller = lab.example("developer/resources-and-qos/request-too-big.yaml")[0]
    smaller["metadata"]["name"] = "big-limit"
    resources = {"requests": {"cpu": "1m"}, "limits": {"cpu": "100"}}
    smaller["spec"]["containers"][0]["resources"] = resources
    lab.apply(smaller)
    lab.becomes("pod/big-limit", is_ready)


def resize(lab, **resources):
    """Ask for other resources of the running container, as a reader types it."""
    patch = {"spec": {"containers": [{"name": "app", "resources": resources}]}}
    return lab.run(f"kubectl patch pod frontend --subresource resize -p '{json.dumps(patch)}'")


@claim("QO-10")
def test_limits_change_in_place_and_the_class_does_not(lab):
    lab.apply(BURSTABLE)
    before = lab.becomes("pod/frontend", is_ready)

    resized = resize(lab, limits={"cpu": "600m", "memory": "256Mi"})
    assert resized.code == 0, resized.err
    after = lab.becomes(
        "pod/frontend",
        {"status": {"containerStatuses": [{"resources": {"limits": {"memory": "256Mi"}}}]}},
    )

    assert (after.uid, restarts(after)) == (before.uid, 0)
    assert after.at("status.containerStatuses.0.containerID") == before.at(
        "status.containerStatuses.0.containerID"
    )
    refused = resize(lab, requests={"cpu": "600m", "memory": "256Mi"})
    assert refused.code != 0
    assert "QOS Class may not change" in refused.err
    assert lab.get("pod/frontend").at("status.qosClass") == "Burstable"
