"""Workflows are pinned, have least rights, and run what a developer runs: ./scripts/test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from k8s_basic import ROOT, cache_dir, versions
from k8s_basic.packages import toolchain

HOME = ROOT / ".github"
WORKFLOWS = sorted((HOME / "workflows").glob("*.y*ml"))
ACTIONLINT = "github.com/rhysd/actionlint"
CHECKS = {"static": "--static", "site": "--site", "live": "--live"}
# The only rights to write that any job has, and the job that needs them.
WRITES = {
    ("test.yml", "attest", "attestations"),
    ("test.yml", "attest", "id-token"),
    ("test.yml", "green", "contents"),
    ("test.yml", "publish", "pages"),
    ("test.yml", "publish", "id-token"),
    ("nightly.yml", "attest", "attestations"),
    ("nightly.yml", "attest", "id-token"),
    ("nightly.yml", "publish", "pages"),
    ("nightly.yml", "publish", "id-token"),
    ("nightly.yml", "issues", "issues"),
    ("nightly.yml", "propose", "contents"),
    ("nightly.yml", "propose", "pull-requests"),
    ("publish.yml", "deploy", "pages"),
    ("publish.yml", "deploy", "id-token"),
}


def load(path: Path) -> dict[str, Any]:
    """Return a workflow as data. YAML 1.1 reads its key `on` as true: that is left so."""
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """Return every job as (file name, job name, job)."""
    return [
        (path.name, name, job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()
    ]


def actionlint() -> Path:
    """Return actionlint of the pinned version, compiled on first use and kept."""
    tools = versions.load().get("tools", {})
    assert ACTIONLINT in tools, f"{versions.FILE} does not list {ACTIONLINT} under tools"
    version = tools[ACTIONLINT]
    binary = cache_dir() / "tools" / f"actionlint-{version}"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
            places = {"GOBIN": folder, "GOCACHE": f"{folder}/cache", "GOMODCACHE": f"{folder}/mod"}
            env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-modcacherw", **places}
            package = f"{ACTIONLINT}/cmd/actionlint@{version}"
            subprocess.run(
                [str(toolchain.binary()), "install", package], env=env, check=True, timeout=600
            )
            (Path(folder) / "actionlint").replace(binary)
    return binary


def succeeds(*command: str | Path) -> None:
    """Run a checker and fail with all that it found."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_actionlint_finds_nothing() -> None:
    # shellcheck would be used where it happens to be installed: the verdict is one everywhere
    succeeds(actionlint(), "-shellcheck=", "-pyflakes=", *WORKFLOWS)


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    succeeds(zizmor, "--offline", "--quiet", "--strict-collection", "--persona=pedantic", HOME)


def test_only_the_listed_jobs_may_write() -> None:
    found = {
        (file, name, right)
        for file, name, job in jobs()
        for right, level in job["permissions"].items()
        if level != "read"
    }
    assert found == WRITES


# what a runner lacks may be installed by root before
INSTALL = re.compile(r"sudo apt-get install -y -qq [a-z0-9 -]+")


def test_checks_run_scripts_test_and_nothing_else() -> None:
    checks = [(name, job) for _, name, job in jobs() if name in CHECKS]
    assert sorted(name for name, _ in checks) == ["live", "live", "site", "static"]
    for name, job in checks:
        *before, command = (step["run"] for step in job["steps"] if "run" in step)
        assert all(INSTALL.fullmatch(text) for text in before), before
        source = " --image-source registry" if name == "live" else ""
        command = command.removesuffix(' --kubernetes "$MINOR"')
        assert command == f"./scripts/test {CHECKS[name]}{source}"


def test_nobody_is_root_but_who_makes_a_node_image_from_packages() -> None:
    commands = [((f, n), s["run"]) for f, n, j in jobs() for s in j.get("steps", []) if "run" in s]
    rooted = [(job, text) for job, text in commands if "sudo" in INSTALL.sub("", text)]
    ((job, command),) = rooted
    assert job == ("nightly.yml", "packages")
    assert './scripts/test --live --image-source packages --kubernetes "$MINOR"' in command
    for _, text in commands:
        if "./scripts/mutate" in text:
            assert "--image-source registry" in text


