"""Pods that get no node or no volume: the reason they give, and that the mended manifest runs."""

from __future__ import annotations

from k8s_basic.live import Lab, claim, is_ready, needs, reports
from k8s_basic.live.conditions import ended, unschedulable


@claim("TS-9", "TS-10", "TS-11")
@needs("lesson-nodes", "control-plane")
def test_scheduler_says_what_every_node_lacks(lab: Lab) -> None:
    lab.apply("troubleshooting/scheduling-and-storage/pending-cpu-broken.yaml")
    lab.apply("troubleshooting/scheduling-and-storage/pending-selector-broken.yaml")
    lab.apply("troubleshooting/scheduling-and-storage/pending-taint-broken.yaml")

    with lab.proves("TS-9"):
        stuck = lab.becomes("pod/pending-cpu", unschedulable("Insufficient cpu"))
        lab.delete(stuck, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/pending-cpu.yaml")
        lab.becomes("pod/pending-cpu", is_ready, without=stuck)
        given = {"resources": {"requests": {"cpu": "10m"}}}
        lab.becomes("pod/pending-cpu", {"status": {"containerStatuses": [given]}})
        never_restarted(lab, "pending-cpu")

    with lab.proves("TS-10"):
        no_match = unschedulable("didn't match Pod's node affinity")
        stuck = lab.becomes("pod/pending-selector", no_match)
        lab.delete(stuck, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/pending-selector.yaml")
        lab.becomes("pod/pending-selector", is_ready, without=stuck)
        never_restarted(lab, "pending-selector")

    with lab.proves("TS-11"):
        stuck = lab.becomes("pod/pending-taint", unschedulable("untolerated taint"))
        lab.delete(stuck, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/pending-taint.yaml")
        there = lab.becomes("pod/pending-taint", is_ready, without=stuck)
        node = lab.get(f"node/{there.at('spec.nodeName')}")
        key = "node-role.kubernetes.io/control-plane"
        assert key in node.labels
        # the toleration is all that the broken file lacks
        tolerant = lab.example("troubleshooting/scheduling-and-storage/pending-taint-broken.yaml")[
            0
        ]
        tolerant["metadata"]["name"] = "tolerant"
        tolerant["spec"]["tolerations"] = [{"key": key, "operator": "Exists"}]
        lab.apply(tolerant)
        lab.becomes("pod/tolerant", is_ready)
        never_restarted(lab, "pending-taint")


def never_restarted(lab: Lab, name: str) -> None:
    """Demand that the Pod's container has run without an end since its start."""
    assert lab.get(f"pod/{name}").at("status.containerStatuses.0.restartCount") == 0


@claim("TS-12", "TS-13", "TS-14")
@needs("storage")
def test_claim_that_is_missing_or_cannot_be_met_holds_its_pod_back(lab: Lab) -> None:
    lab.apply("troubleshooting/scheduling-and-storage/pending-pvc-broken.yaml")
    lab.apply("troubleshooting/scheduling-and-storage/pvc-class-broken.yaml")
    lab.apply("troubleshooting/scheduling-and-storage/pvc-mode-broken.yaml")

    bound = {"status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"]}}
    with lab.proves("TS-12"):
        text = 'persistentvolumeclaim "pending-pvc-data" not found'
        stuck = lab.becomes("pod/pending-pvc", unschedulable(text))
        lab.apply("troubleshooting/scheduling-and-storage/pending-pvc.yaml")
        assert lab.becomes("pod/pending-pvc", is_ready, within=180).uid == stuck.uid
        never_restarted(lab, "pending-pvc")

    with lab.proves("TS-13"):
        no_class = lab.becomes("pvc/pvc-class", {"status": {"phase": "Pending"}})
        told = reports(no_class, "ProvisioningFailed", "fast-ssd", "not found")
        lab.becomes("events", told, within=90)
        lab.becomes("pod/pvc-class", unschedulable("unbound immediate PersistentVolumeClaims"))
        waiting = lab.get("pod/pvc-class")
        assert waiting.at("status.phase") == "Pending"
        for old in (waiting, no_class):
            lab.delete(old, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/pvc-class.yaml")
        lab.becomes("pod/pvc-class", is_ready, within=180, without=waiting)
        lab.becomes("pvc/pvc-class", bound)
        never_restarted(lab, "pvc-class")

    with lab.proves("TS-14"):
        no_mode = lab.becomes("pvc/pvc-mode", {"status": {"phase": "Pending"}})
        told = reports(no_mode, "ProvisioningFailed", "access mode")
        lab.becomes("events", told, within=120)
        waiting = lab.get("pod/pvc-mode")
        assert waiting.at("status.phase") == "Pending"
        for old in (waiting, no_mode):
            lab.delete(old, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/pvc-mode.yaml")
        lab.becomes("pod/pvc-mode", is_ready, within=180, without=waiting)
        lab.becomes("pvc/pvc-mode", bound)
        never_restarted(lab, "pvc-mode")


@claim("TS-15", "TS-16")
def test_missing_secret_and_a_read_only_file_system_stop_the_container(lab: Lab) -> None:
    lab.apply("troubleshooting/scheduling-and-storage/failed-mount-broken.yaml")
    lab.apply("troubleshooting/scheduling-and-storage/read-only-broken.yaml")
    # beside it, the same program where it may write
    writable = lab.example("troubleshooting/scheduling-and-storage/read-only-broken.yaml")[0]
    writable["metadata"]["name"] = "writable"
    writable["spec"]["containers"][0].pop("securityContext", None)
    lab.apply(writable)

    with lab.proves("TS-15"):
        mounting = lab.becomes("pod/failed-mount", {"status": {"phase": "Pending"}})
        told = reports(mounting, "FailedMount", "failed-mount-key", "not found")
        lab.becomes("events", told, within=90)
        waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
        lab.becomes("pod/failed-mount", {"status": {"containerStatuses": [waiting]}})
        lab.apply("troubleshooting/scheduling-and-storage/failed-mount.yaml")
        assert lab.becomes("pod/failed-mount", is_ready, within=240).uid == mounting.uid
        never_restarted(lab, "failed-mount")

    with lab.proves("TS-16"):
        failing = lab.becomes("pod/read-only", ended(1), within=120)
        lab.logged(failing, "Read-only file system")
        lab.becomes("pod/writable", is_ready)
        assert written(lab, "writable", "/log") == "started"
        lab.delete(failing, wait=True)
        lab.apply("troubleshooting/scheduling-and-storage/read-only.yaml")
        lab.becomes("pod/read-only", is_ready, without=failing)
        assert written(lab, "read-only", "/data/log") == "started"
        elsewhere = lab.run("kubectl exec read-only -- touch /elsewhere")
        assert "Read-only file system" in elsewhere.err


def written(lab: Lab, pod: str, file: str) -> str:
    """Return what is in a file as soon as the program has written it: a Pod is ready before."""
    what = f"{pod} has written {file}"
    return lab.eventually(what, lambda: lab.exec(pod, "cat", file).strip(), bool)
