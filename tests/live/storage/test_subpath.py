"""subPath: one file or one directory of a volume, and what it costs."""

from k8s_basic.live import claim, is_ready

HTML = "/usr/share/nginx/html"
UPDATE = 120  # seconds for the kubelet to write a changed ConfigMap into the volume


def fetch(lab, pod, path):
    """Return what the web server in the Pod answers about itself: body and status."""
    curl = f"curl -sS --retry 5 --retry-connrefused -w '\\n%{{http_code}}' http://localhost{path}"
    body, _, status = lab.exec(pod, "sh", "-c", curl).rpartition("\n")
    return body.strip(), int(status)


def failed_to_start(pod):
    """The container failed at its start, and the message says why."""
    ended = pod.at("status.containerStatuses.0.lastState.terminated") or {}
    return ended.get("reason") == "StartError" and "not a directory" in ended.get("message", "")


@claim("SP-1", "SP-2", "SP-4")
def test_sub_path_adds_one_file_beside_the_others_and_never_updates_it(lab):
    lab.apply("storage/subpath/subpath.yaml")
    with_it = lab.becomes("pod/with-subpath", is_ready)
    without = lab.becomes("pod/without-subpath", is_ready)

    with lab.proves("SP-1"):
        assert {"index.html", "version.html"} <= set(lab.exec(with_it, "ls", HTML).split())
        assert fetch(lab, with_it, "/")[1] == 200
        assert fetch(lab, with_it, "/version.html") == ("v1", 200)
    with lab.proves("SP-2"):
        assert lab.exec(without, "ls", HTML).split() == ["version.html"]
        assert fetch(lab, without, "/")[1] == 403
        assert fetch(lab, without, "/version.html") == ("v1", 200)

    lab.patch("configmap/site", {"data": {"version.html": "v2"}})
    lab.annotate(with_it, {"example.com/look": "now"})  # a changed Pod is looked at soon
    with lab.proves("SP-4"):
        lab.eventually(
            "the whole volume has v2",
            lambda: lab.exec(with_it, "cat", "/etc/site/version.html"),
            lambda seen: seen == "v2",
            within=UPDATE,
        )
        assert fetch(lab, with_it, "/version.html") == ("v1", 200)


@claim("SP-3")
def test_sub_paths_split_one_volume(lab):
    lab.apply("storage/subpath/dirs.yaml")
    pod = lab.becomes("pod/split", is_ready)

    for container in ("uploads", "reports"):
        write = f"echo {container} > /data/of-{container}"
        lab.exec(pod, "sh", "-c", write, container=container)

    for container in ("uploads", "reports"):
        assert lab.exec(pod, "ls", "-A", "/data", container=container) == f"of-{container}\n"
    everything = lab.exec(pod, "sh", "-c", "cd /data; find . -type f", container="all")
    assert sorted(everything.split()) == ["./reports/of-reports", "./uploads/of-uploads"]


@claim("SP-5")
def test_sub_path_that_the_volume_lacks_is_made_as_a_directory_and_breaks_the_start(lab):
    site = lab.example("storage/subpath/subpath.yaml")[0]
    lab.apply(site)
    (pod,) = lab.example("storage/subpath/typo.yaml")

    lab.apply(pod)
    lab.becomes("pod/typo", failed_to_start, within=120)

    # the same Pod with a place that is no file yet shows what the kubelet has made
    pod["metadata"]["name"] = "typo-elsewhere"
    pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = f"{HTML}/new.html"
    lab.apply(pod)
    elsewhere = lab.becomes("pod/typo-elsewhere", is_ready)
    kind = lab.exec(elsewhere, "sh", "-c", f"test -d {HTML}/new.html && echo directory; true")
    assert kind == "directory\n"
    assert lab.exec(elsewhere, "ls", "-A", f"{HTML}/new.html") == ""
