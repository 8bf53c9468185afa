"""Keys that reach out of a container are for repositories that are trusted with it."""

import pytest

from pipelines.event import Event
from pipelines.planner import make_plan
from pipelines.syntax.steps import STEP_KEYS
from pipelines.syntax.trusted import TRUST_BY_KEY, TRUST_WORDS


def complaints(step: str, *trust: str) -> list[str]:
    text = f"steps:\n  a:\n    image: x\n    {step}\n".encode()
    return [str(problem) for problem in make_plan({"a.yaml": text}, Event(), trust=frozenset(trust)).problems]


KEYS = [
    ("volumes: /a:/b", "volumes"),
    ("devices: /dev/kvm", "volumes"),
    ("tmpfs: /tmp", "volumes"),
    ("privileged: true", "security"),
    ("dns: 192.0.2.1", "network"),
    ("dns_search: example.org", "network"),
    ("extra_hosts: ['a:192.0.2.1']", "network"),
    ("network_mode: host", "network"),
]


@pytest.mark.parametrize(("step", "needed"), KEYS)
def test_key_needs_its_trust(step: str, needed: str) -> None:
    key = step.partition(":")[0]
    others = set(TRUST_WORDS) - {needed}
    hint = f"an administrator can allow it; `headrace run` and `plan` take `--trust {needed}`"
    expected = f"a.yaml:4:5: `steps.a.{key}` needs a repository that is trusted with {needed} ({hint})"
    assert complaints(step, *others) == [expected]
    assert complaints(step, needed) == []


def test_every_key_that_needs_trust_is_tried_here() -> None:
    assert {step.partition(":")[0] for step, _ in KEYS} == TRUST_BY_KEY.keys() <= set(STEP_KEYS.names)


@pytest.mark.parametrize("step", ["network_mode: none", "privileged: false", "volumes: []"])
def test_nothing_is_needed_for_what_gives_nothing(step: str) -> None:
    assert complaints(step) == []


def test_services_and_steps_of_a_clone_need_it_too() -> None:
    text = b"""
clone: {fetch: {image: x, volumes: /a:/b}}
services: {db: {image: x, privileged: true}}
steps: {a: {image: x}}
"""
    plan = make_plan({"a.yaml": text}, Event())
    assert [problem.path for problem in plan.problems] == ["clone.fetch.volumes", "services.db.privileged"]
