"""The sentences of the lesson on probes."""

from datetime import datetime

from k8s_basic.content.tables import coded_rows
from k8s_basic.live import Condition, claim, is_ready, ready, reports
from k8s_basic.live.conditions import endpoints_of

EXEC = "developer/probes/readiness-exec.yaml"
BROKEN = "developer/probes/readiness-http-broken.yaml"
PODS = "pods app=web"
URL = "http://web/hostname"


def restarts(pod):
    return pod.at("status.containerStatuses.0.restartCount")


def runs_unready(pod):
    """The Pod runs, is not Ready, and no container of it has restarted."""
    condition = (pod.condition("Ready") or {}).get("status")
    return pod.at("status.phase") == "Running" and condition == "False" and restarts(pod) == 0


def failures(events, pod):
    """Return how often the kubelet has reported that a probe of this Pod failed."""
    return sum(
        event.get("count") or 1
        for event in events
        if event["reason"] == "Unhealthy" and event.at("involvedObject.uid") == pod.uid
    )


def probed_again(pod, more_than):
    """Return a condition: a probe of this Pod has failed more often than so many times."""

    def condition(events):
        return failures(events, pod) > more_than

    return Condition(f"more than {more_than} failed probes of {pod.name}", condition)


def complains(pod, *texts):
    """Return a condition: an event says that a probe of this Pod failed, with all these texts."""
    return reports(pod, "Unhealthy", *texts)


def takes_traffic(*pods):
    """Return a condition: the EndpointSlices know both Pods, and just these are ready."""
    wanted = {pod.name for pod in pods}

    def condition(slices):
        every = endpoints_of(slices)
        able = {e["targetRef"]["name"] for e in every if e["conditions"].get("ready")}
        return len(every) == 2 and able == wanted

    return Condition(f"two endpoints, of which {sorted(wanted)} are ready", condition)


def answers_come_from(lab, *pods):
    """Ask until exactly these Pods answer: kube-proxy takes up a change a little later."""
    lab.eventually(
        f"answers come from {sorted(pod.name for pod in pods)}",
        lambda: {answer.body.strip() for answer in lab.http_many(URL, 20)},
        lambda seen: seen == {pod.name for pod in pods},
    )


def is_refused(lab):
    """Ask until the connection is refused: the name and the rules are there a little later."""
    refused = "the connection is refused"
    lab.eventually(refused, lambda: lab.http(URL, status=0).body, lambda told: "curl: (7)" in told)


@claim("PR-1", "PR-2", "PR-3", "PR-11")
def test_only_pods_whose_readiness_probe_passes_get_traffic(lab):
    lab.client  # noqa: B018  # first: the kubelet tells of a Pod 25 times, and then no more
    lab.apply(EXEC)
    slices = "endpointslices kubernetes.io/service-name=web"

    def both_run_unready(pods):
        """Two Pods that run and are not Ready."""
        return len(pods) == 2 and all(map(runs_unready, pods))

    one, two = lab.becomes(PODS, both_run_unready)
    with lab.proves("PR-11"):
        lab.becomes(slices, takes_traffic())
        is_refused(lab)

    lab.exec(one, "touch", "/tmp/ready")
    lab.becomes(one, is_ready)
    with lab.proves("PR-1"):
        so_far = failures(lab.get("events"), two)
        lab.stays(two, runs_unready, seconds=15, control=("events", probed_again(two, so_far)))
        lab.becomes(slices, takes_traffic(one))
        lab.http(URL)
        answers_come_from(lab, one)
        assert {answer.body.strip() for answer in lab.http_many(URL, 20)} == {one.name}

    lab.exec(two, "touch", "/tmp/ready")
    with lab.proves("PR-2"):
        lab.becomes(two, is_ready)
        answers_come_from(lab, one, two)

    lab.exec(one, "rm", "/tmp/ready")
    with lab.proves("PR-3"):
        lab.becomes(one, runs_unready)
        lab.becomes(slices, takes_traffic(two))
        answers_come_from(lab, two)
        assert restarts(lab.get(two.reference)) == 0


@claim("PR-4")
def test_fields_of_a_probe_have_the_defaults_of_the_table(lab):
    lab.apply("developer/probes/readiness-defaults.yaml")

    pod = lab.becomes("pod/readiness-defaults", is_ready)

    probe = pod.at("spec.containers.0.readinessProbe")
    for language, rows in coded_rows("developer/probes", "fields").items():
        # a field whose default is 0 is left out of the answer
        seen = {name: str(probe.get(name, 0)) for name in rows}
        assert seen == {name: cells[0] for name, cells in rows.items()}, language
        assert set(rows) >= {name for name in probe if name != "httpGet"}, language
    assert probe["httpGet"]["path"] == "/"


