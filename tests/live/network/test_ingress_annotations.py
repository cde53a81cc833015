"""Ingress annotations: followed by the controller that knows them, ignored by the other."""

from __future__ import annotations

import json
from typing import Any

from k8s_basic.live import Lab, claim, needs, ready

SITE = "http://localhost:8080"
PREFIX = "nginx.ingress.kubernetes.io"
HOSTS = ("rewritten", "unchanged", "no-group", "secure", "upload")
SMALL, LARGE, HUGE = "x" * 6_000, "x" * 12_000, "x" * 20_000  # the limit is 8k


def own(lab: Lab, host: str) -> str:
    """Return the host name as this test uses it: tests that run beside it share the controller."""
    return f"{host}.{lab.namespace[-5:]}.example.com"


def documents(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return an example with host names of this test's own in place of the lesson's."""
    text = json.dumps(lab.example(name))
    for host in HOSTS:
        text = text.replace(f'"{host}.example.com"', f'"{own(lab, host)}"')
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def backend(lab: Lab) -> None:
    """Start the application behind the Ingresses, and none of them."""
    lab.apply(
        [
            d
            for d in documents(lab, "network/ingress-annotations/ingress-rewrite.yaml")
            if d["kind"] != "Ingress"
        ]
    )
    lab.becomes("pods app=app", ready(1))


@claim("IN-9", "IN-10")
@needs("ingress")
def test_rewrite_is_done_by_the_class_that_knows_it_and_needs_a_group(lab: Lab) -> None:
    lab.apply(documents(lab, "network/ingress-annotations/ingress-rewrite.yaml"))
    lab.apply(documents(lab, "network/ingress-annotations/ingress-rewrite-no-group.yaml"))
    lab.becomes("pods app=app", ready(1))

    with lab.proves("IN-10"):
        rewritten = lab.outside(f"{SITE}/app/hello", host=own(lab, "rewritten"))
        assert rewritten.body == "app saw /hello\n"
        # without a group there is nothing to put in
        no_group = lab.outside(f"{SITE}/app/hello", host=own(lab, "no-group"))
        assert no_group.body == "app saw /app/hello\n"
        lab.outside(f"{SITE}/other", host=own(lab, "rewritten"), status=404, within=0)
    with lab.proves("IN-9"):
        unchanged = lab.outside(f"{SITE}/app/hello", host=own(lab, "unchanged"))
        assert (rewritten.body, unchanged.body) == ("app saw /hello\n", "app saw /app/hello\n")
        lab.outside(f"{SITE}/other", host=own(lab, "unchanged"), status=404, within=0)


@claim("IN-11")
@needs("ingress")
def test_redirect_is_on_with_tls_unless_false_and_never_without(lab: Lab) -> None:
    backend(lab)
    lab.apply(documents(lab, "network/ingress-annotations/ingress-annotations.yaml"))

    redirected = lab.outside(f"{SITE}/deeper", host=own(lab, "secure"), status=308)
    assert redirected.headers["location"] == f"https://{own(lab, 'secure')}/deeper"
    assert lab.outside(f"{SITE}/deeper", host=own(lab, "upload")).body == "app saw /deeper\n"
    # HTTPS itself answers
    answer = lab.outside("https://localhost:8443/deeper", sni=own(lab, "secure"))
    assert answer.body == "app saw /deeper\n"

    lab.annotate("ingress/secure", {f"{PREFIX}/ssl-redirect": "false"})
    assert lab.outside(f"{SITE}/deeper", host=own(lab, "secure")).body == "app saw /deeper\n"
    lab.annotate("ingress/secure", {f"{PREFIX}/ssl-redirect": "true"})
    lab.outside(f"{SITE}/deeper", host=own(lab, "secure"), status=308)


@claim("IN-12", "IN-14", "IN-16")
@needs("ingress")
def test_body_above_the_limit_is_413_while_requests_are_buffered(lab: Lab) -> None:
    backend(lab)
    lab.apply(documents(lab, "network/ingress-annotations/ingress-annotations.yaml")[1])
    host = own(lab, "upload")
    assert lab.outside(SITE, host=host).body == "app saw /\n"

    with lab.proves("IN-12"):
        lab.outside(SITE, host=host, method="POST", data=LARGE, status=413, within=0)
        lab.outside(SITE, host=host, method="POST", data=SMALL, within=0)

    buffering = f"{PREFIX}/proxy-request-buffering"
    with lab.proves("IN-14"):
        lab.annotate("ingress/upload", {buffering: None})
        assert lab.outside(SITE, host=host, method="POST", data=LARGE).body == "app saw /\n"
        lab.annotate("ingress/upload", {buffering: "on"})
        lab.outside(SITE, host=host, method="POST", data=LARGE, status=413)

    # allowed, and too large for the 16 KiB that are kept in memory
    lab.annotate("ingress/upload", {f"{PREFIX}/proxy-body-size": "64k"})
    with lab.proves("IN-16"):
        assert lab.outside(SITE, host=host, method="POST", data=LARGE).body == "app saw /\n"
        lab.outside(SITE, host=host, method="POST", data=HUGE, status=500, within=0)
        lab.annotate("ingress/upload", {f"{PREFIX}/client-body-buffer-size": "64k"})
        assert lab.outside(SITE, host=host, method="POST", data=HUGE).body == "app saw /\n"


@claim("IN-15")
def test_annotation_that_is_no_string_is_refused(lab: Lab) -> None:
    (ingress,) = documents(lab, "network/ingress-annotations/ingress-rewrite-no-group.yaml")
    key = f"{PREFIX}/ssl-redirect"
    lab.apply(ingress)

    for value in (True, 50):
        lab.refuses(lab.annotate, "ingress/no-group", {key: value}, text="cannot unmarshal")

    assert lab.get("ingress/no-group").at("metadata.annotations").get(key) is None
    lab.annotate("ingress/no-group", {key: "true"})
    assert lab.get("ingress/no-group").at("metadata.annotations")[key] == "true"