def test_site_is_published_after_green_and_each_night() -> None:
    push = load(HOME / "workflows/test.yml")["jobs"]
    assert set(push["green"]["needs"]) == set(CHECKS)
    assert set(push["publish"]["needs"]) == {"green", "attest", "mutants"}
    for name in ("green", "attest"):
        assert f"needs.{name}.result == 'success'" in push["publish"]["if"]
    night = load(HOME / "workflows/nightly.yml")["jobs"]
    assert "!cancelled()" in night["publish"]["if"], "a red night is published too"
    assert ".result" not in night["publish"]["if"]
    steps = load(HOME / "workflows/publish.yml")["jobs"]["build"]["steps"]
    assert steps[0]["with"]["ref"] == "last-green"


def test_preview_is_run_from_packages_and_never_gates() -> None:
    night = load(HOME / "workflows/nightly.yml")["jobs"]
    assert night["packages"]["strategy"] == {
        "fail-fast": False,
        "matrix": {"minor": "${{ fromJSON(needs.plan.outputs.packages) }}"},
    }
    gating = "contains(fromJSON(needs.plan.outputs.minors), matrix.minor)"
    assert night["packages"]["continue-on-error"] == f"${{{{ !{gating} }}}}"
    reported = step_of(night["issues"], "report_issues")["env"]["MINORS"]
    assert reported == "${{ needs.plan.outputs.minors }}"


def test_evidence_is_signed_by_a_job_that_runs_no_code_of_ours() -> None:
    signing = [job for _, name, job in jobs() if name == "attest"]
    assert len(signing) == 2
    for job in signing:
        assert not any("run" in step or "checkout" in step["uses"] for step in job["steps"])
        assert "live" in job["needs"]


def test_only_signed_evidence_of_the_same_run_is_published() -> None:
    steps = load(HOME / "workflows/publish.yml")["jobs"]["build"]["steps"]
    downloads = [s for s in steps if "download-artifact" in s.get("uses", "")]
    assert not any("run-id" in s["with"] for s in downloads), "of this run"
    (taken,) = (s for s in downloads if s["with"]["pattern"] == "evidence-*")
    assert taken["with"]["path"] == "build/artifacts"
    (verified,) = (n for n, s in enumerate(steps) if "gh attestation verify" in s.get("run", ""))
    (built,) = (n for n, s in enumerate(steps) if "./scripts/build" in s.get("run", ""))
    assert steps.index(taken) < verified < built
    assert step_of({"steps": steps}, "checkout@")["with"]["fetch-depth"] == 0, "for the feed"
    command = steps[verified]["run"]
    for part in ("--repo", "--signer-workflow", "--source-ref", "--source-digest"):
        assert command.index(part) < command.index("cp "), part


def test_what_nobody_signed_is_not_published() -> None:
    job = load(HOME / "workflows/publish.yml")["jobs"]["build"]
    folder = step_of(job, "./scripts/build")["env"]["K8S_BASIC_EVIDENCE"]
    assert f"mkdir -p {folder}\n" in step_of(job, "gh attestation verify")["run"]


def test_only_a_green_night_proposes_evidence_and_the_job_that_may_runs_no_code_of_ours() -> None:
    night = load(HOME / "workflows/nightly.yml")["jobs"]
    kept, proposed = night["keep"], night["propose"]
    runs = {name for name, job in night.items() if _leaves_evidence(job)}
    assert "live" in runs and runs <= {*kept["needs"]} and "keep" in proposed["needs"]
    assert not any("()" in job.get("if", "") for job in (kept, proposed)), "both need green jobs"
    command = step_of(kept, "./scripts/evidence")["run"]
    assert command.splitlines()[-1] == "./scripts/evidence"
    handed = step_of(kept, "upload-artifact@")["with"]
    taken = step_of(proposed, "download-artifact@")["with"]
    assert (handed["name"], handed["path"]) == (taken["name"], taken["path"] + "/")
    programs = {line.split()[0] for s in proposed["steps"] for line in _commands(s)}
    assert programs <= {"git", "gh", "open=$(gh", "if", "fi"}
    assert "git push --force " in step_of(proposed, "git push")["run"]


def _leaves_evidence(job: dict[str, Any]) -> bool:
    uploads = (s["with"]["name"] for s in job.get("steps", []) if "upload-" in s.get("uses", ""))
    return any(name.startswith("evidence-") for name in uploads)


def _commands(step: dict[str, Any]) -> list[str]:
    return step.get("run", "").replace("\\\n", "").splitlines()


def step_of(job: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the one step that runs or uses what the text says."""
    (found,) = (s for s in job["steps"] if text in s.get("run", "") + s.get("uses", ""))
    step: dict[str, Any] = found
    return step
