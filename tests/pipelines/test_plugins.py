"""Plugins on an administrator's list run privileged, and nothing else does."""

import pytest

from pipelines.event import Event
from pipelines.planner import make_plan


def privileged(text: str, *images: str) -> list[bool]:
    plan = make_plan({"a.yaml": text.encode()}, Event(), privileged_plugins=images)
    assert not plan.has_errors
    return [step.privileged for job in plan.jobs for step in job.steps]


@pytest.mark.parametrize("image", ["acme/build", "acme/build:3", "docker.io/acme/build"])
def test_plugin_on_the_list_runs_privileged(image: str) -> None:
    text = f"steps: {{a: {{image: '{image}', settings: {{tag: x}}}}, b: {{image: x, commands: x}}}}"
    assert privileged(text, "acme/build") == [True, False]
    assert privileged(text) == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        "steps: {a: {image: acme/build, commands: x}}",
        "steps: {a: {image: acme/build, entrypoint: [sh, -c, x]}}",
        "steps: {a: {image: acme/build, environment: {BASH_ENV: x}}}",
        "environment: {BASH_ENV: x}\nsteps: {a: {image: acme/build, settings: {tag: x}}}",
        "params: {BASH_ENV: {default: x}}\nsteps: {a: {image: acme/build, settings: {tag: x}}}",
        "steps: {a: {build: ., settings: {tag: x}}}",
        "steps: {a: {image: evil/acme/build, settings: {tag: x}}}",
    ],
)
def test_who_could_have_it_run_something_else_gets_no_privilege(text: str) -> None:
    assert privileged(text, "acme/build") == [False]


def test_outputs_of_its_own_job_take_the_privilege_and_those_of_others_do_not() -> None:
    """They are variables that the author has named, with values that the author writes."""
    write = "write: {image: x, commands: echo BASH_ENV=evil.sh >> $CI_OUTPUT, outputs: [BASH_ENV]}"
    plugin = "plugin: {image: acme/build, settings: {tag: x}}"
    assert privileged(f"steps: {{{write}, {plugin}}}", "acme/build") == [False, False]
    files = {"a.yaml": f"steps: {{{write}}}".encode(), "b.yaml": f"depends_on: a\nsteps: {{{plugin}}}".encode()}
    plan = make_plan(files, Event(), privileged_plugins=("acme/build",))
    assert [step.privileged for job in plan.jobs for step in job.steps] == [False, True]
