"""Pods that don't run: what each says about itself, and that the mended manifest runs."""

from __future__ import annotations

from typing import Any

from k8s_basic.live import Lab, Object, claim, count, is_ready, ready, reports
from k8s_basic.live.conditions import ended, has_condition, waits


def initializing(pod: Object | None) -> bool:
    """Its init container runs, and its container waits for that."""
    if pod is None or not pod.at("status.initContainerStatuses.0.state.running"):
        return False
    return bool(pod.at("status.containerStatuses.0.state.waiting.reason") == "PodInitializing")


@claim("TS-1", "TS-2")
def test_container_that_ends_or_cannot_start_is_tried_again_until_it_is_mended(lab: Lab) -> None:
    lab.apply("troubleshooting/pods/crash-loop-broken.yaml")
    lab.apply("troubleshooting/pods/start-error-broken.yaml")
    # each of the two files ends as the other one does, with the variable and without it
    with_host = lab.example("troubleshooting/pods/crash-loop-broken.yaml")[0]
    without_host = lab.example("troubleshooting/pods/crash-loop.yaml")[0]
    with_host["metadata"]["name"], without_host["metadata"]["name"] = "with-host", "without-host"
    with_host["spec"]["containers"][0]["env"] = [{"name": "DB_HOST", "value": "db"}]
    without_host["spec"]["containers"][0].pop("env", None)
    lab.apply([with_host, without_host])

    with lab.proves("TS-1"):
        lab.becomes("pod/crash-loop", ended(1, "Error"), within=120)
        crashing = lab.becomes("pod/crash-loop", waits("CrashLoopBackOff"), within=120)
        lab.logged(crashing, "DB_HOST is not set")
        lab.logged(lab.becomes("pod/with-host", is_ready), "serving, with db behind")
        without = lab.becomes("pod/without-host", ended(1, "Error"), within=120)
        lab.logged(without, "DB_HOST is not set")
        lab.delete(crashing, wait=True)
        lab.apply("troubleshooting/pods/crash-loop.yaml")
        serving = lab.becomes("pod/crash-loop", is_ready, without=crashing)
        lab.logged(serving, "serving, with db behind")

    with lab.proves("TS-2"):
        unknown = lab.becomes("pod/start-error", ended(128, "StartError"), within=120)
        message = unknown.at("status.containerStatuses.0.lastState.terminated.message")
        assert "executable file not found" in message
        lab.becomes("pod/start-error", waits("CrashLoopBackOff"), within=120)
        lab.eventually(  # between two tries: while one is under way there is no log to be had
            "a log without a word of the program",
            lambda: lab.logs(unknown).strip(),
            lambda log: log in ("", message),
        )
        lab.delete(unknown, wait=True)
        lab.apply("troubleshooting/pods/start-error.yaml")
        web = lab.becomes("pod/start-error", is_ready, without=unknown)
        lab.http(f"http://{web.at('status.podIP')}:8080/", status=404)

    with lab.proves("TS-1"):
        serves_still = lab.get(serving.reference)
        assert serves_still.is_ready
        assert serves_still.at("status.containerStatuses.0.restartCount") == 0


@claim("TS-3", "TS-4")
def test_image_that_cannot_be_had_is_named_and_another_one_runs(lab: Lab) -> None:
    lab.apply("troubleshooting/pods/image-pull-broken.yaml")
    lab.apply("troubleshooting/pods/never-pull-broken.yaml")

    with lab.proves("TS-3"):
        pull = waits("ErrImagePull", "ImagePullBackOff")
        pulling = lab.becomes("pod/image-pull", pull, within=120)
        lab.becomes("pod/image-pull", waits("ImagePullBackOff"), within=120)
        lab.becomes("events", reports(pulling, "Failed", "registry.invalid/nope:1"))
        lab.apply("troubleshooting/pods/image-pull.yaml")
        assert lab.becomes("pod/image-pull", is_ready, within=120).uid == pulling.uid

    with lab.proves("TS-4"):
        never = lab.becomes("pod/never-pull", waits("ErrImageNeverPull"), within=120)
        lab.delete(never, wait=True)
        lab.apply("troubleshooting/pods/never-pull.yaml")
        web = lab.becomes("pod/never-pull", is_ready, without=never)
        server = lab.http(f"http://{web.at('status.podIP')}/").headers["server"]
        assert server.startswith("nginx")


