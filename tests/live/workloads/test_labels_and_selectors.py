"""The sentences of the lesson on labels and selectors."""

from k8s_basic.live import claim, ready

LABELS = "workloads/labels-and-selectors/labels.yaml"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.66.1"


def selected(lab, selector):
    """Return the names of the Pods that `kubectl get -l` lists."""
    done = lab.run(f"kubectl get pods -o name -l '{selector}'")
    assert done.code == 0, done.err
    return {line.removeprefix("pod/") for line in done.out.split()}


@claim("LS-1")
def test_equality_selects_exactly_the_matching_pods(lab):
    lab.apply(LABELS)

    assert selected(lab, "environment=production") == {"web-production", "api-production"}
    assert selected(lab, "app=web") == {"web-production", "web-staging"}
    assert selected(lab, "app=web,environment=production") == {"web-production"}
    assert selected(lab, "environment=nowhere") == set()


@claim("LS-2")
def test_set_based_selectors_compare_lists_and_keys(lab):
    lab.apply(LABELS)
    labeled = {"web-production", "web-staging", "api-production"}

    assert selected(lab, "environment in (production,staging)") == labeled
    assert selected(lab, "environment notin (production)") == {"web-staging", "tool"}
    assert selected(lab, "environment!=production") == {"web-staging", "tool"}
    assert selected(lab, "environment") == labeled
    assert selected(lab, "!environment") == {"tool"}


@claim("LS-3")
def test_label_of_a_running_pod_changes_without_a_restart(lab):
    lab.apply(LABELS)
    lab.becomes("pods", ready(4))
    before = lab.get("pod/web-staging")

    changed = lab.run("kubectl label pod web-staging environment=production --overwrite")

    assert changed.code == 0, changed.err
    assert before.name in selected(lab, "environment=production")
    assert selected(lab, "environment=staging") == set()

    def runs_on(pod):
        """The same Pod, ready, whose container has never restarted."""
        restarts = pod.at("status.containerStatuses.0.restartCount")
        return pod.uid == before.uid and pod.is_ready and restarts == 0

    # beside it, a change that does restart a container
    lab.run(f"kubectl set image pod/web-production pause={AGNHOST}")
    restarted = {"status": {"containerStatuses": [{"restartCount": 1}]}}
    lab.stays("pod/web-staging", runs_on, seconds=15, control=("pod/web-production", restarted))


@claim("LS-4")
def test_invalid_label_value_is_refused(lab):
    invalid = "workloads/labels-and-selectors/labels-invalid.yaml"
    lab.refuses(lab.apply, invalid, code=422, reason="Invalid", field="metadata.labels")

    pod = lab.example(invalid)[0]
    pod["metadata"]["labels"]["team"] = True
    lab.refuses(lab.apply, pod, text="unmarshal bool")

    pod["metadata"]["labels"]["team"] = "payments-and-billing"
    lab.apply(pod)
    assert selected(lab, "team=payments-and-billing") == {"payments"}
