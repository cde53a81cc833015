"""The sentences of the lesson on ConfigMaps as files."""

import pytest
from k8s_basic.live import claim, is_ready, ready, reports

ITEMS = "config/configmap-files/configmap-items.yaml"
OVER = "config/configmap-files/configmap-over-directory.yaml"
FROZEN = "config/configmap-files/configmap-immutable.yaml"
GREETERS = "pods app=greeter"


@claim("CF-6")
def test_key_is_the_file_name_and_value_its_content(lab):
    lab.apply("config/configmap-files/configmap-file.yaml")

    pod = lab.becomes("pod/config-file", is_ready)

    assert lab.exec(pod, "ls", "/etc/config") == "my-config-file.txt\n"
    text = lab.exec(pod, "cat", "/etc/config/my-config-file.txt")
    assert text == "key1=value1\nkey2=value2\n"


@claim("CF-7", "CF-35")
def test_items_select_and_rename_and_without_them_every_key_is_a_file(lab):
    lab.apply(ITEMS)
    absent = lab.example(ITEMS)
    absent[1]["metadata"]["name"] = "absent-key"
    items = [{"key": "no-such-key", "path": "settings.txt"}]
    source = {"name": absent[0]["metadata"]["name"], "items": items}
    absent[1]["spec"]["volumes"][0]["configMap"] = source
    lab.apply(absent)

    pod = lab.becomes("pod/my-pod", is_ready)

    with lab.proves("CF-7"):
        assert lab.exec(pod, "ls", "/path/to/config") == "settings.txt\n"
        assert lab.exec(pod, "ls", "/path/to/all").split() == ["logging.conf", "my-config-file.txt"]
        text = "key1=value1\nkey2=value2\n"
        assert lab.exec(pod, "cat", "/path/to/config/settings.txt") == text
        assert lab.exec(pod, "cat", "/path/to/all/my-config-file.txt") == text
        assert lab.exec(pod, "cat", "/path/to/all/logging.conf") == "level=info\n"
    with lab.proves("CF-35"):
        lab.becomes("events", reports(lab.get("pod/absent-key"), "FailedMount"))
        assert not lab.get("pod/absent-key").is_ready


@claim("CF-8")
def test_mount_hides_what_the_image_had_in_the_directory(lab):
    one_file = lab.example(OVER)
    one_file[1]["metadata"]["name"] = "one-file"
    (mount,) = one_file[1]["spec"]["containers"][0]["volumeMounts"]
    mount |= {"mountPath": f"{mount['mountPath']}/status.html", "subPath": "status.html"}

    lab.apply(OVER)
    lab.apply(one_file[1])
    hidden = lab.becomes("pod/over-directory", is_ready)
    beside = lab.becomes("pod/one-file", is_ready)

    site = "http://{}/{}"
    assert lab.http(site.format(hidden.at("status.podIP"), "status.html")).body == "all good\n"
    lab.http(site.format(hidden.at("status.podIP"), ""), status=403)
    assert lab.exec(hidden, "ls", "/usr/share/nginx/html") == "status.html\n"
    # mounted as one file, it leaves the image's own page in place
    assert lab.http(site.format(beside.at("status.podIP"), "status.html")).body == "all good\n"
    assert "nginx" in lab.http(site.format(beside.at("status.podIP"), "")).body


@claim("CF-9", "CF-10", "CF-11", "CF-12")
@pytest.mark.slow
def test_mounted_file_follows_an_update_and_the_other_two_wait_for_a_new_pod(lab):
    lab.apply("config/configmap-files/configmap-update.yaml")
    (before,) = lab.becomes(GREETERS, ready(1))
    lab.logged(before, "file=hello env=hello subPath=hello")

    update = """'{"data":{"message":"goodbye"}}'"""
    patched = lab.run(f"kubectl patch configmap greeting --type=merge -p {update}")
    assert patched.code == 0, patched.err
    with lab.proves("CF-9"):
        log = lab.logged(before, "file=goodbye", within=180)
        (same,) = lab.get(GREETERS)
        assert same.uid == before.uid
        assert same.at("status.containerStatuses.0.restartCount") == 0
    # one line shows all three at one instant
    line = next(line for line in log.splitlines() if "file=goodbye" in line)
    with lab.proves("CF-10"):
        assert "env=hello" in line
        assert "env=goodbye" not in lab.logs(same)
    with lab.proves("CF-11"):
        assert "subPath=hello" in line

    lab.run("kubectl rollout restart deployment/greeter")
    with lab.proves("CF-12"):
        (after,) = lab.becomes(GREETERS, ready(1), within=120, without=before)
        lab.logged(after, "file=goodbye env=goodbye subPath=goodbye")
        assert "hello" not in lab.logs(after)


@claim("CF-13")
def test_immutable_data_can_only_be_deleted(lab):
    lab.apply(FROZEN)
    frozen = "configmap/frozen-config"
    refused = {"code": 422, "reason": "Invalid"}

    changed = {"data": {"db_host": "other.example.com"}}
    lab.refuses(lab.patch, frozen, changed, **refused, field="data", text="is immutable")
    lab.refuses(lab.patch, frozen, {"immutable": False}, **refused, field="immutable")
    lab.refuses(lab.patch, frozen, {"immutable": None}, **refused, field="immutable")

    labeled = lab.label(frozen, {"checked": "yes"})
    assert labeled.get("data") == {"db_host": "db.example.com"}
    # the same change is taken where nothing is frozen
    lab.delete(frozen, wait=True)
    thawed = lab.example(FROZEN)
    thawed[0]["immutable"] = False
    lab.apply(thawed)
    assert lab.patch(frozen, changed)["data"] == changed["data"]
