"""What the cluster does with a description of a state, also with one that can't come true."""

from datetime import datetime, timedelta

import pytest
from k8s_basic.live import claim, count, ready

NOT_AVAILABLE = {
    "status": {
        "conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
        ]
    }
}

# Three manifests as people note them down, each without `apiVersion`, the second without `kind`,
# and next to each what completes it.
INCOMPLETE = [
    (
        """\
kind: Deployment
metadata:
  name: broken-pods
spec:
  replicas: 3
  selector:
    matchLabels:
      app: broken-pod
  template:
    metadata:
      labels:
        app: broken-pod
    spec:
      containers:
        - name: broken-container
          image: busybox
          command: ["sh", "-c", "exit 1"]
""",
        "apiVersion: apps/v1\n",
        ["apiVersion not set"],
    ),
    (
        """\
apiVersion: v1
metadata:
  name: settings
""",
        "kind: ConfigMap\n",
        ["kind not set"],
    ),
    (
        """\
spec:
  containers:
    - name: my-app
      image: my-app-image
      envFrom:
        - configMapRef:
            name: my-config
""",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: my-app\n",
        ["apiVersion not set", "kind not set"],
    ),
    (
        """\
kind: ConfigMap
metadata:
  name: my-configmap
data:
  my-config-file.txt: |
    key1=value1
    key2=value2
""",
        "apiVersion: v1\n",
        ["apiVersion not set"],
    ),
]


def typed(lab, manifest, options=""):
    """Applies a manifest from standard input, as a reader types it."""
    return lab.run(f"kubectl apply {options} -f - <<'MANIFEST'\n{manifest}MANIFEST")


def restarts(pods):
    return sum(
        status["restartCount"]
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses", [])
    )


def any_restart(pods):
    """A container of one of the Pods was started again."""
    return restarts(pods) >= 1


@claim("OV-2")
def test_kubectl_refuses_a_manifest_without_api_version_or_kind(lab):
    for manifest, missing, complaints in INCOMPLETE:
        refused = typed(lab, manifest)
        assert refused.code != 0
        for complaint in complaints:
            assert complaint in refused.err

        completed = typed(lab, missing + manifest, "--dry-run=server")
        assert completed.code == 0, completed.err


@claim("OV-3")
def test_deleted_pod_of_a_broken_deployment_is_replaced_by_a_new_one(lab):
    lab.apply("overview/declarative/broken-deployment.yaml")
    before = lab.becomes("pods app=broken-pod", count(3), within=60)

    victim = lab.delete(before[0])

    after = lab.becomes("pods app=broken-pod", count(3), without=victim, within=60)
    assert len(after.uids - before.uids) == 1
    assert victim.name not in after.names


@pytest.mark.slow
@claim("OV-4")
def test_crashing_container_is_restarted_after_growing_waits(lab):
    def crashed_four_times(pods):
        """Each container ended after its third restart; one was seen in CrashLoopBackOff."""
        ended = [pod for pod, status in container_statuses(pods) if ended_after(status, 3)]
        return pods and len(ended) == len(pods) and any(map(in_crash_loop, seen.history))

    with lab.watching("pods app=broken-pod") as seen:
        lab.apply("overview/declarative/broken-deployment.yaml")
        pods = lab.becomes("pods app=broken-pod", crashed_four_times, within=240)

    seconds, thirds = [], []
    for pod in pods:
        # the record of the watch may end a moment before
        runs = terminated_runs([*seen.history, pods], pod.uid)
        assert {run["exitCode"] for run in runs} == {1}
        waits = [
            instant(following["startedAt"]) - instant(run["finishedAt"])
            for run, following in zip(runs, runs[1:], strict=False)
        ]
        assert len(waits) >= 2, f"runs seen: {runs}"
        seconds.append(waits[-2])
        thirds.append(waits[-1])
    # The first restart comes at once, the next after 10 s and 20 s; API times are whole seconds.
    # A busy node only adds to them, so the shortest of the Pods' are compared.
    assert min(seconds) >= timedelta(seconds=9)
    assert min(thirds) >= max(timedelta(seconds=19), min(seconds))


def container_statuses(pods):
    return [(pod, s) for pod in pods for s in pod.get("status", {}).get("containerStatuses", [])]


def ended_after(status, restarts):
    """Tells whether a container has ended after so many restarts; one just made hasn't begun."""
    ended = "terminated" in status["state"] or backs_off(status)
    return status["restartCount"] >= restarts and ended


