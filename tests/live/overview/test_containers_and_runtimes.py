"""What a node's container runtime shows of itself, and what it can't do."""

import pytest
from k8s_basic.live import claim, is_ready, reports


@claim("OV-22", "OV-31")
def test_pod_shows_its_runtime_and_the_generation_of_its_cgroups(lab):
    lab.apply("overview/containers-and-runtimes/which-runtime.yaml")
    pod = lab.becomes("pod/which-runtime", is_ready, within=90)

    node = lab.get(f"node/{pod.at('spec.nodeName')}")
    runtime = node.at("status.nodeInfo.containerRuntimeVersion").partition("://")[0]
    with lab.proves("OV-22"):
        assert pod.at("status.containerStatuses.0.containerID").startswith(f"{runtime}://")
        assert runtime != "docker"

    with lab.proves("OV-31"):
        file_system = lab.exec(pod, "stat", "-f", "-c", "%T", "/sys/fs/cgroup").strip()
        assert file_system in ("cgroup2fs", "tmpfs")
        # the second generation has this file at its root, the first has a directory per controller
        listed = lab.exec(pod, "ls", "/sys/fs/cgroup").split()
        assert ("cgroup.controllers" in listed) == (file_system == "cgroup2fs")
        assert ("memory" in listed) == (file_system == "tmpfs")


@claim("OV-23")
def test_pod_that_mounts_the_socket_of_docker_never_starts(lab):
    [pod] = lab.apply("overview/containers-and-runtimes/docker-socket.yaml")

    # the first warning may be about another lack
    refused = reports(pod, "FailedMount", "/var/run/docker.sock", "not a socket file")
    lab.becomes("events", refused, within=90)
    waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    lab.becomes(
        "pod/image-builder", {"status": {"phase": "Pending", "containerStatuses": [waiting]}}
    )

    # the same Pod without the volume shows that nothing else holds it up
    [document] = lab.example("overview/containers-and-runtimes/docker-socket.yaml")
    document["metadata"]["name"] = "no-socket"
    document["spec"]["volumes"] = []
    document["spec"]["containers"][0]["volumeMounts"] = []
    lab.apply(document)
    lab.becomes("pod/no-socket", is_ready, within=60)


@claim("OV-24", "OV-25")
@pytest.mark.touches_cluster
def test_pod_whose_runtime_class_is_missing_or_has_no_handler_does_not_run(lab):
    runtime_class, pod = lab.example("overview/containers-and-runtimes/runtime-class.yaml")
    if pod["spec"].get("runtimeClassName") == runtime_class["metadata"]["name"]:
        pod["spec"]["runtimeClassName"] = f"demo-{lab.namespace}"
    runtime_class["metadata"]["name"] = f"demo-{lab.namespace}"
    with lab.proves("OV-24"):
        lab.refuses(
            lab.apply, [pod], code=403, reason="Forbidden", text="RuntimeClass .* not found"
        )

    with lab.proves("OV-25"):
        try:
            [_, accepted] = lab.apply([runtime_class, pod])
            failed = reports(accepted, "FailedCreatePodSandBox", runtime_class["handler"])
            lab.becomes("events", failed, within=90)
        finally:
            lab.run(f"kubectl delete runtimeclass demo-{lab.namespace} --ignore-not-found")
        assert lab.get("pod/sandboxed").at("status.phase") == "Pending"

        del pod["spec"]["runtimeClassName"]
        pod["metadata"]["name"] = "not-sandboxed"
        lab.apply([pod])
        lab.becomes("pod/not-sandboxed", is_ready, within=60)


@claim("OV-32")
def test_image_without_a_tag_is_always_pulled_by_default(lab):
    [tagged] = lab.example("start/first-cluster/first-pod.yaml")
    untagged = lab.example("start/first-cluster/first-pod.yaml")[0]
    untagged["metadata"]["name"] = "untagged"
    container = untagged["spec"]["containers"][0]
    container["image"] = container["image"].rpartition(":")[0]
    policy = "spec.containers.0.imagePullPolicy"
    assert [pod.at(policy) for pod in lab.apply([tagged, untagged])] == ["IfNotPresent", "Always"]
