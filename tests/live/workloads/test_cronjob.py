"""The sentences of the lesson on CronJobs. Waits for the minute to turn are shared."""

import copy
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from k8s_basic.live import claim, reports

TICK = 180  # seconds for a job that is due every minute, on a slow machine
SEOUL = timezone(timedelta(hours=9))  # no daylight saving time, and no tzdata needed here


def complete(job):
    """The Job is complete."""
    return job is not None and (job.condition("Complete") or {}).get("status") == "True"


def controlled_by(job, cronjob):
    """Tell whether the CronJob is the controlling owner of the Job."""
    owners = job.at("metadata.ownerReferences") or []
    return any(o["uid"] == cronjob.uid and o.get("controller") for o in owners)


def one_complete(jobs):
    """One Job at least is complete."""
    return any(map(complete, jobs))


@pytest.mark.slow
@claim("WL-45", "WL-46", "WL-58")
def test_cronjob_makes_jobs_on_time_by_hand_and_not_while_suspended(lab):
    heartbeat = lab.apply("workloads/cronjob/cronjob.yaml")[0]
    paused = lab.apply("workloads/cronjob/suspended.yaml")[0]

    with lab.proves("WL-46"):
        # by hand: a suspended CronJob runs, and only then
        done = lab.run("kubectl create job by-hand --from=cronjob/paused")
        assert done.code == 0, done.err
        (by_hand,) = lab.becomes("jobs app=paused", one_complete, within=90)
        assert controlled_by(by_hand, paused)
        assert lab.logs(only_pod(lab, by_hand)).strip() == "started by hand"

        def nothing_scheduled(jobs):
            """None but the Job made by hand is there."""
            return jobs.names <= {"by-hand"}

        lab.stays(
            "jobs app=paused", nothing_scheduled, seconds=75, control=("jobs app=heartbeat", len)
        )

    with lab.proves("WL-45"):
        jobs = lab.becomes("jobs app=heartbeat", one_complete, within=90)
        job = next(filter(complete, jobs))
        assert controlled_by(job, heartbeat)
        pod = only_pod(lab, job)
        assert pod.at("status.phase") == "Succeeded"
        assert re.fullmatch(r"alive at \d\d:\d\d", lab.logs(pod).strip())
    with lab.proves("WL-58"):
        assert heartbeat.at("spec.concurrencyPolicy") == "Allow"
        assert heartbeat.at("spec.successfulJobsHistoryLimit") == 3
        assert heartbeat.at("spec.failedJobsHistoryLimit") == 1


def only_pod(lab, job):
    """Return the one Pod of a Job."""
    pods = lab.get(f"pods batch.kubernetes.io/job-name={job.name}")
    assert len(pods) == 1
    return pods[0]


@pytest.mark.slow
@claim("WL-47", "WL-59")
def test_forbid_skips_a_run_while_a_scheduled_one_is_active(lab):
    with lab.watching("jobs app=slow") as seen:
        slow = lab.apply("workloads/cronjob/forbid.yaml")[0]
        lab.run("kubectl create job by-hand --from=cronjob/slow")
        with lab.proves("WL-47"):
            lab.becomes("events", skipped(slow), within=2 * TICK)
        (scheduled,) = (job for job in lab.get("jobs app=slow") if job.name != "by-hand")
        # its Pod had a minute to start, which may have been too short
        lab.becomes(f"pods batch.kubernetes.io/job-name={scheduled.name}", one_running)

    active = [{job.name for job in state if not complete(job)} for state in seen.history]
    with lab.proves("WL-47"):
        assert max(len(names - {"by-hand"}) for names in active) == 1
    with lab.proves("WL-59"):
        assert any("by-hand" in names and len(names) == 2 for names in active)


def one_running(pods):
    """One Pod is there, and it runs."""
    return [pod.at("status.phase") for pod in pods] == ["Running"]


def skipped(cronjob):
    """Return a condition: an event of the CronJob says that a run was left out."""
    return reports(cronjob, "JobAlreadyActive")


@claim("WL-57")
def test_abbreviation_of_a_time_zone_is_refused(lab):
    kst = "workloads/cronjob/kst.yaml"
    lab.refuses(lab.apply, kst, code=422, reason="Invalid", field="spec.timeZone", text="KST")

    mended = lab.example(kst)[0]
    mended["spec"]["timeZone"] = "Asia/Soul"
    lab.refuses(lab.apply, mended, code=422, reason="Invalid", field="spec.timeZone", text="Soul")
    mended["spec"]["timeZone"] = "Asia/Seoul"
    lab.apply(mended)
    lab.run("kubectl create job now --from=cronjob/seoul")
    now = lab.becomes("job/now", complete, within=90)
    assert lab.logs(only_pod(lab, now)).strip() == "half past four in Seoul"


def due_soon(zone):
    """Return a schedule that is due in each of the next three minutes on the clock of this zone."""
    soon = [datetime.now(zone) + timedelta(minutes=ahead) for ahead in (1, 2, 3)]
    hours = sorted({instant.hour for instant in soon})
    return f"{','.join(str(t.minute) for t in soon)} {','.join(map(str, hours))} * * *"


@pytest.mark.slow
@claim("WL-60", "WL-61")
def test_schedule_follows_the_clock_of_its_time_zone_and_without_one_that_of_utc(lab):
    example = "workloads/cronjob/seoul.yaml"
    lab.apply(example)
    (written,) = lab.example(example)

    def cronjob(name, clock):
        """Return the example, due soon on this clock, with Jobs that are found by its name."""
        other = copy.deepcopy(written)
        other["metadata"]["name"] = name
        other["spec"]["schedule"] = due_soon(clock)
        other["spec"]["jobTemplate"]["metadata"] = {"labels": {"app": name}}
        return other

    with_zone, without_zone = cronjob("with-zone", SEOUL), cronjob("without-zone", SEOUL)
    utc = cronjob("utc", UTC)
    for document in (without_zone, utc):
        document["spec"].pop("timeZone", None)
    lab.apply([with_zone, without_zone, utc])

    with lab.proves("WL-61"):
        job = next(filter(complete, lab.becomes("jobs app=with-zone", one_complete, within=TICK)))
        assert lab.logs(only_pod(lab, job)).strip() == "half past four in Seoul"

    def not_due(jobs):
        """The clock of Seoul is not that of the control plane."""
        return jobs == []

    with lab.proves("WL-60"):
        lab.stays(
            "jobs app=without-zone", not_due, seconds=5, control=("jobs app=utc", one_complete)
        )
