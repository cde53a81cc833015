"""Two lifetimes: the container's own files, and an emptyDir."""

from k8s_basic.live import claim, is_ready

MI = 1024 * 1024


def restarted_once(pod):
    """The container mycontainer was restarted once and runs again."""
    found = {c["name"]: c for c in pod.at("status.containerStatuses") or []}
    mine = found.get("mycontainer", {})
    return mine.get("restartCount") == 1 and mine.get("ready")


def shared_memory(lab, pod):
    """Return the bytes that files in memory take in the container's cgroup, of either version."""
    stat = "cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null; true"
    lines = lab.exec(pod, "sh", "-c", stat).splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("shmem "))


@claim("ST-4", "ST-5")
def test_empty_dir_outlives_a_restart_of_the_container_and_not_the_pod(lab):
    lab.apply("storage/volumes/emptydir.yaml")
    pod = lab.becomes("pod/mypod", is_ready)
    write = "echo kept > /data/kept; echo lost > /tmp/lost; cat /tmp/lost"
    assert lab.exec(pod, "sh", "-c", write, container="mycontainer") == "lost\n"

    # Ready without a probe: nginx can be told to end once it answers
    ask = ("curl", "-sS", "-o", "/dev/null", "--retry", "5", "--retry-connrefused")
    lab.exec(pod, *ask, "http://localhost/", container="mycontainer")
    lab.exec(pod, "nginx", "-s", "quit", container="mycontainer")
    with lab.proves("ST-4"):
        lab.becomes("pod/mypod", restarted_once, within=120)
        assert "lost" not in lab.exec(pod, "ls", "/tmp", container="mycontainer").split()
        assert lab.exec(pod, "cat", "/data/kept", container="mycontainer") == "kept\n"

    old = lab.delete("pod/mypod", wait=True)
    lab.apply("storage/volumes/emptydir.yaml")
    with lab.proves("ST-5"):
        new = lab.becomes("pod/mypod", is_ready, without=old)
        assert lab.exec(new, "ls", "-A", "/data", container="mycontainer") == ""


@claim("ST-2", "ST-24")
def test_empty_dir_in_memory_counts_as_memory_and_ends_at_its_limit(lab):
    lab.apply("storage/ephemeral/emptydir-memory.yaml")
    pod = lab.becomes("pod/in-memory", is_ready)

    with lab.proves("ST-2"):
        mounts = [line.split() for line in lab.exec(pod, "cat", "/proc/mounts").splitlines()]
        assert [m[0] for m in mounts if m[1] == "/cache"] == ["tmpfs"]
        before = shared_memory(lab, pod)
        lab.exec(pod, "dd", "if=/dev/zero", "of=/cache/small", "bs=1M", "count=8")
        # the kernel adds its figures up now and then
        lab.eventually(
            "8 MiB more", lambda: shared_memory(lab, pod) - before, lambda grown: grown >= 8 * MI
        )

    with lab.proves("ST-24"):
        fill = "kubectl exec in-memory -- dd if=/dev/zero of=/cache/big bs=1M count=32"
        full = lab.run(fill)
        assert full.code != 0
        assert "No space left" in full.err
