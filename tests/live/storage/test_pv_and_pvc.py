"""PersistentVolumes, the claims for them, and what keeps the two apart."""

import copy
import re

import pytest
from k8s_basic.content.tables import coded_rows
from k8s_basic.live import claim, is_ready, needs, reports

ZONE = "topology.kubernetes.io/zone"
SCOPED = ("PersistentVolume", "StorageClass")
BOUND = {"status": {"phase": "Bound"}}


@pytest.fixture
def own(lab):
    """Returns an example's documents with names of this test's own outside of its namespace."""
    made = []

    def documents(found):
        for document in found:
            spec = document["spec"]
            for field in ("volumeName", "storageClassName"):
                if spec.get(field, "").startswith("demo-"):
                    spec[field] += f"-{lab.namespace}"
            if document["kind"] in SCOPED:
                document["metadata"]["name"] += f"-{lab.namespace}"
                made.append(f"{document['kind']}/{document['metadata']['name']}")
            if "hostPath" in spec:
                spec["hostPath"]["path"] += f"-{lab.namespace}"
        return found

    yield documents
    lab.run(f"kubectl delete {' '.join(made)} --ignore-not-found --wait=false")


def variant(document, name, **fields):
    """Return a copy of a claim under another name and with other fields of its spec."""
    other = copy.deepcopy(document)
    other["metadata"]["name"] = name
    other["spec"] |= fields
    return other


@claim("ST-9", "ST-28")
@needs("lesson-nodes", "node-shell")
@pytest.mark.touches_cluster
def test_claim_is_bound_to_the_named_volume_which_decides_the_node(lab, own):
    documents = own(lab.example("storage/pv-and-pvc/pv-pvc-static.yaml"))
    folder = f"/var/lib/demo-static-pv-{lab.namespace}"
    (east,) = lab.get(f"nodes {ZONE}=antarctica-east1").names
    try:
        lab.apply(documents)
        with lab.proves("ST-9"):
            pvc = lab.becomes("pvc/static-pvc", BOUND)
            pv = lab.becomes(f"pv/demo-static-pv-{lab.namespace}", BOUND)
            assert pv.at("spec.claimRef.uid") == pvc.uid
            lab.becomes("pod/static-app", is_ready)
            lab.exec("static-app", "sh", "-c", "echo kept > /data/note")
            assert lab.on_node(east, "sh", "-c", f"cat {folder}/note; true") == "kept\n"

        elsewhere = copy.deepcopy(documents[2])
        elsewhere["metadata"]["name"] = "elsewhere"
        elsewhere["spec"]["nodeSelector"] = {ZONE: "antarctica-west1"}
        lab.apply(elsewhere)
        pod = lab.get("pod/elsewhere")
        with lab.proves("ST-28"):
            lab.becomes(
                "events", reports(pod, "FailedScheduling", "PersistentVolume's node affinity")
            )
    finally:
        lab.on_node(east, "rm", "-rf", folder)


@claim("ST-10")
@pytest.mark.touches_cluster
def test_binding_needs_size_class_and_mode_and_gives_the_whole_volume(lab, own):
    pv, pvc, _ = own(lab.example("storage/pv-and-pvc/pv-pvc-static.yaml"))
    lab.apply(pv)
    unfit = {
        "too small": variant(pvc, "too-big", resources={"requests": {"storage": "3Gi"}}),
        "accessMode": variant(pvc, "many-nodes", accessModes=["ReadWriteMany"]),
        "storageClassName": variant(pvc, "other-class", storageClassName="demo-other"),
    }
    for text, document in unfit.items():
        (waiting,) = lab.apply(document)
        lab.becomes("events", reports(waiting, "VolumeMismatch", text))
        assert lab.get(waiting.reference).at("status.phase") == "Pending"

    lab.apply(pvc)
    bound = lab.becomes("pvc/static-pvc", BOUND)
    assert bound.at("status.capacity.storage") == "2Gi"


