"""What is planned and has no effect yet is told; what has one is not."""

from pipelines.event import Event, EventKind
from pipelines.planner import make_plan
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.trusted import TRUST_WORDS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.unacted import unacted


def told(text: str) -> list[str]:
    others = {f".headrace/{name}.yaml": b"steps: {a: {image: x}}" for name in ("docs", "test")}
    files = {".headrace/build.yaml": text.encode(), **others}
    includable = {"ci/common.yaml": b"environment: {A: b}"}
    plan = make_plan(files, Event(kind=EventKind.MANUAL), trust=frozenset(TRUST_WORDS), includable=includable)
    assert not plan.has_errors
    return unacted(plan)


def test_keys_are_told_with_their_places() -> None:
    lines = told(
        """
labels: {os: linux}
services: {db: {image: x}}
steps:
  a: {image: x, cache: c, commands: c}
  b: {image: x, cache: c, artifacts: {paths: p, expire: 1d}}
"""
    )
    assert lines == [
        "`labels` has no effect yet: build",
        "`cache` has no effect yet: build > a, build > b",
        "`artifacts.expire` has no effect yet: build > b",
    ]


def test_what_does_not_run_is_not_told_of() -> None:
    assert told("steps: {a: {image: x, cache: c, when: {event: tag}}, b: {image: x}}") == []


def test_what_is_as_it_would_be_anyway_is_not_told_of() -> None:
    assert told("steps: {a: {image: x, pull: false, approval: no}}") == []


def test_many_places_are_counted() -> None:
    steps = ", ".join(f"s{number}: {{image: x, cache: c}}" for number in range(8))
    (line,) = told(f"steps: {{{steps}}}")
    assert line.endswith("build > s3, build > s4 and 3 more")


def test_each_key_without_effect_is_told_of_in_its_own_example() -> None:
    """As the table says so, and the plan has it."""
    for keys in (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS):
        for key in keys.known:
            if not key.acted_on:
                assert any(line.startswith(f"`{key.name}` ") for line in told(key.example)), key.name


def test_keys_with_effect_are_not_told_of_in_their_examples() -> None:
    for keys in (WORKFLOW_KEYS, STEP_KEYS):
        for key in keys.known:
            if key.acted_on and key.example:
                assert not any(line.startswith(f"`{key.name}` ") for line in told(key.example)), key.name
