"""The sentences of the lesson on liveness and startup probes."""

from datetime import datetime

import pytest
from k8s_basic.live import claim, is_ready, reports

LIVENESS = "developer/liveness-and-startup/liveness-exec.yaml"
STARTUP = "developer/liveness-and-startup/startup.yaml"


def restarts(pod):
    return pod.at("status.containerStatuses.0.restartCount") or 0


def restarted(pod):
    """The first container runs and has been restarted once or more."""
    return restarts(pod) >= 1 and bool(pod.at("status.containerStatuses.0.state.running"))


@claim("PR-9")
def test_failing_liveness_probe_restarts_the_container_in_the_same_pod(lab):
    lab.apply(LIVENESS)
    before = lab.becomes("pod/liveness-exec", is_ready)
    assert restarts(before) == 0

    lab.exec(before, "rm", "/tmp/healthy")
    after = lab.becomes(before, restarted, within=120)

    assert after.uid == before.uid
    assert after.at("status.podIP") == before.at("status.podIP")
    for reason in ("Unhealthy", "Killing"):
        lab.becomes("events", reports(after, reason))
    # the command made the file again, so that one restart was enough
    healed = lab.becomes(before, is_ready)
    assert restarts(healed) == 1
    lab.exec(healed, "test", "-f", "/tmp/healthy")


@claim("PR-10")
@pytest.mark.slow
def test_startup_probe_keeps_the_liveness_probe_away_from_a_slow_start(lab):
    # the same probes around a program that starts at once and hangs later
    stuck = lab.example(STARTUP)[0]
    stuck["metadata"]["name"] = "stuck"
    script = "timeout 15 /agnhost netexec --http-port=8080; sleep 300"
    stuck["spec"]["containers"][0]["command"] = ["sh", "-c", script]

    lab.apply(STARTUP)
    lab.apply("developer/liveness-and-startup/startup-missing.yaml")
    lab.apply(stuck)
    killed = lab.becomes("pod/startup-missing", restarted, within=180)
    started = lab.becomes("pod/startup", is_ready, within=180)
    lab.becomes("pod/stuck", restarted, within=180)

    assert restarts(started) == 0
    # it took longer than the three failures that the liveness probe alone puts up with
    since = datetime.fromisoformat(started.at("status.containerStatuses.0.state.running.startedAt"))
    until = datetime.fromisoformat(started.condition("Ready")["lastTransitionTime"])
    assert (until - since).total_seconds() >= 15
    lab.http(f"http://{started.at('status.podIP')}:8080/healthz")
    lab.becomes("events", reports(killed, "Killing"))
    assert "Killing" not in {event["reason"] for event in lab.events(started)}

    def never_restarted(pod):
        """The liveness probe, which has taken over, passes."""
        return pod is not None and pod.is_ready and restarts(pod) == 0

    # it would be killed after three periods of two seconds
    lab.stays("pod/startup", never_restarted, seconds=10, control=None)


@claim("PR-13")
def test_one_success_is_all_that_liveness_and_startup_probes_may_ask_for(lab):
    for example, probe in (
        (LIVENESS, "livenessProbe"),
        (STARTUP, "startupProbe"),
    ):
        pod = lab.example(example)[0]
        container = pod["spec"]["containers"][0]
        container[probe]["successThreshold"] = 2
        field = f"spec.containers[0].{probe}.successThreshold"
        lab.refuses(lab.apply, pod, code=422, reason="Invalid", field=field, text="must be 1")

        # a readiness probe may
        container["readinessProbe"] = container.pop(probe)
        if probe == "startupProbe":
            del container["livenessProbe"]
        lab.apply(pod)