@claim("PR-5", "PR-6")
def test_http_probe_judges_by_status_code_and_waits_its_initial_delay(lab):
    lab.apply("developer/probes/readiness-http.yaml")
    status_500, wrong_port = lab.apply(BROKEN)
    variants = []
    for code in (399, 400):
        variant = lab.example(BROKEN)[0]
        variant["metadata"]["name"] = f"status-{code}"
        asked = {"path": f"/echo?msg=hello&code={code}", "port": 8080}
        probe = {"httpGet": asked, "initialDelaySeconds": 5, "periodSeconds": 5}
        variant["spec"]["containers"][0]["readinessProbe"] = probe
        variants.append(variant)
    _, status_400 = lab.apply(variants)

    pod = lab.becomes("pod/readiness-http", is_ready)
    with lab.proves("PR-5"):
        lab.becomes("pod/status-399", is_ready)
        lab.becomes("events", complains(status_500, "statuscode: 500"))
        lab.becomes("events", complains(status_400, "statuscode: 400"))
        lab.becomes("events", complains(wrong_port, ":9090", "connection refused"))

        # the events may be there before the status
        for failing in (status_500, status_400, wrong_port):
            unready = lab.becomes(failing, runs_unready)
        # the program itself answers, on the port that the probe should have asked
        address = unready.at("status.podIP")
        lab.http(f"http://{address}:8080/healthz")

    with lab.proves("PR-6"):
        started = pod.at("status.containerStatuses.0.state.running.startedAt")
        became = pod.condition("Ready")["lastTransitionTime"]
        waited = datetime.fromisoformat(became) - datetime.fromisoformat(started)
        assert waited.total_seconds() >= 5


@claim("PR-7")
def test_tcp_probe_asks_for_no_more_than_an_open_port(lab):
    closed = lab.example("developer/probes/readiness-tcp.yaml")[0]
    closed["metadata"]["name"] = "closed"
    closed["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8081}}
    lab.apply("developer/probes/readiness-tcp.yaml")
    (closed,) = lab.apply(closed)

    pod = lab.becomes("pod/readiness-tcp", is_ready)
    lab.becomes("events", complains(closed, "connection refused"))

    lab.becomes(closed, runs_unready)
    lab.http(f"http://{pod.at('status.podIP')}:8080/healthz", status=500)


@claim("PR-8")
def test_grpc_probe_asks_the_health_service(lab):
    lab.apply("developer/probes/readiness-grpc.yaml")
    pod = lab.becomes("pod/readiness-grpc", is_ready)

    lab.http(f"http://{pod.at('status.podIP')}:8080/make-not-serving")

    lab.becomes(pod, runs_unready)
    lab.becomes("events", complains(pod, "NOT_SERVING"))


@claim("PR-12")
def test_rollout_waits_for_the_readiness_of_the_new_pod(lab):
    lab.apply("developer/probes/readiness-rollout.yaml")
    before = lab.becomes("pods app=shop", ready(2))
    lab.http("http://shop/hostname")

    # the new version listens where neither the probe nor the Service asks
    lab.run("kubectl set env deployment/shop PORT=9090")

    def probe_fails(events):
        """The kubelet reports that the new Pod's probe fails."""
        new = [pod for pod in lab.get("pods app=shop") if pod.uid not in before.uids]
        return any(failures(events, pod) for pod in new)

    lab.becomes("events", probe_fails)
    new = next(pod for pod in lab.get("pods app=shop") if pod.uid not in before.uids)
    so_far = failures(lab.get("events"), new)

    def old_pods_serve(pods):
        """Both old Pods are Ready, and beside them is one new Pod that is not."""
        return pods.ready.uids == before.uids and pods.uids - before.uids == {new.uid}

    lab.stays(
        "pods app=shop", old_pods_serve, seconds=15, control=("events", probed_again(new, so_far))
    )
    stuck = lab.becomes("deployment/shop", {"status": {"updatedReplicas": 1}})
    assert stuck.at("status.availableReplicas") == 2
    answers = {answer.body.strip() for answer in lab.http_many("http://shop/hostname", 20)}
    assert answers <= before.names
    assert answers

    # the same change together with the probe is rolled out
    lab.run("kubectl set env deployment/shop PORT=8080 VERSION=v2")
    lab.becomes("pods app=shop", ready(2), without=before, within=120)
