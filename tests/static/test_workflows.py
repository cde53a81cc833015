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
# What a runner lacks may be installed by root before.
INSTALL = re.compile(r"sudo apt-get install -y -qq [a-z0-9 -]+")
OURS = re.compile(r"\s*(\./|\w*sh |python)")


def load(path: Path) -> dict[str, Any]:
    """Return a workflow as data. YAML 1.1 reads its key `on` as true: that is left so."""
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
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


def test_job_that_may_write_runs_no_code_of_ours() -> None:
    for file, name, job in jobs():
        rights = {right for right, level in job["permissions"].items() if level != "read"}
        ours = [line for s in job.get("steps", []) for line in commands(s) if OURS.match(line)]
        if name == "issues":  # which needs the standard library alone
            assert rights == {"issues"} and len(ours) == 1, ours
        else:
            assert not (rights and ours), f"{file}: {name}: {ours}"


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
    all_of = [((f, n), s["run"]) for f, n, j in jobs() for s in j.get("steps", []) if "run" in s]
    ((job, command),) = [(j, text) for j, text in all_of if "sudo" in INSTALL.sub("", text)]
    assert job == ("nightly.yml", "packages")
    assert './scripts/test --live --image-source packages --kubernetes "$MINOR"' in command
    mutants = [text for _, text in all_of if "./scripts/mutate" in text]
    assert all("--image-source registry" in text for text in mutants)


def test_site_is_published_after_green_and_each_night() -> None:
    push, night = (load(HOME / f"workflows/{name}.yml")["jobs"] for name in ("test", "nightly"))
    assert set(push["green"]["needs"]) == set(CHECKS)
    assert set(push["publish"]["needs"]) == {"green", "attest", "mutants"}
    for name in ("green", "attest"):
        assert f"needs.{name}.result == 'success'" in push["publish"]["if"]
    assert "!cancelled()" in night["publish"]["if"], "a red night is published too"
    assert ".result" not in night["publish"]["if"]


def test_preview_never_gates() -> None:
    night = load(HOME / "workflows/nightly.yml")["jobs"]
    gating = "contains(fromJSON(needs.plan.outputs.minors), matrix.minor)"
    assert night["packages"]["continue-on-error"] == f"${{{{ !{gating} }}}}"
    reported = step_of(night["issues"], "report_issues")["env"]["MINORS"]
    assert reported == "${{ needs.plan.outputs.minors }}"


def test_only_evidence_of_this_run_that_is_signed_is_published() -> None:
    signing = [job for _, name, job in jobs() if name == "attest"]
    assert signing and all("live" in job["needs"] for job in signing)
    steps = load(HOME / "workflows/publish.yml")["jobs"]["build"]["steps"]
    assert steps[0]["with"]["ref"] == "last-green"
    downloads = [s for s in steps if "download-artifact" in s.get("uses", "")]
    assert not any("run-id" in s["with"] for s in downloads), "of this run"
    verified = step_of({"steps": steps}, "gh attestation verify")
    built = step_of({"steps": steps}, "./scripts/build")
    assert steps.index(downloads[0]) < steps.index(verified) < steps.index(built)
    for part in ("--repo", "--signer-workflow", "--source-ref", "--source-digest"):
        assert verified["run"].index(part) < verified["run"].index("cp "), part
    assert f"mkdir -p {built['env']['K8S_BASIC_EVIDENCE']}\n" in verified["run"]


def test_only_a_green_night_proposes_evidence() -> None:
    night = load(HOME / "workflows/nightly.yml")["jobs"]
    kept, proposed = night["keep"], night["propose"]
    uploads = {
        n: [s["with"]["name"] for s in j.get("steps", []) if "upload-" in s.get("uses", "")]
        for n, j in night.items()
    }
    runs = {n for n, names in uploads.items() if any(x.startswith("evidence-") for x in names)}
    assert "live" in runs and runs <= {*kept["needs"]} and "keep" in proposed["needs"]
    assert not any("()" in job.get("if", "") for job in (kept, proposed)), "both need green jobs"
    assert commands(step_of(kept, "./scripts/evidence"))[-1] == "./scripts/evidence"
    handed = step_of(kept, "upload-artifact@")["with"]
    taken = step_of(proposed, "download-artifact@")["with"]
    assert (handed["name"], handed["path"]) == (taken["name"], taken["path"] + "/")


def commands(step: dict[str, Any]) -> list[str]:
    """Return the lines that a step runs."""
    return [line for line in step.get("run", "").replace("\\\n", "").splitlines() if line]


def step_of(job: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the one step that runs or uses what the text says."""
    (found,) = (s for s in job["steps"] if text in s.get("run", "") + s.get("uses", ""))
    step: dict[str, Any] = found
    return step
