"""Node affinity: what a Pod demands of a node, and what it only wishes for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from k8s_basic.live import Lab, Object, claim, is_ready, needs
from k8s_basic.live.conditions import unschedulable

ZONE = "topology.kubernetes.io/zone"
AFFINITY = "developer/affinity/affinity.yaml"


def zone(lab: Lab, pod: Object) -> str:
    """Return the zone of the Pod's node."""
    return str(lab.get(f"node/{pod.at('spec.nodeName')}").labels.get(ZONE))


def elsewhere(document: dict[str, Any], name: str, old: str, new: str) -> dict[str, Any]:
    """Return the manifest with another name and another zone."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(below) for key, below in value.items()}
        if isinstance(value, list):
            return [replaced(below) for below in value]
        return new if value == old else value

    other: dict[str, Any] = replaced(copy.deepcopy(document))
    other["metadata"]["name"] = name
    return other


@claim("SC-8")
@needs("lesson-nodes")
def test_required_affinity_admits_only_nodes_that_match(lab: Lab) -> None:
    required = "developer/affinity/required.yaml"
    lab.apply(required)
    lab.apply("developer/affinity/required-broken.yaml")
    east = elsewhere(lab.example(required)[0], "east", "antarctica-west1", "antarctica-east1")
    lab.apply(east)

    assert zone(lab, lab.becomes("pod/must-be-west", is_ready)) == "antarctica-west1"
    assert zone(lab, lab.becomes("pod/east", is_ready)) == "antarctica-east1"
    nowhere = lab.becomes("pod/must-be-west-typo", unschedulable())
    message = nowhere.condition("PodScheduled")["message"]
    assert "didn't match Pod's node affinity/selector" in message
    # the zone's name is all that is wrong
    typo = lab.example("developer/affinity/required-broken.yaml")[0]
    lab.apply(elsewhere(typo, "spelled", "antarctica-west-1", "antarctica-west1"))
    assert zone(lab, lab.becomes("pod/spelled", is_ready)) == "antarctica-west1"


@claim("SC-9")
@needs("lesson-nodes")
def test_preferred_affinity_is_a_wish(lab: Lab) -> None:
    preferred = "developer/affinity/preferred.yaml"
    lab.apply(preferred)
    west = lab.example(preferred)[0]
    lab.apply(elsewhere(west, "likes-east", "antarctica-west1", "antarctica-east1"))

    assert zone(lab, lab.becomes("pod/likes-west", is_ready)) == "antarctica-west1"
    assert zone(lab, lab.becomes("pod/likes-east", is_ready)) == "antarctica-east1"
    assert zone(lab, lab.becomes("pod/likes-north", is_ready)).startswith("antarctica-")


@claim("SC-10")
@needs("lesson-nodes")
def test_one_term_is_enough_and_all_its_expressions_must_match(lab: Lab) -> None:
    terms = "developer/affinity/terms.yaml"
    one, both = lab.example(terms)
    lab.apply(terms)
    # the first term is the one that fits
    first = elsewhere(one, "first-term", "antarctica-west1", "antarctica-south1")
    lab.apply(elsewhere(first, "first-term", "antarctica-north1", "antarctica-east1"))
    # both expressions fit, and then only the zone does
    west = elsewhere(both, "west", "antarctica-north1", "antarctica-west1")
    lab.apply(west)
    lab.apply(elsewhere(west, "west-windows", "linux", "windows"))

    assert zone(lab, lab.becomes("pod/one-of-two-terms", is_ready)) == "antarctica-west1"
    assert zone(lab, lab.becomes("pod/first-term", is_ready)) == "antarctica-east1"
    assert zone(lab, lab.becomes("pod/west", is_ready)) == "antarctica-west1"
    lab.becomes("pod/both-expressions", unschedulable())
    lab.becomes("pod/west-windows", unschedulable())


@claim("SC-11")
@pytest.mark.exclusive
@needs("lesson-nodes")
def test_among_the_nodes_that_are_allowed_the_preferred_one_wins(lab: Lab) -> None:
    document = lab.example(AFFINITY)[0]
    label = "another-node-label-key"
    for name in ("antarctica-east1", "antarctica-west1"):
        node = lab.get(f"nodes {ZONE}={name}")[0]
        lab.label(node, {label: "another-node-label-value"})
        try:
            lab.scheduler_has_seen(node)
            document["metadata"]["name"] = name
            lab.apply(document)
            assert zone(lab, lab.becomes(f"pod/{name}", is_ready)) == name
        finally:
            lab.label(node, {label: None})

    # nobody carries the label any more: the wish goes unfulfilled, the demand does not
    lab.apply(AFFINITY)
    assert zone(lab, lab.becomes("pod/with-node-affinity", is_ready)).startswith("antarctica-")
    nowhere = elsewhere(document, "nowhere", "antarctica-east1", "antarctica-north1")
    nowhere = elsewhere(nowhere, "nowhere", "antarctica-west1", "antarctica-north1")
    lab.apply(nowhere)
    lab.becomes("pod/nowhere", unschedulable())
