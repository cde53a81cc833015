"""The sentences of the lesson on Secrets."""

import base64
import json
import uuid

from k8s_basic.live import claim, is_ready, needs, reports
from k8s_basic.live.conditions import waits

OPAQUE = "config/secret/opaque.yaml"
USERNAME, PASSWORD = "shop", "correct-horse-battery"
SECRET = "secret/db-credentials"


def encoded(text):
    """Return the text in base64."""
    return base64.b64encode(text.encode()).decode()


@claim("CF-19", "CF-33", "CF-34")
def test_string_data_is_stored_encoded_and_apply_keeps_a_copy_in_clear(lab):
    lab.apply(OPAQUE)
    lab.apply("config/secret/encoded-twice.yaml")

    secret = lab.get(SECRET)
    with lab.proves("CF-19"):
        assert secret["data"] == {"username": encoded(USERNAME), "password": encoded(PASSWORD)}
        assert "stringData" not in secret
    with lab.proves("CF-33"):
        # what was base64 already is only text, and is encoded once more
        twice = lab.get("secret/encoded-twice").at("data.password")
        assert base64.b64decode(twice).decode() == encoded(PASSWORD)

    applied = "kubectl.kubernetes.io/last-applied-configuration"
    with lab.proves("CF-34"):
        copy = json.loads(secret["metadata"]["annotations"][applied])
        assert copy["stringData"]["password"] == PASSWORD
        # kubectl create leaves no such copy
        lab.run("kubectl create secret generic created --from-literal=password=" + PASSWORD)
        created = lab.get("secret/created")
        assert created["data"] == {"password": encoded(PASSWORD)}
        assert PASSWORD not in json.dumps(created)


@claim("CF-22")
def test_container_sees_the_decoded_bytes(lab):
    lab.apply(OPAQUE)
    lab.apply("config/secret/env.yaml")
    lab.apply("config/secret/files.yaml")

    with_variable = lab.becomes("pod/secret-env", is_ready)
    with_files = lab.becomes("pod/secret-files", is_ready)

    assert lab.exec(with_variable, "printenv", "DB_PASSWORD") == f"{PASSWORD}\n"
    folder = "/etc/credentials"
    assert lab.exec(with_files, "ls", folder).split() == ["password", "username"]
    assert lab.exec(with_files, "cat", f"{folder}/password") == PASSWORD
    assert lab.exec(with_files, "cat", f"{folder}/username") == USERNAME


@claim("CF-21")
def test_mounted_copy_is_in_memory_and_a_configmaps_is_not(lab):
    lab.apply(OPAQUE)
    lab.apply("config/secret/files.yaml")
    pod = lab.becomes("pod/secret-files", is_ready)

    mounts = [line.split() for line in lab.exec(pod, "cat", "/proc/mounts").splitlines()]
    kinds = {mount[1]: mount[2] for mount in mounts}
    assert kinds.get("/etc/credentials") == "tmpfs"
    assert kinds.get("/etc/config") not in {"tmpfs", None}
    written = lab.run("kubectl exec secret-files -- touch /etc/credentials/own")
    assert "read-only file system" in written.err.lower()


@claim("CF-23")
def test_describe_hides_the_values_of_a_secret_and_shows_those_of_a_configmap(lab):
    lab.apply(OPAQUE)
    lab.apply(lab.example("config/secret/files.yaml")[0])

    hidden = lab.run("kubectl describe secret db-credentials").out
    assert f"{len(PASSWORD)} bytes" in hidden
    assert f"{len(USERNAME)} bytes" in hidden
    assert PASSWORD not in hidden
    assert encoded(PASSWORD) not in hidden
    assert "db.example.com" in lab.run("kubectl describe configmap my-config").out


@claim("CF-17", "CF-18")
def test_whoever_may_get_the_secret_reads_it_and_rights_on_configmaps_do_not_help(lab):
    lab.apply(OPAQUE)
    lab.apply(lab.example("config/secret/files.yaml")[0])
    lab.apply("config/secret/rbac.yaml")

    def get(what, account):
        """Ask for an object as one of the two ServiceAccounts."""
        user = f"system:serviceaccount:{lab.namespace}:{account}"
        return lab.run(f"kubectl get {what} -o json --as={user}", timeout=30)

    def data_of(what, account):
        """Return the object's data as soon as the API server has seen the account's right."""
        read = lab.eventually(
            f"{account} may get {what}", lambda: get(what, account), lambda done: not done.code, 30
        )
        return json.loads(read.out)["data"]

    with lab.proves("CF-17"):
        data = data_of(SECRET, "secret-reader")
        assert base64.b64decode(data["password"]).decode() == PASSWORD
        assert base64.b64decode(data["username"]).decode() == USERNAME

    with lab.proves("CF-18"):
        settings = {"db_host": "db.example.com", "db_port": "3306"}
        assert data_of("configmap/my-config", "config-reader") == settings
        assert "(Forbidden)" in get(SECRET, "config-reader").err
        assert "(Forbidden)" in get("configmap/my-config", "secret-reader").err


@claim("CF-20")
@needs("control-plane")
def test_value_lies_readable_in_the_files_of_etcd(lab):
    marker, other = (f"marker-{uuid.uuid4().hex}" for _ in range(2))
    (secret,) = lab.example(OPAQUE)
    # sent in base64 only, so that no readable copy comes with it
    del secret["stringData"]
    secret["data"] = {"password": encoded(marker)}

    lab.apply(secret)
    lab.apply("config/secret/in-etcd.yaml")
    pod = lab.becomes("pod/etcd-search", is_ready)
    assert marker not in json.dumps(lab.get(SECRET))

    def found(text):
        """Return what the search of the page finds; etcd's files may be hundreds of megabytes."""
        search = f"kubectl exec {pod.name} -- grep -rshaoF {text} /etcd | sort -u"
        done = lab.run(search, timeout=180)
        assert done.code == 0, done.err
        return done.out

    assert found(marker) == f"{marker}\n"
    assert found(other) == ""


@claim("CF-31")
def test_secret_of_another_namespace_is_not_found(lab):
    other = lab.new_namespace("other")
    lab.apply(OPAQUE, namespace=other)
    lab.apply("config/secret/env.yaml")

    pod = lab.becomes("pod/secret-env", waits("CreateContainerConfigError"))
    lab.becomes("events", reports(pod, "Failed", 'secret "db-credentials" not found'))

    # with one of its own namespace it starts
    lab.apply(OPAQUE)
    started = lab.becomes(pod, is_ready, within=120)
    assert started.uid == pod.uid