@claim("ST-6", "ST-7", "ST-8")
@pytest.mark.touches_cluster
def test_claims_for_the_wrong_name_or_class_wait_beside_an_available_volume(lab, own):
    lab.apply(own(lab.example("storage/pv-and-pvc/pv-nfs.yaml")))
    volume = f"pv/demo-nfs-pv-{lab.namespace}"
    with lab.proves("ST-6"):
        lab.becomes(volume, {"status": {"phase": "Available"}})  # though no such server exists

    lab.apply(own(lab.example("storage/pv-and-pvc/pvc-mismatch.yaml")))
    with lab.proves("ST-8"):
        no_class = lab.get("pvc/nfs-pvc-no-class")
        text = "storageClassName does not match"
        lab.becomes("events", reports(no_class, "VolumeMismatch", text))
        assert lab.get("pvc/nfs-pvc-no-class").at("status.phase") == "Pending"

    (fitting,) = own(lab.example("storage/pv-and-pvc/pvc-nfs.yaml"))
    lab.apply(variant(fitting, "fitting"))
    with lab.proves("ST-7"):
        unnamed = lab.stays(
            "pvc/nfs-pvc", {"status": {"phase": "Pending"}}, seconds=10,
            control=("pvc/fitting", BOUND),
        )  # fmt: skip
        assert lab.events(unnamed) == []
        assert lab.get(volume).at("spec.claimRef.name") == "fitting"


@claim("ST-29")
@pytest.mark.touches_cluster
def test_access_modes_are_those_of_the_table_and_shown_by_their_short_names(lab, own):
    (example,) = lab.example("storage/pv-and-pvc/pv-nfs.yaml")

    def of_mode(mode):
        """Return the volume with this mode alone, in a class that no claim asks for."""
        name = f"demo-{mode.lower()}"
        return variant(example, name, accessModes=[mode], storageClassName="demo-modes")

    (unknown,) = own([of_mode("ReadWriteTwice")])
    refused = lab.refuses(
        lab.apply, unknown, code=422, reason="Invalid", field="spec.accessModes",
        text="supported values",
    )  # fmt: skip
    known = re.findall(r'"(Read\w+)"', refused.message.partition("supported values")[2])

    shown = {}
    for volume in lab.apply(own([of_mode(mode) for mode in known])):
        printed = lab.run(f"kubectl get pv {volume.name}")
        assert printed.code == 0, printed.err
        shown[volume.at("spec.accessModes.0")] = printed.rows[0]["ACCESS MODES"]

    for language, rows in coded_rows("storage/pv-and-pvc", "access-modes").items():
        assert {mode: cells[0] for mode, cells in rows.items()} == shown, language


@claim("ST-11")
@needs("storage")
def test_two_pods_on_one_node_share_a_volume_that_is_read_write_once(lab):
    lab.apply("storage/pv-and-pvc/pvc-rwo-two-pods.yaml")
    one = lab.becomes("pod/rwo-a", is_ready, within=180)
    two = lab.becomes("pod/rwo-b", is_ready, within=180)

    assert one.at("spec.nodeName") == two.at("spec.nodeName")
    lab.exec(one, "sh", "-c", "echo hello > /data/message")
    assert lab.exec(two, "cat", "/data/message") == "hello\n"
    lab.exec(two, "sh", "-c", "echo bye > /data/message")
    assert lab.exec(one, "cat", "/data/message") == "bye\n"


@claim("ST-12")
@needs("storage")
def test_second_pod_waits_for_a_volume_that_is_read_write_once_pod(lab):
    lab.apply("storage/pv-and-pvc/pvc-rwop.yaml")
    pods = {lab.get(f"pod/{name}").uid: name for name in ("rwop-a", "rwop-b")}

    def kept_waiting(events):
        """An event says that a Pod waits for a volume that another one has."""
        return [e for e in events if blocked(e) and e.at("involvedObject.uid") in pods]

    events = lab.becomes("events", kept_waiting, within=120)
    waiting = pods.pop(kept_waiting(events)[0].at("involvedObject.uid"))
    (running,) = pods.values()
    lab.becomes(f"pod/{running}", is_ready, within=180)
    lab.exec(running, "touch", "/data/note")
    assert lab.get(f"pod/{waiting}").at("status.phase") == "Pending"

    lab.delete(f"pod/{running}")
    lab.becomes(f"pod/{waiting}", is_ready, within=120)
    assert lab.exec(waiting, "ls", "/data") == "note\n"


def blocked(event):
    """Tell whether an event says that the scheduler found no place for want of the volume."""
    return event["reason"] == "FailedScheduling" and "ReadWriteOncePod" in event["message"]
