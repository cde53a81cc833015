"""Pods that get no node or no volume: the reason they give, and that the mended manifest runs."""

from __future__ import annotations

from collections.abc import Callable

from k8s_basic.live import Lab, Object, claim, is_ready, needs, reports


def unschedulable(text: str) -> Callable[[Object | None], bool]:
    """Return a condition: the scheduler found no node, and says this."""

    def condition(pod: Object | None) -> bool:
        said = (pod.condition("PodScheduled") if pod else None) or {}
        return said.get("reason") == "Unschedulable" and text in said["message"]

    condition.__doc__ = f"no node fits, because of: {text}"
    return condition


@claim("TS-9", "TS-10", "TS-11")
@needs("lesson-nodes", "control-plane")
def test_scheduler_says_what_every_node_lacks(lab: Lab) -> None:
    lab.apply("troubleshooting/pending-cpu-broken.yaml")
    lab.apply("troubleshooting/pending-selector-broken.yaml")
    lab.apply("troubleshooting/pending-taint-broken.yaml")

    stuck = [
        lab.becomes("pod/pending-cpu", unschedulable("Insufficient cpu")),
        lab.becomes("pod/pending-selector", unschedulable("didn't match Pod's node affinity")),
        lab.becomes("pod/pending-taint", unschedulable("untolerated taint")),
    ]

    for pod in stuck:
        lab.delete(pod, wait=True)
    lab.apply("troubleshooting/pending-cpu.yaml")
    lab.apply("troubleshooting/pending-selector.yaml")
    lab.apply("troubleshooting/pending-taint.yaml")
    lab.becomes("pod/pending-cpu", is_ready, without=stuck)
    given = {"resources": {"requests": {"cpu": "10m"}}}
    lab.becomes("pod/pending-cpu", {"status": {"containerStatuses": [given]}})
    lab.becomes("pod/pending-selector", is_ready, without=stuck)
    there = lab.becomes("pod/pending-taint", is_ready, without=stuck)
    node = lab.get(f"node/{there.at('spec.nodeName')}")
    assert "node-role.kubernetes.io/control-plane" in node.labels
    # the toleration is all that the broken file lacks
    tolerant = lab.example("troubleshooting/pending-taint-broken.yaml")[0]
    tolerant["metadata"]["name"] = "tolerant"
    key = "node-role.kubernetes.io/control-plane"
    tolerant["spec"]["tolerations"] = [{"key": key, "operator": "Exists"}]
    lab.apply(tolerant)
    lab.becomes("pod/tolerant", is_ready)
    for name in ("pending-cpu", "pending-selector", "pending-taint"):
        assert lab.get(f"pod/{name}").at("status.containerStatuses.0.restartCount") == 0


@claim("TS-12", "TS-13", "TS-14")
@needs("storage")
def test_claim_that_is_missing_or_cannot_be_met_holds_its_pod_back(lab: Lab) -> None:
    lab.apply("troubleshooting/pending-pvc-broken.yaml")
    lab.apply("troubleshooting/pvc-class-broken.yaml")
    lab.apply("troubleshooting/pvc-mode-broken.yaml")

    text = 'persistentvolumeclaim "pending-pvc-data" not found'
    stuck = lab.becomes("pod/pending-pvc", unschedulable(text))
    no_class = lab.becomes("pvc/pvc-class", {"status": {"phase": "Pending"}})
    lab.becomes(
        "events", reports(no_class, "ProvisioningFailed", "fast-ssd", "not found"), within=90
    )
    no_mode = lab.becomes("pvc/pvc-mode", {"status": {"phase": "Pending"}})
    lab.becomes("events", reports(no_mode, "ProvisioningFailed", "access mode"), within=120)
    lab.becomes("pod/pvc-class", unschedulable("unbound immediate PersistentVolumeClaims"))
    waiting = [lab.get("pod/pvc-class"), lab.get("pod/pvc-mode")]
    assert [pod.at("status.phase") for pod in waiting] == ["Pending", "Pending"]

    lab.apply("troubleshooting/pending-pvc.yaml")
    for old in (*waiting, no_class, no_mode):
        lab.delete(old, wait=True)
    lab.apply("troubleshooting/pvc-class.yaml")
    lab.apply("troubleshooting/pvc-mode.yaml")
    assert lab.becomes("pod/pending-pvc", is_ready, within=180).uid == stuck.uid
    lab.becomes("pod/pvc-class", is_ready, within=180, without=waiting)
    lab.becomes("pod/pvc-mode", is_ready, within=180, without=waiting)
    bound = {"status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"]}}
    lab.becomes("pvc/pvc-mode", bound)
    lab.becomes("pvc/pvc-class", bound)
    for name in ("pending-pvc", "pvc-class", "pvc-mode"):
        assert lab.get(f"pod/{name}").at("status.containerStatuses.0.restartCount") == 0


@claim("TS-15", "TS-16")
def test_missing_secret_and_a_read_only_file_system_stop_the_container(lab: Lab) -> None:
    lab.apply("troubleshooting/failed-mount-broken.yaml")
    lab.apply("troubleshooting/read-only-broken.yaml")
    # beside it, the same program where it may write
    writable = lab.example("troubleshooting/read-only-broken.yaml")[0]
    writable["metadata"]["name"] = "writable"
    writable["spec"]["containers"][0].pop("securityContext", None)
    lab.apply(writable)

    mounting = lab.becomes("pod/failed-mount", {"status": {"phase": "Pending"}})
    told = reports(mounting, "FailedMount", "failed-mount-key", "not found")
    lab.becomes("events", told, within=90)
    waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    lab.becomes("pod/failed-mount", {"status": {"containerStatuses": [waiting]}})
    failing = lab.becomes("pod/read-only", crashed, within=120)
    lab.logged(failing, "Read-only file system")
    lab.becomes("pod/writable", is_ready)
    assert written(lab, "writable", "/log") == "started"

    lab.apply("troubleshooting/failed-mount.yaml")
    assert lab.becomes("pod/failed-mount", is_ready, within=240).uid == mounting.uid
    assert lab.get("pod/failed-mount").at("status.containerStatuses.0.restartCount") == 0
    lab.delete(failing, wait=True)
    lab.apply("troubleshooting/read-only.yaml")
    lab.becomes("pod/read-only", is_ready, without=failing)
    assert written(lab, "read-only", "/data/log") == "started"
    elsewhere = lab.run("kubectl exec read-only -- touch /elsewhere")
    assert "Read-only file system" in elsewhere.err


def written(lab: Lab, pod: str, file: str) -> str:
    """Return what is in a file as soon as the program has written it: a Pod is ready before."""
    wait = f"until [ -s {file} ]; do sleep 1; done; cat {file}"
    return lab.exec(pod, "sh", "-c", wait).strip()


def crashed(pod: Object | None) -> bool:
    """A run of the container has ended with exit code 1."""
    last = pod.at("status.containerStatuses.0.lastState.terminated") if pod else None
    return bool(last) and last["exitCode"] == 1
