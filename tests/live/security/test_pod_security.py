"""Pod Security: what a namespace with a level lets in, and what few rights are enough for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from k8s_basic import EXAMPLES, ROOT
from k8s_basic.content import restrictions
from k8s_basic.content.checks import CLUSTER_FILES
from k8s_basic.live import Completed, Lab, Object, claim, is_ready
from k8s_basic.live.api import Api
from k8s_basic.live.restrictions import acting_as, allowed, meets

ORDINARY = "start/first-cluster/first-pod.yaml"
CAREFUL = "security/pod-security/pod-restricted.yaml"
PRIVILEGED = "security/pod-security/pod-privileged.yaml"
UNFIT = "security/pod-security/deployment-unfit.yaml"
WHAT_IS_MISSING = ("allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile")


def level(lab: Lab, name: str | None, mode: str = "enforce") -> None:
    """Set a Pod Security level for this test's namespace, in one of the three modes."""
    labels = {f"pod-security.kubernetes.io/{mode}": name}
    lab.label(f"namespace/{lab.namespace}", labels)


def asked(lab: Lab, example: str) -> Completed:
    """Ask whether an example would be created, and with which warnings."""
    text = json.dumps(lab.example(example)[0])
    return lab.run(f"kubectl create --dry-run=server -f - <<<'{text}'")


def soon(lab: Lab, condition: Callable[[], bool]) -> None:
    """Wait for a label, or a grant, to be seen by the API server."""
    lab.eventually("what was set has an effect", condition, bool)


def keeps_out(lab: Lab, example: str) -> bool:
    """Tell whether the level keeps an example out; an API server that is busy doesn't count."""
    return "violates PodSecurity" in asked(lab, example).err


@claim("PS-1", "PS-2")
def test_restricted_wants_four_fields_and_baseline_forbids_the_privileged(lab: Lab) -> None:
    level(lab, "restricted")
    with lab.proves("PS-1"):
        soon(lab, lambda: keeps_out(lab, ORDINARY))
        refused = lab.refuses(lab.apply, ORDINARY, code=403, text='PodSecurity "restricted')
        assert all(word in refused.message for word in WHAT_IS_MISSING), refused.message
        lab.apply(CAREFUL)
        careful = lab.becomes("pod/careful", is_ready)
        # Ready without a probe: the program may not listen yet
        ask = (
            "curl",
            "-sS",
            "--retry",
            "5",
            "--retry-connrefused",
            "http://localhost:8080/hostname",
        )
        assert lab.exec(careful, *ask) == "careful"
        assert lab.exec(careful, "id", "-u").strip() == "1000"

    level(lab, "baseline")
    with lab.proves("PS-2"):
        soon(lab, lambda: asked(lab, ORDINARY).code == 0)
        lab.refuses(lab.apply, PRIVILEGED, code=403, text='PodSecurity "baseline')
        lab.apply(ORDINARY)
        lab.becomes("pod/hello", is_ready)

        level(lab, None)
        soon(lab, lambda: asked(lab, PRIVILEGED).code == 0)
        lab.apply(PRIVILEGED)
        lab.becomes("pod/privileged", is_ready)


@claim("PS-3", "PS-4", "PS-5", "PS-7")
def test_level_refuses_new_pods_and_only_warns_of_their_controllers(lab: Lab) -> None:
    violation = "would violate PodSecurity"
    assert violation not in asked(lab, ORDINARY).err
    assert violation not in asked(lab, UNFIT).err

    level(lab, "restricted", mode="warn")
    with lab.proves("PS-4"):
        soon(lab, lambda: violation in asked(lab, ORDINARY).err)
        assert any(violation in warning for warning in lab.warns(ORDINARY))
        running = lab.becomes("pod/hello", is_ready)
        assert not lab.warns(CAREFUL)

    level(lab, None, mode="warn")
    level(lab, "restricted")
    soon(lab, lambda: keeps_out(lab, PRIVILEGED))
    with lab.proves("PS-7"):
        assert any(violation in warning for warning in lab.warns(UNFIT))

    def is_refused(deployment: Object | None) -> bool:
        """The Deployment reports that its Pods are refused."""
        failure = deployment and deployment.condition("ReplicaFailure")
        return "violates PodSecurity" in (failure or {}).get("message", "")

    with lab.proves("PS-3"):
        lab.becomes("deployment/unfit", is_refused)
        assert not lab.get("pods app=unfit")
    with lab.proves("PS-5"):
        still = lab.get("pod/hello")
        assert still.is_ready
        assert still.uid == running.uid

    level(lab, None)
    with lab.proves("PS-3"):
        lab.becomes("deployment/unfit", {"status": {"readyReplicas": 1}}, within=180)


@claim("PS-6")
@pytest.mark.slow
def test_examples_are_let_in_as_the_table_says(lab: Lab, request: pytest.FixtureRequest) -> None:
    owner = f"owner-{lab.namespace}"
    namespaces = {name: lab.new_namespace(name) for name in ("baseline", "restricted")}
    for name, namespace in namespaces.items():
        lab.label(f"namespace/{namespace}", {"pod-security.kubernetes.io/enforce": name})
    done = lab.run(f"kubectl create rolebinding owner --clusterrole=admin --user={owner}")
    assert done.code == 0, done.err
    as_owner = acting_as(Api(lab.kubeconfig), owner)
    privileged = lab.example(PRIVILEGED)
    soon(lab, lambda: not any(meets(lab.api, n, privileged) for n in namespaces.values()))
    soon(lab, lambda: allowed(as_owner, lab.namespace, privileged))

    seen: restrictions.Verdicts = {}
    files = sorted(EXAMPLES.rglob("*.yaml"))
    for example in (file.relative_to(EXAMPLES).as_posix() for file in files):
        documents = lab.example(example)
        levels = {n: meets(lab.api, place, documents) for n, place in namespaces.items()}
        if example in CLUSTER_FILES or None in levels.values():
            continue
        rights = allowed(as_owner, lab.namespace, documents)
        seen[example] = {n: bool(met) for n, met in levels.items()} | {"namespace": rights}

    if request.config.getoption("record"):
        restrictions.write(ROOT, seen)
    assert seen == restrictions.read(ROOT)
