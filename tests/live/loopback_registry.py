"""The registry source from end to end, on a machine that reaches no public registry.

    ./scripts/python tests/live/loopback_registry.py [--kubernetes 1.36] [options of the live tier]

As root on Debian. A registry on loopback gets the images that are made from packages, under the
paths that the public registries have; what stands for kind's node image has no workload in it.
Then somebody without rights but the docker group, in a new clone of the last commit with a cache
and a virtual environment of their own, and without go, apt, debootstrap and sudo on the PATH, runs
the whole live suite through it, with the digests of this registry in versions.yaml where one is
pinned. kind of the pinned version is on the PATH. GitHub is not reached
either, so the two manifests of others lie in that cache, where the error message says to put them.

What this does not show: that the public registries have these images, and what is in theirs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from k8s_basic import BUILD, ROOT, cache_dir, processes, versions
from k8s_basic.cluster import manifests, registries, sources
from k8s_basic.errors import ClusterError
from k8s_basic.packages import debian, image, programs
from k8s_basic.packages import engine as engines
from k8s_basic.packages.engine import Engine
from k8s_basic.steps import run, say, step
from k8s_basic.versions import Kubernetes

USER = "k8s-basic-loopback"
STARTS = 20.0  # seconds for the registry to answer
# Programs that somebody with ordinary rights and a registry does without.
WITHOUT = {"apt", "apt-cache", "apt-get", "debootstrap", "dpkg", "dpkg-deb", "go", "gofmt"}
WITHOUT |= {"kind", "kubectl", "su", "sudo"}
PASSED_ON = ("PIP_", "SSL_CERT_", "REQUESTS_CA_")  # how this machine reaches PyPI
CTR = ("ctr", "-n", "k8s.io", "images")


@contextlib.contextmanager
def registry() -> Iterator[str]:
    """Debian's docker-registry on a free port of loopback, with one empty store; its host:port."""
    files = cache_dir() / "docker-registry"
    if not files.exists():
        debian.unpack(("docker-registry",), files)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory(dir=cache_dir()) as folder:
        config = Path(folder, "registry.yml")
        store = f"storage: {{filesystem: {{rootdirectory: {folder}/store}}}}"
        config.write_text(
            f"version: 0.1\nlog: {{level: error}}\n{store}\nhttp: {{addr: {address}}}\n"
        )
        command = [str(files / "usr/bin/docker-registry"), "serve", str(config)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr) as server:
            try:
                wait_until_it_answers(address)
                yield address
            finally:
                server.terminate()


def wait_until_it_answers(address: str) -> None:
    """Return when the registry answers; raises ClusterError after STARTS seconds."""
    deadline = time.monotonic() + STARTS
    while problem := registries.silence(address, ("http",)):
        if time.monotonic() > deadline:
            raise ClusterError(f"{problem} after {STARTS:.0f} s")
        time.sleep(0.2)  # nothing tells that it has begun to listen


def mirrored(address: str, reference: str) -> str:
    """Return the name that an image has in the registry at `address`."""
    name, _, tag = reference.rpartition(":")
    return f"{address}/{versions.home(name)[1]}:{tag}"


def in_containerd(reference: str) -> str:
    """Return the name that containerd has for an image."""
    name, _, tag = reference.rpartition(":")
    host, path = versions.home(name)
    return f"docker.io/{path}:{tag}" if host == versions.DOCKER_HUB else reference


def fill(engine: Engine, kube: Kubernetes, address: str) -> None:
    """Push the images of a cluster of this minor, made from packages, under their public paths."""
    node = image.ensure(engine, kube)
    docker = engine.docker
    workloads = sources.needed(kube)[1:]
    names = [in_containerd(reference) for reference in workloads]
    with image.containerd(engine, node) as container:
        with step(f"take {len(names)} images out of the node image"):
            export = ["docker", "exec", container, *CTR, "export", "-", *names]
            image.pipe(engine, export, ["docker", "load"])
        with step("node image as kind publishes it"):
            docker("exec", container, *CTR, "rm", *(n for n in names if "/pause:" not in n))
            image.commit_node(engine, container, mirrored(address, str(kube.node)))
    for reference in workloads:
        docker("tag", reference, mirrored(address, reference))
        docker("rmi", reference)
    for reference in sources.needed(kube):
        with step(f"push {reference}"):
            docker("push", "-q", mirrored(address, reference))
            docker("rmi", mirrored(address, reference))


def pin(clone: Path, address: str, kube: Kubernetes) -> None:
    """Write what the registry on loopback has over the digests of a clone; none stays none."""
    file = clone / versions.FILE.relative_to(ROOT)
    text = file.read_text(encoding="utf-8")
    for reference, digest in versions.images().items():
        if digest and reference in sources.needed(kube):
            _, _, path = mirrored(address, reference).partition("/")
            repository, _, tag = path.rpartition(":")
            url = f"http://{address}/v2/{repository}/manifests/{tag}"
            accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
            asked = urllib.request.Request(url, headers=accept, method="HEAD")
            with urllib.request.urlopen(asked, timeout=STARTS) as answer:
                text = text.replace(digest, answer.headers["Docker-Content-Digest"])
    file.write_text(text, encoding="utf-8")


