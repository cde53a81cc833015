"""The sentences of the lesson on Pods."""

import json

from k8s_basic.live import ABSENT, claim, is_ready, needs, ready

SIMPLE = "workloads/pod/simple.yaml"
TWO = "workloads/container/pod-two-containers.yaml"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.66.1"


def restarted_once(pod):
    """Every container is ready again, and the first has restarted once."""
    return pod.is_ready and pod.at("status.containerStatuses.0.restartCount") == 1


@claim("WL-3")
def test_the_smallest_pod_runs_and_answers(lab):
    lab.apply(SIMPLE)

    pod = lab.becomes("pod/nginx", is_ready)

    assert pod.at("status.phase") == "Running"
    answer = lab.http(f"http://{pod.at('status.podIP')}:80/")
    assert answer.headers["server"].startswith("nginx")


@claim("WL-5")
@needs("control-plane")
def test_pod_reaches_an_address_outside_the_pod_network_without_a_service(lab):
    lab.apply(TWO)
    lab.becomes("pod/two-containers", is_ready)
    node = lab.get("nodes node-role.kubernetes.io/control-plane")[0]
    address = next(a["address"] for a in node.at("status.addresses") if a["type"] == "InternalIP")

    url = f"https://{address}:6443/livez"
    curl = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", url]
    status = lab.exec("pod/two-containers", *curl, container="writer")

    # an answer is an answer: who may read /livez is not the point
    assert status in {"200", "401", "403"}
    assert lab.get("services") == []


@claim("WL-6")
def test_containers_of_a_pod_share_localhost_one_ip_and_the_ports(lab):
    lab.apply(TWO)
    lab.apply("workloads/pod/port-clash.yaml")
    pod = lab.becomes("pod/two-containers", is_ready)
    address = pod.at("status.podIP")

    page = lab.http(f"http://{address}:80/").body.strip()
    # the writer's own loop asks localhost, and prints what nginx next door answers
    lab.logged(pod, page, container="writer")
    assert address in lab.exec(pod, "ip", "-4", "-o", "addr", container="writer")

    lab.becomes("pod/port-clash", one_runs_and_one_crashes)
    in_use = "address already in use"
    lab.logged("port-clash", in_use)


def one_runs_and_one_crashes(pod):
    """One container has never restarted and runs; the other has ended with an error."""
    statuses = pod.at("status.containerStatuses") or []
    running = [s for s in statuses if s["restartCount"] == 0 and "running" in s["state"]]
    failed = [
        s
        for s in statuses
        for ended in (s["state"].get("terminated"), s.get("lastState", {}).get("terminated"))
        if ended and ended["exitCode"] != 0
    ]
    return len(running) == 1 and failed


@claim("WL-7")
def test_what_one_container_writes_to_the_volume_the_other_reads(lab):
    lab.apply(TWO)
    pod = lab.becomes("pod/two-containers", is_ready)

    lab.exec(pod, "sh", "-c", f"echo {pod.uid} > /site/marker.txt", container="writer")

    answer = lab.http(f"http://{pod.at('status.podIP')}:80/marker.txt")
    assert answer.body.strip() == pod.uid
    # the reader mounts it read-only
    written = lab.run("kubectl exec two-containers -c web -- touch /usr/share/nginx/html/own")
    assert "read-only file system" in written.err.lower()


@claim("WL-8")
def test_container_without_the_mount_does_not_see_the_volume(lab):
    lab.apply(TWO)
    pod = lab.becomes("pod/two-containers", is_ready)

    lab.http(f"http://{pod.at('status.podIP')}/")  # the writer makes its page after the note
    assert "note" in lab.exec("pod/two-containers", "ls", "/scratch", container="writer")
    without = lab.run("kubectl exec two-containers -c web -- ls /scratch")
    assert without.code != 0
    assert "no such file" in without.err.lower()
    # what stands in the other volume is not in the one that both mount
    lab.http(f"http://{pod.at('status.podIP')}/note", status=404)


@claim("WL-9")
def test_init_container_succeeds_before_the_program_starts(lab):
    lab.apply("workloads/pod/init.yaml")

    pod = lab.becomes("pod/with-init", is_ready)

    ended = pod.at("status.initContainerStatuses.0.state.terminated")
    assert ended is not None
    assert ended["exitCode"] == 0
    # RFC 3339 in UTC: order of text is order of time
    started = pod.at("status.containerStatuses.0.state.running.startedAt")
    assert ended["finishedAt"] <= started
    page = lab.http(f"http://{pod.at('status.podIP')}/").body
    assert page.strip() == "prepared before the start"


