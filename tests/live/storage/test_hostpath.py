"""hostPath: the files of the node, whichever that is."""

import json

import pytest
from k8s_basic.live import claim, is_ready, needs, reports

ZONE = "topology.kubernetes.io/zone"


def apart(lab, documents):
    """Return the documents with paths on the nodes that no other test uses."""
    for document in documents:
        for volume in document["spec"].get("volumes", []):
            if "path" in volume.get("hostPath", {}):
                volume["hostPath"]["path"] += f"-{lab.namespace}"
    return documents


def node_in(lab, zone):
    """Return the name of the lessons' node in a zone."""
    (node,) = lab.get(f"nodes {ZONE}={zone}")
    return node.name


def on(lab, node, script):
    """Run a script on a node and return what it printed; a script that fails prints less."""
    return lab.on_node(node, "sh", "-c", f"{script}; true").strip()


def not_mounted(pod, path):
    """Return a condition: an event says that the Pod lacks this file."""
    words = ("hostPath type check failed", f"{path} is not a file")
    return reports(pod, "FailedMount", *words)


@claim("HP-1", "HP-2", "HP-4")
@needs("lesson-nodes", "node-shell")
@pytest.mark.touches_cluster
def test_pod_sees_the_directory_of_the_node_it_runs_on(lab):
    folder = f"/var/lib/demo-hostpath-{lab.namespace}"
    east, west = (node_in(lab, f"antarctica-{zone}") for zone in ("east1", "west1"))
    there = f"test -d {folder} && echo there"
    try:
        assert on(lab, east, there) == ""
        lab.apply(apart(lab, lab.example("storage/hostpath/hostpath.yaml")))
        for name in ("east", "west"):
            lab.becomes(f"pod/{name}", is_ready)
        with lab.proves("HP-4"):
            assert {node: on(lab, node, there) for node in (east, west)} == {
                east: "there",
                west: "there",
            }

        on(lab, east, f"echo from the node > {folder}/note")
        with lab.proves("HP-1"):
            assert lab.exec("east", "cat", "/host/note") == "from the node\n"
        with lab.proves("HP-2"):
            assert lab.exec("west", "ls", "-A", "/host") == ""
            lab.exec("west", "sh", "-c", "echo from the Pod > /host/note")
            assert on(lab, west, f"cat {folder}/note") == "from the Pod"
            assert lab.exec("east", "cat", "/host/note") == "from the node\n"
    finally:
        for node in (east, west):
            on(lab, node, f"rm -rf {folder}")


@claim("HP-3")
@needs("node-shell")
@pytest.mark.touches_cluster
def test_pod_waits_for_a_file_that_the_node_does_not_have(lab):
    path = f"/etc/demo-settings.conf-{lab.namespace}"
    try:
        lab.apply(apart(lab, lab.example("storage/hostpath/type.yaml")))
        pod = lab.get("pod/needs-file")
        lab.becomes("events", not_mounted(pod, path), within=120)
        assert lab.get("pod/needs-file").at("status.phase") == "Pending"
    finally:
        for node in lab.get("nodes"):
            on(lab, node.name, f"rm -rf {path}")


@claim("HP-5")
@needs("node-shell")
@pytest.mark.touches_cluster
def test_certificates_of_the_node_can_be_read_and_not_written(lab):
    lab.apply("storage/hostpath/ca.yaml")
    pod = lab.becomes("pod/with-node-ca", is_ready)
    node, stray = pod.at("spec.nodeName"), f"/etc/ssl/certs/demo-{lab.namespace}"
    count = "grep -c 'BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt"
    try:
        seen = lab.exec(pod, "sh", "-c", f"{count}; true").strip()
        assert seen == on(lab, node, count)
        assert int(seen) > 0

        assert lab.run("kubectl exec with-node-ca -- touch /anywhere-else").code == 0
        done = lab.run(f"kubectl exec with-node-ca -- touch {stray}")
        assert done.code != 0
        assert "Read-only file system" in done.err
    finally:
        on(lab, node, f"rm -f {stray}")


@claim("HP-6")
def test_namespace_at_level_baseline_refuses_host_path(lab):
    pod = lab.example("storage/hostpath/hostpath.yaml")[0]
    lab.label(f"namespace/{lab.namespace}", {"pod-security.kubernetes.io/enforce": "baseline"})
    # the admission plugin learns of the label by a watch
    asked = "kubectl create --dry-run=server -f - <<'JSON'\n{}\nJSON"
    host_network = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {"hostNetwork": True, "containers": pod["spec"]["containers"]},
    }
    host_network["spec"]["volumes"] = [{"name": "node-files", "emptyDir": {}}]
    probe, refusal = asked.replace("{}", json.dumps(host_network)), "violates PodSecurity"
    lab.eventually(
        "the label has an effect", lambda: lab.run(probe).err, lambda err: refusal in err
    )

    lab.refuses(
        lab.apply,
        pod,
        code=403,
        reason="Forbidden",
        text='violates PodSecurity "baseline.*hostPath',
    )

    pod["spec"]["volumes"][0] = {"name": "node-files", "emptyDir": {}}
    lab.apply(pod)
