"""A refusal is read from kubectl's standard error or from the API server's Status."""

from __future__ import annotations

import json

import pytest
from k8s_basic.live.failures import Refused
from kubernetes.client import ApiException

# as kubectl 1.35 to 1.37 prints them
INVALID = (
    'The Deployment "web" is invalid: spec.selector: Invalid value: '
    '{"matchLabels":{"app":"other"}}: field is immutable\n'
)
INVALID_TWICE = (
    'The Pod "web" is invalid: \n* spec.containers[0].name: Required value\n'
    "* spec.containers[0].image: Required value\n"
)


@pytest.mark.parametrize(
    ("stderr", "code", "reason"),
    [
        (INVALID, 422, "Invalid"),
        (INVALID_TWICE, 422, "Invalid"),
        ("Warning: spec.x: old\n" + INVALID, 422, "Invalid"),
        ("The request is invalid: patch: Invalid value: x\n", 422, "Invalid"),
        ('Error from server (Invalid): error when applying patch:\n{"a":1}\n', 422, "Invalid"),
        ('Error from server (NotFound): pods "web" not found\n', 404, "NotFound"),
        ('Error from server (AlreadyExists): namespaces "a" exists', 409, "AlreadyExists"),
        ("Error from server (Conflict): the object has been modified", 409, "Conflict"),
        ('Error from server (Forbidden): error when creating "a.yaml"', 403, "Forbidden"),
        ("Error from server (BadRequest): strict decoding error", 400, "BadRequest"),
        ("Error from server (MethodNotAllowed): no", 405, "MethodNotAllowed"),
        ("Error from server (InternalError): an error", None, "InternalError"),
        # kubectl gave up before it asked
        ("error: error validating: apiVersion not set", None, None),
        ('error: resource mapping not found: no matches for kind "X"', None, None),
        ("Unable to connect to the server: dial tcp: refused", None, None),
        ('error: the text says: The Pod "x" is invalid', None, None),
        ("", None, None),
    ],
)
def test_kubectls_words_are_read_as_code_and_reason(
    stderr: str, code: int | None, reason: str | None
) -> None:
    answer = Refused.by_kubectl(stderr)
    assert (answer.code, answer.reason, answer.message) == (code, reason, stderr.strip())


def served(status: int, body: str | None) -> ApiException:
    """An answer of the API server as its client raises it."""
    problem = ApiException(status=status, reason="Unprocessable")
    problem.body = body
    return problem


def test_status_of_the_server_is_read_with_every_field_that_it_complains_of() -> None:
    status = {
        "kind": "Status",
        "reason": "Invalid",
        "message": 'Pod "web" is invalid',
        "code": 422,
        "details": {"causes": [{"field": "spec.a"}, {"reason": "x"}, {"field": "spec.b"}]},
    }
    answer = Refused.by_server(served(422, json.dumps(status)))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert not answer.lacks(422, "Invalid", "spec.a", "is invalid")
    assert not answer.lacks(None, None, "spec.b", None)


@pytest.mark.parametrize("details", [None, {}, {"causes": None}])
def test_status_without_causes_is_read(details: object) -> None:
    body = json.dumps({"reason": "NotFound", "message": "no pod", "details": details})
    answer = Refused.by_server(served(404, body))
    assert (answer.code, answer.reason, answer.message) == (404, "NotFound", "no pod")


@pytest.mark.parametrize("body", ["upstream connect error", "", None])
def test_answer_that_is_no_status_keeps_its_code(body: str | None) -> None:
    answer = Refused.by_server(served(503, body))
    assert (answer.code, answer.reason, answer.message) == (503, None, "Unprocessable")


@pytest.mark.parametrize(
    ("expected", "lacking"),
    [
        ((422, "Invalid", "spec.selector", "field is immutable"), []),
        ((None, None, None, None), []),
        ((None, None, None, "IMMUTABLE$"), []),
        ((409, None, None, None), ["code 409"]),
        ((None, "Conflict", None, None), ["reason Conflict"]),
        ((None, None, "spec.template", None), ["field spec.template"]),
        ((None, None, None, "mutable field"), ["text mutable field"]),
        ((404, "NotFound", None, None), ["code 404", "reason NotFound"]),
    ],
)
def test_each_expectation_that_is_not_met_is_named(
    expected: tuple[int | None, str | None, str | None, str | None], lacking: list[str]
) -> None:
    assert Refused.by_kubectl(INVALID).lacks(*expected) == lacking


def test_refusal_without_a_code_does_not_pass_for_one_with_it() -> None:
    answer = Refused.by_kubectl("error: no matches for kind")
    assert answer.lacks(422, "Invalid", None, None) == ["code 422", "reason Invalid"]