def backs_off(status):
    """Tells whether a container waits; for how long the kubelet shows the crash first varies."""
    return status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"


def in_crash_loop(pods):
    """Tells whether a container of one of the Pods waits."""
    return any(backs_off(status) for _, status in container_statuses(pods))


def terminated_runs(history, uid):
    """Returns the ended runs of a Pod's container, oldest first, each of them once."""
    runs = {}
    for pods in history:
        for pod, status in container_statuses(pods):
            for state in (status.get("lastState", {}), status["state"]):
                if pod.uid == uid and (run := state.get("terminated")):
                    runs[run["containerID"]] = run
    return sorted(runs.values(), key=lambda run: (run["startedAt"], run["finishedAt"]))


def instant(text):
    return datetime.fromisoformat(text)


@claim("OV-5")
def test_broken_deployment_never_becomes_available(lab):
    lab.apply("overview/declarative/broken-deployment.yaml")
    pods = lab.becomes("pods app=broken-pod", any_restart, within=60)
    lab.becomes("deployment/broken-pods", NOT_AVAILABLE)
    so_far = restarts(pods)

    def one_more_restart(pods):
        """The kubelet tried once more."""
        return restarts(pods) > so_far

    lab.stays(
        "deployment/broken-pods",
        NOT_AVAILABLE,
        seconds=10,
        control=("pods app=broken-pod", one_more_restart),
    )


@pytest.mark.slow
@claim("OV-6")
def test_rollout_status_fails_once_the_progress_deadline_has_passed(lab):
    lab.apply("overview/declarative/broken-deployment.yaml")
    stuck = lab.run("kubectl rollout status deployment/broken-pods --timeout=150s", timeout=180)

    assert stuck.code != 0
    exceeded = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    lab.becomes("deployment/broken-pods", {"status": {"conditions": [exceeded]}}, within=5)

    lab.apply("overview/cluster-architecture/desired-state.yaml")
    healthy = lab.run("kubectl rollout status deployment/web --timeout=150s", timeout=180)
    assert healthy.code == 0, healthy.err


@claim("OV-7")
def test_cluster_follows_the_description_up_and_down(lab):
    lab.apply("overview/cluster-architecture/desired-state.yaml")
    pods = lab.becomes("pods app=web", ready(2), within=60)
    for pod in pods:  # ready is what the kubelet says; they do serve, too
        assert lab.http(f"http://{pod.at('status.podIP')}:8080/hostname").body == pod.name

    [deployment] = lab.example("overview/cluster-architecture/desired-state.yaml")
    for replicas in (4, 1):
        deployment["spec"]["replicas"] = replicas
        lab.apply(deployment)

        lab.becomes("pods app=web", ready(replicas), within=60)
        counted = {"replicas": replicas, "readyReplicas": replicas}
        followed = lab.becomes("deployment/web", {"status": counted}, within=60)
        assert followed.at("status.observedGeneration") == followed.at("metadata.generation")


@claim("OV-19")
def test_next_apply_undoes_scaling_by_hand(lab):
    lab.apply("overview/cluster-architecture/desired-state.yaml")
    lab.becomes("pods app=web", ready(2), within=60)
    lab.scale("deployment/web", 3)
    lab.becomes("pods app=web", ready(3), within=60)

    lab.apply("overview/cluster-architecture/desired-state.yaml")

    lab.becomes("pods app=web", ready(2), within=60)


@claim("OV-8")
def test_selector_of_a_deployment_is_immutable(lab):
    lab.apply("overview/cluster-architecture/desired-state.yaml")
    before = lab.get("deployment/web")

    lab.refuses(
        lab.patch,
        "deployment/web",
        {
            "spec": {
                "selector": {"matchLabels": {"app": "other"}},
                # in step with the selector, so that immutability is all there is to complain about
                "template": {"metadata": {"labels": {"app": "other"}}},
            }
        },
        code=422,
        reason="Invalid",
        field="spec.selector",
        text="immutable",
    )

    after = lab.get("deployment/web")
    assert after.at("metadata.generation") == before.at("metadata.generation")
    assert after.at("spec.selector") == before.at("spec.selector")
    accepted = lab.patch("deployment/web", {"spec": {"replicas": 1}})
    assert accepted.at("metadata.generation") > before.at("metadata.generation")
