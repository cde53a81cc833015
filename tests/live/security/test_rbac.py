"""RBAC: what a Role, a ClusterRole and their bindings allow, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from k8s_basic.live import Completed, Lab, claim

POD_READER = "security/rbac/role-pod-reader.yaml"
JANE = "security/rbac/rolebinding-jane.yaml"
CLUSTER_ROLE = "security/rbac/clusterrole.yaml"


def allowed(lab: Lab, command: str, within: float = 60) -> Completed:
    """Run a command until it succeeds, for so many seconds: a new grant is seen a moment later."""
    return lab.eventually(command, lambda: lab.run(command), lambda done: not done.code, within)


def forbidden(lab: Lab, command: str, text: str = "forbidden") -> None:
    """Run a command that the API server refuses with 403 and this text."""
    done = lab.run(command)
    assert done.code != 0, f"accepted: {command}"
    assert "is forbidden" in done.err, done.err
    assert text in done.err, done.err


def watch_pods(lab: Lab, options: str) -> str:
    """Return the command line of a watch on the namespace's Pods that ends after a second."""
    address = f"/api/v1/namespaces/{lab.namespace}/pods?watch=1&timeoutSeconds=1"
    return f"kubectl get --raw '{address}' {options}"


@claim("SE-11", "SE-12", "SE-13", "SE-14", "SE-15")
def test_jane_may_read_pods_of_this_namespace_and_nothing_else(lab: Lab) -> None:
    lab.apply("start/first-cluster/first-pod.yaml")
    lab.apply(POD_READER)
    lab.apply(JANE)
    lab.becomes("pod/hello", {"status": {"phase": "Running"}})
    other = lab.new_namespace("other")

    with lab.proves("SE-12"):
        allowed(lab, "kubectl get pod hello --as=jane")
        assert "pod/hello" in allowed(lab, "kubectl get pods -o name --as=jane").out
        allowed(lab, watch_pods(lab, "--as=jane"))
    with lab.proves("SE-11"):
        forbidden(lab, "kubectl get pods --as=nobody-here")
    with lab.proves("SE-15"):
        forbidden(lab, "kubectl get pods --as=Jane")

    # beside what is refused, the same requests by somebody who has the rights
    with lab.proves("SE-14"):
        forbidden(lab, f"kubectl get pods --as=jane --namespace={other}")
        forbidden(lab, "kubectl get nodes --as=jane")
        allowed(lab, f"kubectl get pods --namespace={other}", within=0)
        allowed(lab, "kubectl get nodes", within=0)
    with lab.proves("SE-13"):
        forbidden(lab, "kubectl delete pod hello --as=jane", 'cannot delete resource "pods"')
        forbidden(lab, f"{created(pod('mine'))} --as=jane", 'cannot create resource "pods"')
        forbidden(lab, "kubectl logs hello --as=jane", "pods/log")
        allowed(lab, created(pod("mine")), within=0)
        allowed(lab, "kubectl logs hello", within=0)
        allowed(lab, "kubectl delete pod hello --wait=false", within=0)


