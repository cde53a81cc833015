"""The sentences of the lesson on containers."""

import re

from k8s_basic.live import claim, is_ready

LIMITED = "workloads/container/pod-resources.yaml"
TWO = "workloads/container/pod-two-containers.yaml"
# cgroup v2 and v1 name the same limit differently
MEMORY = (
    "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
)


def namespaces(lab, pod, container=None):
    """Return the kernel namespaces of a container's processes, by their kind."""
    kinds = ("net", "mnt", "pid")
    script = "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)
    return dict(zip(kinds, lab.exec(pod, "sh", "-c", script, container=container).split()))


@claim("WL-1")
def test_containers_of_a_pod_share_the_network_and_nothing_else(lab):
    lab.apply(TWO)
    first = lab.becomes("pod/two-containers", is_ready, within=90)
    neighbor = lab.example(LIMITED)[0]
    # inode numbers of namespaces are told apart within one kernel, so on one node
    neighbor["spec"]["nodeName"] = first.at("spec.nodeName")
    lab.apply(neighbor)
    other = lab.becomes("pod/limited", is_ready, within=90)

    web, writer = (namespaces(lab, first, name) for name in ("web", "writer"))
    apart = namespaces(lab, other)

    assert web["net"] == writer["net"]
    assert apart["net"] != web["net"]
    for kind in ("mnt", "pid"):
        assert len({web[kind], writer[kind], apart[kind]}) == 3


@claim("WL-2", "WL-4")
def test_container_has_the_kernel_of_its_node_and_a_limit_in_its_cgroup(lab):
    lab.apply(LIMITED)

    pod = lab.becomes("pod/limited", is_ready, within=90)

    node = lab.get(f"node/{pod.at('spec.nodeName')}")
    with lab.proves("WL-2"):
        assert lab.exec(pod, "uname", "-r").strip() == node.at("status.nodeInfo.kernelVersion")
        # the files are those of the image: busybox brings no trace of a distribution
        files = lab.run("kubectl exec limited -- ls /etc/os-release")
        assert "no such file" in files.err.lower()
        assert node.at("status.nodeInfo.osImage")
    with lab.proves("WL-4"):
        assert lab.exec(pod, "sh", "-c", MEMORY).strip() == str(64 * 1024**2)


@claim("WL-56")
def test_container_ends_with_its_first_process(lab):
    lab.apply("workloads/container/pod-background.yaml")

    pod = lab.becomes("pod/background", restarted, within=90)

    ended = pod.at("status.containerStatuses.0.lastState.terminated")
    assert (ended["reason"], ended["exitCode"]) == ("Completed", 0)
    assert re.search(r"nginx runs as \d+", lab.logged(pod, "nginx runs as"))

    mended = lab.example("workloads/container/pod-background.yaml")[0]
    mended["metadata"]["name"] = "foreground"
    mended["spec"]["containers"][0]["command"][-1] = "nginx -g 'daemon off;'"
    lab.apply(mended)
    pod = lab.becomes("pod/foreground", is_ready, within=90)
    lab.http(f"http://{pod.at('status.podIP')}:80/")
    lab.stays("pod/foreground", never_restarted, seconds=5, control=None)


def restarted(pod):
    """The first container has ended and was started again."""
    return pod is not None and (pod.at("status.containerStatuses.0.restartCount") or 0) > 0


def never_restarted(pod):
    """The first container runs and has never ended."""
    return pod.is_ready and pod.at("status.containerStatuses.0.restartCount") == 0
