"""The sentences of the lesson on ConfigMaps as environment variables."""

from k8s_basic.live import claim, is_ready, reports
from k8s_basic.live.conditions import waits

ENV = "config/configmap/env.yaml"
OPTIONAL = "config/configmap/optional.yaml"
SUCCEEDED = {"status": {"phase": "Succeeded"}}


def variables(text, *prefixes):
    """Return the variables with one of these prefixes that `env` has printed."""
    return dict(v.split("=", 1) for v in text.splitlines() if v.lower().startswith(prefixes))


@claim("CF-1")
def test_every_key_becomes_a_variable(lab):
    lab.apply(ENV)

    pod = lab.becomes("pod/my-app", SUCCEEDED)

    config = {"db_host": "db.example.com", "db_port": "3306"}
    assert variables(lab.logs(pod), "db", "x_") == config
    assert lab.get("configmap/my-config")["data"] == config


@claim("CF-2")
def test_bare_number_is_refused_as_a_value(lab):
    unquoted = lab.example(ENV)[:1]
    unquoted[0]["data"]["db_port"] = 3306
    refused = {"code": 400, "reason": "BadRequest", "text": "cannot unmarshal number"}
    lab.refuses(lab.apply, unquoted, **refused)

    lab.apply(lab.example(ENV)[:1])
    assert lab.get("configmap/my-config").at("data.db_port") == "3306"


@claim("CF-3")
def test_one_key_under_another_name(lab):
    lab.apply("config/configmap/env-key.yaml")

    pod = lab.becomes("pod/one-key", SUCCEEDED)

    assert variables(lab.logs(pod), "db", "database") == {"DATABASE_HOST": "db.example.com"}


@claim("CF-4")
def test_missing_configmap_holds_the_container_until_it_is_there(lab):
    lab.apply("config/configmap/missing.yaml")
    before = lab.becomes("pod/waits-for-config", waits("CreateContainerConfigError"))
    lab.becomes("events", reports(before, "Failed", 'configmap "late-config" not found'))

    lab.run("kubectl create configmap late-config --from-literal=GREETING=hello")
    after = lab.becomes(before, is_ready, within=120)

    assert after.uid == before.uid
    assert lab.exec(after, "printenv", "GREETING") == "hello\n"


@claim("CF-5")
def test_optional_configmap_may_be_missing(lab):
    lab.apply(OPTIONAL)
    pod = lab.becomes("pod/starts-anyway", is_ready)
    assert lab.run("kubectl exec starts-anyway -- printenv GREETING").code == 1

    # where it is there, it is used
    lab.run("kubectl create configmap maybe-config --from-literal=GREETING=hello")
    later = lab.example(OPTIONAL)
    later[0]["metadata"]["name"] = "starts-later"
    lab.apply(later)
    with_config = lab.becomes("pod/starts-later", is_ready)

    assert lab.exec(with_config, "printenv", "GREETING") == "hello\n"
    # the first one has run without it all along, and does not get it any more
    assert lab.get(pod.reference).uid == pod.uid
    assert lab.run("kubectl exec starts-anyway -- printenv GREETING").code == 1


@claim("CF-14")
def test_data_ends_at_one_mebibyte(lab):
    lab.apply(lab.example(ENV)[:1])
    limit = 1024 * 1024

    def holding(size):
        """Return a patch that leaves one value of so many bytes."""
        return {"data": {"db_host": None, "db_port": None, "big.txt": "x" * size}}

    too_long = {"code": 422, "reason": "Invalid", "text": f"too long.*{limit}"}
    lab.refuses(lab.patch, "configmap/my-config", holding(limit + 1), **too_long)
    assert lab.get("configmap/my-config").at("data.db_port") == "3306"

    full = lab.patch("configmap/my-config", holding(limit))
    assert len(full["data"]["big.txt"]) == limit