@claim("WL-10")
def test_post_start_hook_has_run_inside_the_container(lab):
    lab.apply("workloads/pod/lifecycle.yaml")

    pod = lab.becomes("pod/with-hooks", is_ready)

    assert lab.run("kubectl exec with-hooks -- cat /tmp/post-start").out.strip()
    assert not [e for e in lab.events(pod) if e["reason"] == "FailedPostStartHook"]


@claim("WL-11")
def test_pre_stop_hook_runs_on_deletion_and_not_on_a_crash(lab):
    lab.apply("workloads/pod/lifecycle.yaml")
    lab.becomes("pod/hook-target", is_ready)
    pod = lab.becomes("pod/with-hooks", is_ready)
    lab.http(f"http://{pod.at('status.podIP')}:8080/")
    # what the hook will do works from this Pod, and leaves its own trace
    lab.http("http://hook-target/echo?msg=reachable")

    lab.run("kubectl exec with-hooks -- curl -s 'http://localhost:8080/exit?code=1'")
    lab.becomes("pod/with-hooks", restarted_once)
    after_crash = lab.logs("hook-target")
    lab.delete("pod/with-hooks", wait=True)

    assert "msg=reachable" in after_crash
    assert "msg=goodbye" not in after_crash
    lab.logged("hook-target", "msg=goodbye")


@claim("WL-12")
def test_deleted_bare_pod_stays_away_while_a_replicaset_replaces_its_own(lab):
    lab.apply(SIMPLE)
    lab.apply("workloads/replicaset/replicaset.yaml")
    lab.becomes("pod/nginx", is_ready)
    owned = lab.becomes("pods tier=frontend", ready(3))

    lab.delete("pod/nginx", wait=True)
    victim = lab.delete(owned[0])

    def replaced(pods):
        """Three ready Pods again, without the deleted one."""
        return ready(3)(pods) and victim.uid not in pods.uids

    lab.stays("pod/nginx", ABSENT, seconds=15, control=("pods tier=frontend", replaced))


@claim("WL-13")
def test_ended_container_restarts_in_the_same_pod(lab):
    lab.apply(SIMPLE)
    before = lab.becomes("pod/nginx", is_ready)

    # the Pod is ready before its program is
    lab.http(f"http://{before.at('status.podIP')}:80/")
    lab.run("kubectl exec nginx -- nginx -s quit")
    after = lab.becomes("pod/nginx", restarted_once)

    assert after.uid == before.uid
    assert after.at("status.podIP") == before.at("status.podIP")
    lab.http(f"http://{after.at('status.podIP')}:80/")
    assert after.at("status.containerStatuses.0.lastState.terminated.exitCode") == 0

    crashing = lab.example(SIMPLE)[0]
    crashing["metadata"]["name"] = "crashing"
    container = crashing["spec"]["containers"][0]
    container |= {"image": AGNHOST, "args": ["netexec", "--http-port=8080"]}
    lab.apply(crashing)
    before = lab.becomes("pod/crashing", is_ready)
    lab.http(f"http://{before.at('status.podIP')}:8080/")
    lab.run("kubectl exec crashing -- curl -s 'http://localhost:8080/exit?code=1'")
    after = lab.becomes("pod/crashing", restarted_once)
    assert after.uid == before.uid
    assert after.at("status.podIP") == before.at("status.podIP")
    assert after.at("status.containerStatuses.0.lastState.terminated.exitCode") == 1


@claim("WL-32")
def test_image_changes_in_place_and_the_command_does_not(lab):
    lab.apply(SIMPLE)
    before = lab.becomes("pod/nginx", is_ready)

    changed = lab.run("kubectl set image pod/nginx web=registry.k8s.io/pause:3.10.2")
    assert changed.code == 0, changed.err
    after = lab.becomes("pod/nginx", restarted_once)

    assert after.uid == before.uid
    assert "pause" in after.at("status.containerStatuses.0.image")
    pod = lab.example(SIMPLE)[0]
    pod["spec"]["containers"][0]["image"] = "registry.k8s.io/pause:3.10.2"
    lab.apply(pod)
    pod["spec"]["containers"][0]["command"] = ["sleep", "60"]
    lab.refuses(lab.apply, pod, code=422, text="pod updates may not change fields other than")
    patch = json.dumps({"spec": {"containers": [{"name": "web", "command": ["sleep", "60"]}]}})
    assert lab.run(f"kubectl patch pod nginx --patch '{patch}'").code != 0
