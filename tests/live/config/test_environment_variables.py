"""The sentences of the lesson on environment variables."""

from k8s_basic.live import claim, is_ready

PLAIN = "config/environment-variables/env-plain.yaml"
ORDER = "config/environment-variables/env-order.yaml"
SUCCEEDED = {"status": {"phase": "Succeeded"}}


@claim("CF-16")
def test_plain_values_reach_the_process_and_a_bare_number_is_refused(lab):
    unquoted = lab.example(PLAIN)
    unquoted[0]["spec"]["containers"][0]["env"][1]["value"] = 3306
    refused = {"code": 400, "reason": "BadRequest", "text": "cannot unmarshal number"}
    lab.refuses(lab.apply, unquoted, **refused)

    # the same Pod with quotes
    lab.apply(PLAIN)
    pod = lab.becomes("pod/env-plain", is_ready)

    assert lab.exec(pod, "printenv", "DB_HOST", "DB_PORT") == "db.example.com\n3306\n"


@claim("CF-15")
def test_references_in_arguments_are_replaced_without_a_shell(lab):
    lab.apply("config/environment-variables/env-args.yaml")

    pod = lab.becomes("pod/env-args", SUCCEEDED)

    assert lab.logs(pod) == "--host=db.example.com --port=3306 --dollar=$DB_HOST\n"


@claim("CF-32")
def test_reference_to_a_variable_defined_further_down_stays_as_it_is_written(lab):
    mended = lab.example(ORDER)
    mended[0]["metadata"]["name"] = "mended"
    env = mended[0]["spec"]["containers"][0]["env"]
    env.append(env.pop(0))

    lab.apply(ORDER)
    lab.apply(mended)

    broken, whole = (lab.becomes(f"pod/{name}", SUCCEEDED) for name in ("env-order", "mended"))
    assert lab.logs(broken) == "mysql://$(DB_HOST):$(DB_PORT)/shop\n"
    assert lab.logs(whole) == "mysql://db.example.com:3306/shop\n"
