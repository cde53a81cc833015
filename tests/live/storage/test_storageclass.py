"""Volumes made on request: when they come, whom they outlive, and when they go."""

import copy
import re

import pytest
from k8s_basic.content.tables import coded_rows
from k8s_basic.live import ABSENT, claim, is_ready, needs, reports

SCOPED = ("PersistentVolume", "StorageClass")
BOUND = {"status": {"phase": "Bound"}}
MADE = 180  # seconds for the provisioner, whose own Pods have to start, to make or remove a volume


@pytest.fixture
def own(lab):
    """Returns an example's documents with names of this test's own outside of its namespace."""
    made = []

    def documents(found):
        for document in found:
            spec = document.get("spec", {})
            if spec.get("storageClassName", "").startswith("demo-"):
                spec["storageClassName"] += f"-{lab.namespace}"
            if document["kind"] in SCOPED:
                document["metadata"]["name"] += f"-{lab.namespace}"
                made.append(f"{document['kind']}/{document['metadata']['name']}")
        return found

    yield documents
    lab.run(f"kubectl delete {' '.join(made)} --ignore-not-found --wait=false")


def written(lab, pod):
    """Return the Pod's file once its program has written it, as it reads inside."""
    return lab.eventually(
        f"{pod.name} has written", lambda: lab.exec(pod, "cat", "/data/log"), bool
    )


