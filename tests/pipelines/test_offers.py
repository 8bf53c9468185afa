"""Which steps may have which secrets: what they can't have is a problem before anything runs."""

import pytest

from pipelines.event import Event
from pipelines.images import is_image
from pipelines.offers import Offer, Offers
from pipelines.plan import Plan
from pipelines.planner import make_plan

EVERYBODY = Offer(name="token")
PLUGINS = Offer(name="token", images=("acme/deploy", "registry.example.org:5000/push:2"))


def planned(text: str, *offers: Offer, event: Event | None = None) -> Plan:
    secrets = Offers(each=offers, hint="`headrace secret list` shows which there are")
    return make_plan({"a.yaml": text.encode()}, event or Event(branch="main"), secrets=secrets)


def complaints(text: str, *offers: Offer) -> list[str]:
    return [problem.message for problem in planned(text, *offers).problems]


ASKS = "environment: {A: {from_secret: TOKEN}}, commands: x"


def test_missing_secret_is_a_problem_at_its_step() -> None:
    [problem] = planned(f"steps:\n  a: {{image: x, {ASKS}}}\n").problems
    assert str(problem) == (
        'a.yaml:2:6: step "a" can\'t have the secret "TOKEN": there is none of that name '
        "(`headrace secret list` shows which there are)"
    )
    assert problem.path == "steps.a"


def test_file_that_asks_for_a_missing_secret_gives_no_job() -> None:
    plan = planned(f"steps:\n  a: {{image: x, {ASKS}}}\n")
    assert (plan.has_errors, plan.jobs) == (True, ())


def test_names_mean_the_same_in_any_case() -> None:
    assert complaints(f"steps: {{a: {{image: x, {ASKS}}}}}", EVERYBODY) == []


def test_refusal_is_told_with_its_reason() -> None:
    refused = Offer(name="token", refusal="it is for push, not for tag")
    assert complaints(f"steps: {{a: {{image: x, {ASKS}}}}}", refused) == [
        'step "a" can\'t have the secret "TOKEN": it is for push, not for tag'
    ]


def test_every_step_is_told_of() -> None:
    text = f"""
services: {{db: {{image: x, environment: {{A: {{from_secret: one}}}}}}}}
clone: {{fetch: {{image: x, {ASKS}}}}}
steps:
  plugin: {{image: x, settings: {{deep: [{{down: {{from_secret: two}}}}]}}}}
  built: {{build: ., environment: {{A: {{from_secret: three}}}}, commands: x}}
"""
    assert sorted(message.split(": ")[0] for message in complaints(text)) == [
        'step "built" can\'t have the secret "three"',
        'step "db" can\'t have the secret "one"',
        'step "fetch" can\'t have the secret "TOKEN"',
        'step "plugin" can\'t have the secret "two"',
    ]


def test_variables_of_the_whole_workflow_ask_for_every_step() -> None:
    text = "environment: {A: {from_secret: one}}\nsteps: {a: {image: x, commands: x}, b: {image: x, commands: x}}"
    assert len(complaints(text)) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"steps: {{a: {{image: x, commands: x}}, b: {{image: x, when: {{event: tag}}, {ASKS}}}}}",
        f"when: {{event: tag}}\nsteps: {{b: {{image: x, {ASKS}}}}}",
    ],
)
def test_what_does_not_run_asks_for_nothing(text: str) -> None:
    assert complaints(text) == []


def test_plan_that_nobody_is_to_carry_out_needs_no_secrets() -> None:
    text = f"steps: {{a: {{image: x, {ASKS}}}}}".encode()
    assert make_plan({"a.yaml": text}, Event()).problems == ()


@pytest.mark.parametrize("image", ["acme/deploy", "acme/deploy:1.4", "docker.io/acme/deploy:latest"])
def test_plugin_of_an_allowed_image_may_have_it(image: str) -> None:
    assert complaints(f"steps: {{a: {{image: '{image}', settings: {{key: {{from_secret: token}}}}}}}}", PLUGINS) == []


@pytest.mark.parametrize("image", ["acme/deploy2", "evil/acme/deploy", "evil.example.org/acme/deploy"])
def test_plugin_of_another_image_may_not(image: str) -> None:
    [message] = complaints(f"steps: {{a: {{image: '{image}', settings: {{k: {{from_secret: token}}}}}}}}", PLUGINS)
    assert f"it is for acme/deploy or registry.example.org:5000/push:2, not for {image}" in message


@pytest.mark.parametrize(
    "text",
    [
        "steps: {a: {image: acme/deploy, environment: {KEY: {from_secret: token}}, commands: env}}",
        "steps: {a: {image: acme/deploy, environment: {KEY: {from_secret: token}}}}",
        "steps: {a: {image: acme/deploy, environment: {KEY: {from_secret: token}}, entrypoint: [sh, -c, env]}}",
        "services: {a: {image: acme/deploy, environment: {KEY: {from_secret: token}}}}\nsteps: {b: {image: x}}",
        "environment: {BASH_ENV: ./evil.sh}\nsteps: {a: {image: acme/deploy, settings: {key: {from_secret: token}}}}",
        "params: {BASH_ENV: {default: ./e}}\nsteps: {a: {image: acme/deploy, settings: {key: {from_secret: token}}}}",
        "steps: {a: {build: ., settings: {key: {from_secret: token}}}}",
        "steps: {w: {image: x, outputs: [BASH_ENV]}, a: {image: acme/deploy, settings: {key: {from_secret: token}}}}",
    ],
)
def test_who_could_have_the_image_run_something_else_may_not(text: str) -> None:
    """Each would let an author print what is for the image alone."""
    [message] = complaints(text, PLUGINS)
    assert "it is for plugins of acme/deploy" in message


@pytest.mark.parametrize(
    ("image", "allowed", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b:1", "a/b", True),
        ("a/b:1", "a/b:1", True),
        ("a/b", "a/b:1", False),
        ("a/b:2", "a/b:1", False),
        ("a/b@sha256:0f", "a/b", True),
        ("a/b:1@sha256:0f", "a/b", True),
        ("localhost:5000/b", "localhost", False),
        ("localhost:5000/b:1", "localhost:5000/b", True),
        ("docker.io/library/alpine", "alpine", True),
        ("alpine", "index.docker.io/library/alpine", True),
        ("evil/library/alpine", "alpine", False),
    ],
)
def test_image_is_the_one_that_is_allowed(image: str, allowed: str, expected: bool) -> None:  # noqa: FBT001
    assert is_image(image, allowed) is expected