def furnish(home: Path, kind_program: Path) -> None:
    """Lay out in `home` the programs, the cache and the clone of somebody with ordinary rights."""
    tools = home / "bin"
    tools.mkdir()
    for program in (p for d in ("/usr/local/bin", "/usr/bin", "/bin") for p in Path(d).iterdir()):
        if program.name not in WITHOUT and not (tools / program.name).is_symlink():
            (tools / program.name).symlink_to(program)
    shutil.copy(kind_program, tools / "kind")
    # this Python may lie where nobody else can read
    unwanted = shutil.ignore_patterns("test", "__pycache__", "site-packages")
    shutil.copytree(sys.base_prefix, home / "python", symlinks=True, ignore=unwanted)
    packages = sources.ImageSource("packages", versions.kubernetes(), "", Path(), Path())
    for module in versions.load()["manifests"]:
        kept = home / "cache" / manifests.kept(module).relative_to(cache_dir())
        kept.parent.mkdir(parents=True, exist_ok=True)
        documents = manifests.documents(packages, module)
        kept.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    run("git", "clone", "-q", ROOT, home / "k8s-basic", what="git clone")


def environment(home: Path, engine: Engine) -> dict[str, str]:
    """Return what such a person has in the environment, and no more."""
    return {
        **{k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)},
        **({"DOCKER_HOST": engine.host} if engine.host else {}),
        "HOME": str(home),
        "USER": home.name,
        "LANG": "C.UTF-8",
        "PATH": f"{home}/python/bin:{home}/bin",
        "LD_LIBRARY_PATH": f"{home}/python/lib",  # else a copied Python finds that of the system
        "K8S_BASIC_CACHE": str(home / "cache"),
    }


@contextlib.contextmanager
def somebody(kind_program: Path) -> Iterator[Path]:
    """A user of this machine with the right to use Docker and no other; their home."""
    run("useradd", "--create-home", "--groups", "docker", USER)
    try:
        home = Path(pwd.getpwnam(USER).pw_dir)
        with step(f"home of {USER}"):
            furnish(home, kind_program)
            run("chown", "-R", f"{USER}:", home)
        yield home
    finally:
        run("userdel", "--remove", USER)


def faults(home: Path, kube: Kubernetes) -> list[str]:
    """Return in words what a run left that it should not have, or did not leave; print figures."""
    found = [
        f"{name} is in the cache" for name in ("go", "build") if (home / "cache" / name).exists()
    ]
    found += [f"{file.name} was built" for file in (home / "cache").glob("programs/*")]
    file = home / "k8s-basic" / "build" / "evidence" / f"{kube.minor}-registry.json"
    if not file.exists():
        return [*found, "there is no evidence"]
    kept = BUILD / "loopback"
    kept.mkdir(parents=True, exist_ok=True)
    for left in (file, home / "k8s-basic" / "build" / "live" / "junit.xml"):
        shutil.copyfile(left, kept / left.name)
    seen = json.loads(file.read_text(encoding="utf-8"))
    recorded = seen["recordings"].values()
    say(f"tests: {dict(Counter(test['outcome'] for test in seen['tests']))}")
    say(
        f"recordings: {sum(r['same'] for r in recorded)} of {len(recorded)} as recorded or declared"
    )
    say("\n".join(f"  {reference} {digest}" for reference, digest in seen["images"].items()))
    if set(seen["images"]) != set(sources.needed(kube)) or seen["stand_ins"]:
        found.append("not every image came from the registry")
    if kube.minor == versions.kubernetes().minor:
        found += [f"{n} is not as recorded" for n, r in seen["recordings"].items() if not r["same"]]
    return found


def drop(engine: Engine, address: str, kube: Kubernetes) -> None:
    """Remove from the engine what was pulled from the registry on loopback."""
    rows = engine.docker("images", "--format", "{{.ID}} {{.Repository}}").splitlines()
    ids = {row.split()[0] for row in rows if row.split()[1].startswith(f"{address}/")}
    for name in (*ids, *sources.needed(kube)):
        with contextlib.suppress(ClusterError):  # already gone with another name of it
            engine.docker("rmi", "-f", name)


def main() -> int:
    """Run it all; return the exit code of the live suite, or 1 for what else is wrong."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--kubernetes", metavar="MINOR")
    options, rest = parser.parse_known_args()
    if os.geteuid() != 0:
        sys.exit("error: a user is made and images are built from packages: run this as root")
    kube = versions.kubernetes(options.kubernetes)
    try:
        engine = engines.ensure()
        try:
            return through_loopback(engine, kube, rest)
        finally:
            engines.stop(engine)
    except ClusterError as problem:
        sys.exit(f"error: {problem}")


def through_loopback(engine: Engine, kube: Kubernetes, rest: list[str]) -> int:
    """Fill a registry and run the live suite through it as somebody else; return its exit code."""
    kind_program = programs.build(kube, ("kind",))["kind"] / "kind"
    with registry() as address:
        try:
            fill(engine, kube, address)
            command = ["./scripts/test", "--live", "--image-source", "registry"]
            command += ["--registry-mirror", address, "--kubernetes", kube.minor, *rest]
            with somebody(kind_program) as home, step("the live suite"):
                pin(home / "k8s-basic", address, kube)
                code = subprocess.run(
                    command, cwd=home / "k8s-basic", env=environment(home, engine),
                    user=USER, group=USER, extra_groups=["docker"],
                ).returncode  # fmt: skip
                wrong = faults(home, kube)
        finally:
            drop(engine, address, kube)
    say("\n".join(f"error: {fault}" for fault in wrong) or "nothing came but from the registry")
    return code or int(bool(wrong))


if __name__ == "__main__":
    processes.command(main)