@claim("ST-13", "ST-14", "ST-23")
@needs("storage")
def test_volume_is_made_for_the_first_pod_and_outlives_it(lab):
    lab.apply("storage/storageclass/pvc-dynamic.yaml")
    pvc = lab.get("pvc/data")
    with lab.proves("ST-14"):
        lab.becomes("events", reports(pvc, "WaitForFirstConsumer"))
        assert lab.get("pvc/data").at("status.phase") == "Pending"
        assert pvc.uid not in {pv.at("spec.claimRef.uid") for pv in lab.get("pv")}

        lab.apply("storage/storageclass/pvc-dynamic-writer.yaml")
        writer = lab.becomes("pod/writer", is_ready, within=MADE)
        bound = lab.becomes("pvc/data", BOUND)
        pv = lab.get(f"pv/{bound.at('spec.volumeName')}")
        provisioner = lab.get(f"storageclass/{bound.at('spec.storageClassName')}")["provisioner"]
        assert pv["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == provisioner
        assert pv.at("spec.claimRef.uid") == pvc.uid
    with lab.proves("ST-13"):
        assert written(lab, writer) == "kept by the volume\n"

        lab.delete(writer, wait=True)
        lab.apply("storage/storageclass/pvc-dynamic-reader.yaml")
        reader = lab.becomes("pod/reader", is_ready, within=120)
        assert lab.exec(reader, "cat", "/data/log") == "kept by the volume\n"
    with lab.proves("ST-23"):
        done = lab.run("kubectl exec reader -- sh -c 'echo more >> /data/log'")
        assert done.code != 0
        assert "Read-only file system" in done.err


@claim("ST-16", "ST-17", "ST-27")
@needs("storage")
def test_claim_in_use_is_kept_and_takes_its_volume_along(lab):
    lab.apply("storage/storageclass/pvc-dynamic.yaml")
    lab.apply("storage/storageclass/pvc-dynamic-writer.yaml")
    writer = lab.becomes("pod/writer", is_ready, within=MADE)
    pvc = lab.becomes("pvc/data", BOUND)
    volume = f"pv/{pvc.at('spec.volumeName')}"
    assert written(lab, writer)

    more = {"spec": {"resources": {"requests": {"storage": "128Mi"}}}}
    with lab.proves("ST-27"):
        assert not lab.get(f"storageclass/{pvc.at('spec.storageClassName')}").get(
            "allowVolumeExpansion"
        )
        lab.refuses(lab.patch, "pvc/data", more, code=403, reason="Forbidden", text="resize")

    with lab.proves("ST-16"):
        lab.delete(pvc)
        kept = lab.becomes("pvc/data", is_terminating)
        assert "kubernetes.io/pvc-protection" in kept["metadata"]["finalizers"]
        assert lab.exec(writer, "cat", "/data/log") == "kept by the volume\n"

        lab.delete(writer)
        lab.becomes("pvc/data", ABSENT, within=120)
    with lab.proves("ST-17"):
        lab.becomes(volume, ABSENT, within=MADE)


def is_terminating(pvc):
    """The claim is there and its deletion has begun."""
    return pvc is not None and pvc.is_terminating


@claim("ST-18", "ST-19", "ST-22")
@needs("node-shell")
@pytest.mark.touches_cluster
def test_retained_volume_keeps_its_data_and_waits_for_an_administrator(lab, own):
    documents = own(lab.example("storage/storageclass/retain.yaml"))
    lab.apply(documents)
    keeper = lab.becomes("pod/keeper", is_ready, within=MADE)
    pvc = lab.becomes("pvc/kept", BOUND)
    pv = lab.get(f"pv/{pvc.at('spec.volumeName')}")
    folder = (pv.at("spec.hostPath") or pv.at("spec.local"))["path"]
    look = ("sh", "-c", f"cat {folder}/log; true")
    try:
        assert written(lab, keeper) == "started\n"
        with lab.proves("ST-22"):
            storage_class = f"storageclass/demo-retain-{lab.namespace}"
            change = {"parameters": {"kind": "other"}}
            lab.refuses(lab.patch, storage_class, change, code=422, field="parameters")
            lab.label(storage_class, {"kind": "other"})
            less = {"spec": {"resources": {"requests": {"storage": "32Mi"}}}}
            size = "spec.resources.requests.storage"
            lab.refuses(lab.patch, "pvc/kept", less, code=422, field=size)
            lab.label("pvc/kept", {"kind": "other"})

        lab.delete(keeper, wait=True)
        with lab.proves("ST-18"):
            lab.delete("pvc/kept", wait=True)
            lab.becomes(f"pv/{pv.name}", {"status": {"phase": "Released"}})
            assert lab.on_node(keeper.at("spec.nodeName"), *look) == "started\n"

        again = copy.deepcopy(documents[1])
        again["metadata"]["name"] = "again"
        again["spec"]["volumeName"] = pv.name
        (waiting,) = lab.apply(again)
        with lab.proves("ST-19"):
            lab.becomes("events", reports(waiting, "FailedBinding", "bound to a different claim"))
            assert lab.get("pvc/again").at("status.phase") == "Pending"

            lab.patch(f"pv/{pv.name}", {"spec": {"claimRef": None}})
            bound = lab.becomes("pvc/again", BOUND, within=120)
            assert lab.get(f"pv/{pv.name}").at("spec.claimRef.uid") == bound.uid
            assert lab.on_node(keeper.at("spec.nodeName"), *look) == "started\n"
    finally:
        lab.run(f"kubectl delete pv {pv.name} --ignore-not-found --wait=false")
        lab.on_node(keeper.at("spec.nodeName"), "rm", "-rf", folder)


@claim("ST-20", "ST-21")
@pytest.mark.touches_cluster
def test_recycle_is_refused_in_a_class_and_deprecated_in_a_volume(lab, own):
    storage_class = own(lab.example("storage/storageclass/retain.yaml"))[0]
    with lab.proves("ST-20"):
        recycled = storage_class | {"reclaimPolicy": "Recycle"}
        lab.refuses(
            lab.apply, recycled, code=422, reason="Invalid", field="reclaimPolicy",
            text='Unsupported value: "Recycle"',
        )  # fmt: skip
        lab.apply(storage_class)

    (volume,) = own(lab.example("storage/pv-and-pvc/pv-nfs.yaml"))
    with lab.proves("ST-21"):
        assert lab.warns(volume) == []
    volume["metadata"]["name"] += "-recycle"
    volume["spec"]["persistentVolumeReclaimPolicy"] = "Recycle"
    try:
        with lab.proves("ST-21"):
            warnings = lab.warns(volume)
            assert any("Recycle" in w and "deprecated" in w for w in warnings), warnings
    finally:
        lab.run(f"kubectl delete pv {volume['metadata']['name']} --ignore-not-found --wait=false")


def taken(lab, document, field):
    """Return the values of a field that the API server names when it refuses another one."""
    refused = lab.refuses(
        lab.apply, document, code=422, reason="Invalid", field=field, text="supported values"
    )
    return set(re.findall(r'"(\w+)"', refused.message.partition("supported values")[2]))


@claim("ST-30")
@pytest.mark.touches_cluster
def test_values_and_defaults_of_classes_and_volumes_are_those_of_the_table(lab, own):
    storage_class = lab.example("storage/storageclass/retain.yaml")[0]
    (volume,) = lab.example("storage/pv-and-pvc/pv-nfs.yaml")
    policy = "persistentVolumeReclaimPolicy"
    for document in own([storage_class, volume]):
        for field in ("reclaimPolicy", "volumeBindingMode"):
            document.pop(field, None)
    volume["spec"].pop(policy, None)
    other = volume | {"spec": volume["spec"] | {policy: "Never"}}
    values = {
        *taken(lab, storage_class | {"reclaimPolicy": "Never"}, "reclaimPolicy"),
        *taken(lab, storage_class | {"volumeBindingMode": "Never"}, "volumeBindingMode"),
        *taken(lab, other, f"spec.{policy}"),
    }

    made_class, made_volume = lab.apply([storage_class, volume])

    defaults = {
        ("StorageClass", made_class["reclaimPolicy"]),
        ("StorageClass", made_class["volumeBindingMode"]),
        ("PV", made_volume.at(f"spec.{policy}")),
    }
    for language, rows in coded_rows("storage/storageclass", "values").items():
        assert set(rows) == values, language
        said = {(cells[1], value) for value, cells in rows.items()}
        assert {pair for pair in said if pair[0] != "–"} == defaults, language


@claim("ST-15", "ST-26")
@needs("storage")
def test_default_class_is_filled_in_and_none_is_not(lab):
    lab.apply("storage/storageclass/pvc-dynamic.yaml")
    lab.apply("storage/storageclass/pvc-pending.yaml")

    no_class, unknown = lab.get("pvc/no-class"), lab.get("pvc/unknown-class")
    with lab.proves("ST-26"):
        lab.becomes("events", reports(no_class, "FailedBinding", "no storage class is set"))
        lab.becomes("events", reports(unknown, "ProvisioningFailed", '"nope" not found'))
        claims = [lab.get(f"pvc/{name}") for name in ("no-class", "unknown-class")]
        assert {pvc.at("status.phase") for pvc in claims} == {"Pending"}
    # the controllers have been here by now
    with lab.proves("ST-15"):
        assert lab.get("pvc/data").at("spec.storageClassName") == "standard"
        assert lab.get("pvc/no-class").at("spec.storageClassName") == ""
