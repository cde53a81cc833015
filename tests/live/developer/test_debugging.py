"""What kubectl tells about a Pod in trouble, and how to get a program next to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from k8s_basic.live import ABSENT, Completed, Lab, Object, Objects, claim, is_ready, ready
from k8s_basic.live.conditions import ended

AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.66.1"
DISTROLESS = "developer/debugging/debug-distroless.yaml"
TWO = "workloads/container/pod-two-containers.yaml"
SERVICE = "network/service/clusterip.yaml"


@claim("DB-1", "DB-2")
def test_status_tells_the_kind_of_trouble_and_the_events_tell_why(lab: Lab) -> None:
    lab.apply("developer/debugging/debug-crash.yaml")
    lab.apply("developer/debugging/debug-image.yaml")
    lab.apply("developer/debugging/debug-pending.yaml")
    lab.apply("developer/debugging/debug-config.yaml")
    lab.apply("developer/debugging/debug-notready.yaml")
    wanted = {
        "crash": {("0/1", "CrashLoopBackOff")},
        "image": {("0/1", "ErrImagePull"), ("0/1", "ImagePullBackOff")},
        "pending": {("0/1", "Pending")},
        "config": {("0/1", "CreateContainerConfigError")},
        "notready": {("0/1", "Running")},
    }

    def all_five(done: Completed) -> bool:
        rows = {row["NAME"]: (row["READY"], row["STATUS"]) for row in done.rows}
        return all(rows.get(name) in forms for name, forms in wanted.items())

    with lab.proves("DB-1"):
        lab.eventually("all five", lambda: lab.run("kubectl get pods"), all_five, within=180)

    reasons = {
        "crash": "BackOff",
        "image": "Failed",
        "pending": "FailedScheduling",
        "config": "Failed",
        "notready": "Unhealthy",
    }

    def events(name: str) -> list[dict[str, Any]]:
        done = lab.run(f"kubectl events --for pod/{name} -o json")
        return json.loads(done.out or "{}").get("items", [])  # type: ignore[no-any-return]

    def gives(reason: str) -> Callable[[list[dict[str, Any]]], bool]:
        return lambda told: reason in {event["reason"] for event in told}

    with lab.proves("DB-2"):
        for name, reason in reasons.items():
            what = f"an event of {name} gives {reason}"
            told = lab.eventually(what, partial(events, name), gives(reason))
            assert {event["involvedObject"]["name"] for event in told} == {name}


@claim("DB-3", "DB-4")
def test_describe_shows_the_last_state_and_yaml_shows_what_was_filled_in(lab: Lab) -> None:
    (written,) = lab.example("developer/debugging/debug-crash.yaml")
    lab.apply("developer/debugging/debug-crash.yaml")
    lab.becomes("pod/crash", ended(3), within=120)

    with lab.proves("DB-3"):
        told = lab.run("kubectl describe pod crash").out.split()
        said = " ".join(told)
        assert "Last State: Terminated Reason: Error Exit Code: 3" in said

    with lab.proves("DB-4"):
        path = "'{.spec.restartPolicy} {.spec.containers[0].imagePullPolicy}'"
        assert lab.run(f"kubectl get pod crash -o jsonpath={path}").out == "Always IfNotPresent"
        assert not {"restartPolicy"} & set(written["spec"])
        assert not {"imagePullPolicy"} & set(written["spec"]["containers"][0])


@claim("DB-5")
def test_previous_log_is_that_of_the_run_that_crashed(lab: Lab) -> None:
    lab.apply("developer/debugging/debug-crash-once.yaml")
    lab.apply("developer/debugging/debug-notready.yaml")

    def runs_again(pod: Object | None) -> bool:
        """The container is Ready after a run that ended with exit code 3."""
        return is_ready(pod) and ended(3)(pod)

    lab.becomes("pod/crash-once", runs_again, within=120)
    now = lab.logged("crash-once", "second run")
    assert "first run" not in now
    before = lab.logs("crash-once", previous=True)
    assert "first run" in before
    assert "second run" not in before

    lab.becomes("pod/notready", {"status": {"phase": "Running"}})
    none = lab.run("kubectl logs notready --previous")
    assert none.code != 0
    assert 'previous terminated container "app"' in none.err


@claim("DB-6")
def test_without_a_name_the_log_is_that_of_the_first_container(lab: Lab) -> None:
    lab.apply(TWO)
    lab.becomes("pod/two-containers", is_ready)

    default = lab.run("kubectl logs two-containers")
    assert 'Defaulted container "web" out of: web, writer' in default.err
    assert "a page from the writer" not in default.out
    lab.logged("two-containers", "a page from the writer", container="writer")


@claim("DB-7", "DB-8")
def test_exec_needs_the_program_in_the_image_and_debug_brings_its_own(lab: Lab) -> None:
    lab.apply(DISTROLESS)
    pod = lab.becomes("pod/distroless", is_ready)
    lab.client  # noqa: B018  # an image that has the program

    with lab.proves("DB-7"):
        refused = lab.run("kubectl exec distroless -- ls /")
        assert refused.code != 0
        assert "executable file not found" in refused.err
        assert "bin" in lab.exec("lab-client", "ls", "/")

    with lab.proves("DB-8"):
        debug = "kubectl debug distroless --image=busybox:1.35 --target=app --container=look -- ps"
        done = lab.run(debug)
        assert done.code == 0, done.err
        assert "/pause" in lab.logged("distroless", "/pause", within=90, container="look")

        after = lab.get("pod/distroless")
        assert (after.uid, after.at("status.containerStatuses.0.restartCount")) == (pod.uid, 0)
        assert [c["name"] for c in after.at("spec.ephemeralContainers")] == ["look"]
        assert after.is_ready

        # an ephemeral container can't be taken out again, though its Pod can be written
        where = f"/api/v1/namespaces/{lab.namespace}/pods/distroless/ephemeralcontainers"
        for _ in range(5):
            without = lab.get("pod/distroless")
            without["spec"]["ephemeralContainers"] = []
            body = json.dumps(without)
            taken = lab.run(f"kubectl replace --raw {where} -f - <<'JSON'\n{body}\nJSON")
            if "(Conflict)" not in taken.err:  # the kubelet has written its status in between
                break
        assert taken.code != 0
        assert "may not be removed" in taken.err
        assert lab.label("pod/distroless", {"seen": "yes"}).labels["seen"] == "yes"


@claim("DB-9")
def test_copy_of_a_pod_runs_with_another_command(lab: Lab) -> None:
    lab.apply("developer/debugging/debug-crash.yaml")
    lab.becomes("pod/crash", ended(3), within=120)

    copy = "kubectl debug crash --copy-to=crash-copy --container=app -- sleep 3600"
    assert lab.run(copy).code == 0

    twin = lab.becomes("pod/crash-copy", is_ready)
    assert twin.at("status.containerStatuses.0.restartCount") == 0
    assert twin.at("spec.containers.0.command") == ["sleep", "3600"]
    original = lab.get("pod/crash")
    assert original.uid != twin.uid
    assert original.at("spec.containers.0.command.0") == "sh"
    assert "busybox" in lab.exec(twin, "busybox").lower()


@claim("DB-10", "DB-11")
def test_service_is_asked_from_a_throw_away_pod_and_through_a_forwarded_port(lab: Lab) -> None:
    lab.apply(SERVICE)
    pods: Objects = lab.becomes("pods app=web", ready(3))
    lab.http("http://web/hostname")

    run = f"kubectl run tmp --rm -i --restart=Never --pod-running-timeout=2m --image={AGNHOST}"
    # its node may learn of the Service a little later than that of the first client
    curl = "curl -sS --max-time 20 --retry 30 --retry-delay 1 --retry-max-time 60"
    # through its input, so that it does not begin before kubectl is there to see what it prints
    ask = f"echo '{curl} --retry-all-errors http://web/hostname' | {run} --command -- sh"
    with lab.proves("DB-10"):
        done = lab.run(ask, timeout=180)
        assert any(name in done.out for name in pods.names), done
        lab.becomes("pod/tmp", ABSENT)

    forwarded = lab.run(
        """
        said=$(mktemp); kubectl port-forward service/web :80 >"$said" 2>&1 & pid=$!
        trap 'kill $pid; rm "$said"' EXIT
        for i in $(seq 100); do grep -q Forwarding "$said" && break; sleep 0.3; done
        port=$(grep -oE '127.0.0.1:[0-9]+' "$said" | head -n 1 | cut -d: -f2)
        curl --noproxy '*' -sS --max-time 20 -w ' %{http_code}' "http://127.0.0.1:$port/hostname"
        """
    )
    with lab.proves("DB-11"):
        name, _, status = forwarded.out.partition(" ")
        assert (name in pods.names, status) == (True, "200"), forwarded
