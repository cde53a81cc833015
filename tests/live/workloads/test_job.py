"""The sentences of the lesson on Jobs."""

from k8s_basic.live import ABSENT, claim

EXAMPLE = "workloads/job/job.yaml"
JOB_NAME = "batch.kubernetes.io/job-name"


def complete(job):
    """The Job is complete."""
    return job is not None and (job.condition("Complete") or {}).get("status") == "True"


def failed(job):
    """The Job has failed for good."""
    return job is not None and (job.condition("Failed") or {}).get("status") == "True"


@claim("WL-40")
def test_job_runs_once_to_its_end_and_its_pod_stays(lab):
    lab.apply(EXAMPLE)

    job = lab.becomes("job/report", complete, within=90)

    assert job.at("status.succeeded") == 1
    assert job.at("status.failed") is None
    (pod,) = lab.get(f"pods {JOB_NAME}=report")
    assert pod.at("status.phase") == "Succeeded"
    assert pod.at("status.containerStatuses.0.restartCount") == 0
    assert lab.logs(pod).strip() == "42 orders, 3 returns"


@claim("WL-41", "WL-55")
def test_parallel_job_keeps_its_bound_and_gives_each_part_a_number(lab):
    selector = f"pods {JOB_NAME}=resize"
    with lab.watching(selector) as seen:
        lab.apply("workloads/job/parallel.yaml")
        job = lab.becomes("job/resize", complete, within=240)  # its Pods start two by two

    running = [
        [pod for pod in state.live if pod.at("status.phase") in ("Pending", "Running")]
        for state in seen.history
    ]
    with lab.proves("WL-41"):
        assert max(map(len, running)) == 2
        assert job.at("status.succeeded") == 4
    with lab.proves("WL-55"):
        assert job.at("status.completedIndexes") == "0-3"
        logs = {lab.logs(pod).strip() for pod in lab.get(selector)}
        assert logs == {f"batch {number} resized" for number in range(4)}


@claim("WL-42")
def test_failing_job_stops_at_its_backoff_limit(lab):
    lab.apply("workloads/job/failing.yaml")

    job = lab.becomes("job/failing", failed, within=150)

    assert job.condition("Failed")["reason"] == "BackoffLimitExceeded"
    pods = lab.get(f"pods {JOB_NAME}=failing")
    assert [pod.at("status.phase") for pod in pods] == ["Failed"] * 2
    ended = "status.containerStatuses.0.state.terminated.exitCode"
    assert [pod.at(ended) for pod in pods] == [1, 1]
    assert {lab.logs(pod).strip() for pod in pods} == {"no such table"}


@claim("WL-43")
def test_job_needs_a_restart_policy_and_keeps_its_template(lab):
    forgetful = "workloads/job/no-restart-policy.yaml"
    field = "spec.template.spec.restartPolicy"
    lab.refuses(lab.apply, forgetful, code=422, reason="Invalid", field=field)

    mended = lab.example(forgetful)[0]
    mended["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    lab.apply(mended)
    job = lab.becomes("job/forgetful", complete, within=90)
    (pod,) = lab.get(f"pods {JOB_NAME}=forgetful")
    assert lab.logs(pod).strip() == "42 orders, 3 returns"

    other = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}
    lab.refuses(lab.patch, job, other, code=422, reason="Invalid", field="spec.template")
    lab.patch(job, {"spec": {"ttlSecondsAfterFinished": 3600}})


@claim("WL-44")
def test_finished_job_is_deleted_with_its_pod_after_its_time_to_live(lab):
    lab.apply(EXAMPLE)
    with lab.watching("jobs") as seen:  # it is there for a few seconds only
        lab.apply("workloads/job/ttl.yaml")
        lab.becomes("job/report", complete, within=90)
        lab.becomes("job/tidy", ABSENT, within=150)

    assert any(job.name == "tidy" and complete(job) for jobs in seen.history for job in jobs)
    lab.becomes(f"pods {JOB_NAME}=tidy", lambda pods: pods == [])

    assert complete(lab.get("job/report"))
    assert len(lab.get(f"pods {JOB_NAME}=report")) == 1