def last_end(pod: Object) -> dict[str, Any]:
    """Return how the only container ended."""
    state: dict[str, Any] = pod.at("status.containerStatuses.0.state.terminated")
    return state


@claim("TS-5", "TS-6")
def test_memory_limit_kills_and_an_init_container_holds_the_pod_back(lab: Lab) -> None:
    lab.apply("troubleshooting/pods/oom-broken.yaml")
    lab.apply("troubleshooting/pods/init-waiting-broken.yaml")

    with lab.proves("TS-5"):
        killed = lab.becomes("pod/oom", {"status": {"phase": "Failed"}}, within=120)
        for _ in range(2):
            if last_end(killed)["reason"] == "OOMKilled":
                break
            # the runtime told of the end before it had heard from the kernel why; that passes
            assert last_end(killed)["exitCode"] == 137
            lab.delete(killed, wait=True)
            lab.apply("troubleshooting/pods/oom-broken.yaml")
            failed = {"status": {"phase": "Failed"}}
            killed = lab.becomes("pod/oom", failed, within=120, without=killed)
        assert (last_end(killed)["reason"], last_end(killed)["exitCode"]) == ("OOMKilled", 137)
        lab.delete(killed, wait=True)
        lab.apply("troubleshooting/pods/oom.yaml")
        done = lab.becomes(
            "pod/oom", {"status": {"phase": "Succeeded"}}, within=120, without=killed
        )
        assert done.at("status.containerStatuses.0.state.terminated.exitCode") == 0
        lab.logged(done, "1+0 records in")  # the block was held in memory
    with lab.proves("TS-6"):
        held = lab.becomes("pod/init-waiting", {"status": {"phase": "Pending"}})
        lab.logged(held, "waiting for init-db", within=90, container="wait-for-db")
        lab.becomes("pod/init-waiting", initializing)
        lab.apply("troubleshooting/pods/init-waiting.yaml")
        assert lab.becomes("pod/init-waiting", is_ready, within=120).uid == held.uid


@claim("TS-7")
def test_job_gives_up_at_its_back_off_limit_and_a_new_one_completes(lab: Lab) -> None:
    name = "job/job-back-off"
    pods = "pods job-name=job-back-off"
    lab.apply("troubleshooting/pods/job-back-off-broken.yaml")

    given_up = lab.becomes(
        name, has_condition("Failed", "True", "BackoffLimitExceeded"), within=180
    )
    failed = lab.becomes(pods, count(2))
    assert [pod.at("status.phase") for pod in failed] == ["Failed", "Failed"]
    assert "migrating" in lab.logs(failed[0])

    lab.delete(given_up, wait=True, propagationPolicy="Foreground")
    lab.apply("troubleshooting/pods/job-back-off.yaml")
    complete = lab.becomes(name, {"status": {"succeeded": 1}}, within=120, without=given_up)
    assert complete.at("status.failed") in (None, 0)
    (done,) = lab.becomes(pods, count(1))
    assert "migrating" in lab.logs(done)


@claim("TS-8")
def test_stuck_rollout_reports_its_deadline_and_keeps_the_old_pod(lab: Lab) -> None:
    name, pods = "deployment/stuck-rollout", "pods app=stuck-rollout"
    good = has_condition("Progressing", "True", "NewReplicaSetAvailable")
    lab.apply("troubleshooting/pods/stuck-rollout.yaml")
    lab.becomes(name, good, within=120)
    (old,) = lab.becomes(pods, ready(1))

    lab.apply("troubleshooting/pods/stuck-rollout-broken.yaml")
    lab.becomes(name, has_condition("Progressing", "False", "ProgressDeadlineExceeded"), within=120)
    both = lab.becomes(pods, count(2))
    assert both.ready.uids == {old.uid}
    (new,) = (pod for pod in both if pod.uid != old.uid)
    # its deadline may have been shorter than its start
    lab.becomes("events", reports(new, "Unhealthy"))
    # the program itself is well
    at = lab.becomes(new, {"status": {"phase": "Running"}}).at("status.podIP")
    assert lab.http(f"http://{at}:8080/hostname").body == new.name

    lab.apply("troubleshooting/pods/stuck-rollout.yaml")
    lab.becomes(name, good, within=120)
    assert lab.becomes(pods, ready(1), without=new).uids == {old.uid}
