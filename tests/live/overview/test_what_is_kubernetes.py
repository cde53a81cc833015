"""What every cluster shares, and what a product adds to its own."""

from k8s_basic.live import claim

# As OpenShift has it; no other product knows the kind.
ROUTE = {
    "apiVersion": "route.openshift.io/v1",
    "kind": "Route",
    "metadata": {"name": "web"},
    "spec": {"to": {"kind": "Service", "name": "web"}},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


@claim("OV-20")
def test_group_apps_holds_the_five_kinds(lab):
    listed = lab.run("kubectl api-resources --api-group=apps -o name")

    assert listed.code == 0, listed.err
    assert {name.partition(".")[0] for name in listed.out.split()} == {
        "controllerrevisions",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
    }
    versions = {
        kind: lab.api.resource(kind).group_version for kind in ("deployments", "daemonsets")
    }
    assert set(versions.values()) == {"apps/v1"}


@claim("OV-21")
def test_kind_of_another_product_is_not_known(lab):
    unknown = lab.run("kubectl get routes.route.openshift.io")
    assert unknown.code != 0
    assert "routes" in unknown.err

    lab.refuses(lab.apply, [ROUTE], text='no matches for kind "Route"')

    [accepted] = lab.apply([SERVICE])
    assert accepted.at("spec.clusterIP")
