"""What a volume is, which kinds there are, and two manifests that get none."""

from k8s_basic.live import claim, is_ready, reports


@claim("ST-1")
def test_empty_dir_starts_empty_and_the_containers_of_a_pod_share_it(lab):
    lab.apply("storage/volumes/emptydir.yaml")
    pod = lab.becomes("pod/mypod", is_ready)

    assert lab.exec(pod, "ls", "-A", "/inbox", container="reader") == ""
    lab.exec(pod, "sh", "-c", "echo hello > /data/message", container="mycontainer")
    assert lab.exec(pod, "cat", "/inbox/message", container="reader") == "hello\n"


@claim("ST-3")
def test_rbd_volume_is_accepted_with_a_warning_and_never_mounted(lab):
    warnings = lab.warns("storage/volumes/rbd.yaml")
    assert any("rbd" in w and "non-functional" in w for w in warnings), warnings

    pod = lab.get("pod/old-rbd")
    lab.becomes("events", reports(pod, "FailedMount", "no volume plugin matched"), within=180)
    assert lab.get("pod/old-rbd").at("status.phase") == "Pending"


@claim("ST-25")
def test_mount_of_a_volume_that_the_pod_does_not_have_is_refused(lab):
    (pod,) = lab.example("storage/volumes/missing.yaml")
    name = "spec.containers[0].volumeMounts[0].name"
    lab.refuses(lab.apply, pod, code=422, reason="Invalid", field=name, text="not found")

    pod["spec"]["containers"][0]["volumeMounts"][0]["name"] = "data"
    lab.apply(pod)