def pod(name: str) -> dict[str, Any]:
    """Return a Pod that is never scheduled."""
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10.2"}
    spec = {"schedulerName": "nobody", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def created(document: dict[str, Any]) -> str:
    """Return the command line that creates an object; further options may follow it."""
    return f"kubectl create -f - <<<'{json.dumps(document)}'"


@claim("SE-16", "SE-22")
def test_role_of_a_binding_may_come_later_and_never_change(lab: Lab) -> None:
    lab.apply(JANE)
    with lab.proves("SE-22"):
        forbidden(lab, "kubectl get pods --as=jane")
        lab.apply(POD_READER)
        allowed(lab, "kubectl get pods --as=jane")

    (binding,) = lab.example(JANE)
    other = {**binding["roleRef"], "kind": "ClusterRole", "name": "view"}
    with lab.proves("SE-16"):
        lab.refuses(
            lab.patch, "rolebinding/read-pods", {"roleRef": other},
            code=422, reason="Invalid", field="roleRef",
        )  # fmt: skip

        # subjects may change, and the old name loses its rights
        kim = {**binding["subjects"][0], "name": "kim"}
        lab.patch("rolebinding/read-pods", {"subjects": [kim]})
        allowed(lab, "kubectl get pods --as=kim")
        forbidden(lab, "kubectl get pods --as=jane")


@claim("SE-17")
def test_group_in_a_binding_stands_for_all_its_members(lab: Lab) -> None:
    lab.apply(POD_READER)
    lab.apply("security/rbac/rolebinding-group.yaml")

    allowed(lab, "kubectl get pods --as=park --as-group=devs")

    forbidden(lab, "kubectl get pods --as=park")
    forbidden(lab, "kubectl get pods --as=devs")


@claim("SE-18")
@pytest.mark.touches_cluster
def test_cluster_role_is_as_wide_as_its_binding(lab: Lab) -> None:
    documents, suffix = own(lab, lab.example(CLUSTER_ROLE)), lab.namespace
    other = lab.new_namespace("other")

    def pods(namespace: str, user: str) -> str:
        return f"kubectl get pods --namespace={namespace} --as={user}-{suffix}"

    try:
        lab.apply(documents)
        allowed(lab, pods(lab.namespace, "lee"))
        allowed(lab, pods(lab.namespace, "auditor"))
        allowed(lab, pods(other, "auditor"))
        forbidden(lab, pods(other, "lee"))
    finally:
        lab.run(f"kubectl delete clusterrole,clusterrolebinding -l lesson={suffix}")


def own(lab: Lab, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give what is of the whole cluster, and the users, names of this test's own."""
    for document in documents:
        named = [*document.get("subjects", []), document.get("roleRef", {})]
        if document["kind"].startswith("Cluster"):
            named.append(document["metadata"])
            document["metadata"]["labels"] = {"lesson": lab.namespace}
        for holder in named:
            if "name" in holder:
                holder["name"] += f"-{lab.namespace}"
    return documents


@claim("SE-19")
def test_resource_names_narrow_a_rule_to_single_objects(lab: Lab) -> None:
    lab.apply("security/rbac/role-resourcenames.yaml")

    allowed(lab, "kubectl get secret db-password --as=jane")

    forbidden(lab, "kubectl get secret api-key --as=jane")
    forbidden(lab, "kubectl get secrets --as=jane", "cannot list")
    allowed(lab, "kubectl get secret api-key", within=0)


@claim("SE-20")
def test_nobody_grants_more_than_they_have(lab: Lab) -> None:
    lab.apply("security/rbac/role-admin.yaml")
    allowed(lab, "kubectl create role viewer --verb=get --resource=roles --as=carol")
    (secret_reader,) = lab.example("security/rbac/role-escalation.yaml")
    not_hers = "attempting to grant RBAC permissions not currently held"

    forbidden(lab, f"{created(secret_reader)} --as=carol", not_hers)
    bind = "kubectl create rolebinding oops --clusterrole=edit --user=carol --as=carol"
    forbidden(lab, bind, not_hers)
    allowed(lab, "kubectl create rolebinding fine --role=viewer --user=kim --as=carol", within=0)
    allowed(lab, "kubectl get role viewer --as=carol", within=0)

    # once she has the rights herself, the same request is accepted
    lab.apply("security/rbac/role-escalation.yaml")
    lab.run("kubectl create rolebinding secrets --role=secret-reader --user=carol")
    allowed(lab, "kubectl get secrets --as=carol")
    again = {**secret_reader, "metadata": {"name": "again"}}
    allowed(lab, f"{created(again)} --as=carol")


@claim("SE-21")
def test_rule_for_the_wrong_api_group_is_accepted_and_allows_nothing(lab: Lab) -> None:
    wrong = "security/rbac/role-wrong-group.yaml"
    lab.apply(POD_READER)
    lab.apply(JANE)
    lab.apply(wrong)
    allowed(lab, "kubectl get pods --as=jane")  # by now the other two are seen as well
    forbidden(lab, "kubectl get deployments --as=jane", 'in API group "apps"')

    text = json.dumps(lab.example(wrong))
    lab.apply(json.loads(text.replace('"apiGroups": [""]', '"apiGroups": ["apps"]')))
    allowed(lab, "kubectl get deployments --as=jane")
