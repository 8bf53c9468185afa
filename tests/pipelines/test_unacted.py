"""What is planned and has no effect is told, as a warning of the plan; what has one is not."""

import pytest

from pipelines.event import Event, EventKind, System
from pipelines.lint import lint
from pipelines.plan import Plan
from pipelines.planner import make_plan
from pipelines.problems import Level
from pipelines.reading.library import Library
from pipelines.syntax.keys import Effect, Key
from pipelines.syntax.results import EXPIRE
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.trusted import TRUST_WORDS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.unacted import is_idle
from tests.pipelines.shelf import SHELF

ON_SERVER = Event(kind=EventKind.MANUAL, system=System(platform="linux/amd64"))
HERE = Event(kind=EventKind.MANUAL, system=System(platform="linux/amd64"), local=True)
KEYS = [key for each in (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS) for key in each.known if not key.old]


def planned(text: str, event: Event = ON_SERVER) -> Plan:
    others = {f".headrace/{name}.yaml": b"steps: {a: {image: x}}" for name in ("docs", "test")}
    files = {".headrace/build.yaml": text.encode(), **others}
    plan = make_plan(files, event, trust=frozenset(TRUST_WORDS), library=SHELF)
    assert not plan.has_errors
    return plan


def told(text: str, event: Event = ON_SERVER) -> list[str]:
    problems = planned(text, event).problems
    assert all(problem.level is Level.WARNING for problem in problems)
    return [str(problem) for problem in problems]


def test_keys_are_told_at_their_first_places() -> None:
    assert told(
        """
services: {db: {image: x}}
steps:
  a: {image: x, cache: c, commands: c}
  b:
    image: x
    cache: c
    reports: {junit: j}
"""
    ) == [
        ".headrace/build.yaml:4:17: `steps.a.cache` has no effect yet, nor at one more place",
        ".headrace/build.yaml:8:5: `steps.b.reports` has no effect yet",
    ]


def test_key_in_an_included_file_is_told_there() -> None:
    files = {".headrace.yaml": b"include: ci/base.yaml\nsteps: {a: {image: x}}"}
    includable = {"ci/base.yaml": b"\nsteps:\n  b: {image: x, cache: c}"}
    (problem,) = make_plan(files, ON_SERVER, library=Library(files=includable)).problems
    assert str(problem) == "ci/base.yaml:3:17: `steps.b.cache` has no effect yet"


def test_time_to_keep_artifacts_is_told_of_if_it_is_idle() -> None:
    lines = told("steps: {a: {image: x, artifacts: {paths: p, expire: 1d}}}")
    assert [".headrace/build.yaml:1:23: `steps.a.artifacts.expire` has no effect yet"] * is_idle(
        EXPIRE.effect, local=False
    ) == lines


def test_what_does_not_run_is_not_told_of() -> None:
    assert told("steps: {a: {image: x, cache: c, when: {event: tag}}, b: {image: x}}") == []
    assert told("when: {event: tag}\nsteps: {a: {image: x, cache: c}}") == []


def test_what_is_as_it_would_be_anyway_is_not_told_of() -> None:
    assert told("steps: {a: {image: x, pull: false, approval: no}}") == []


def test_label_of_the_platform_that_the_run_has_is_not_told_of() -> None:
    assert told("labels: {platform: linux/amd64}\nsteps: {a: {image: x}}", HERE) == []
    (line,) = told("\nlabels: {platform: linux/arm64}\nsteps: {a: {image: x}}", HERE)
    assert line.startswith(".headrace/build.yaml:2:1: `labels` has no effect")


def test_many_places_are_counted_and_cells_are_not() -> None:
    steps = ", ".join(f"s{number}: {{image: x, cache: c}}" for number in range(8))
    (line,) = told(f"matrix: {{N: [1, 2]}}\nsteps: {{{steps}}}")
    assert line.endswith("`steps.s0.cache` has no effect yet, nor at 7 more places")


def test_what_only_servers_act_on_is_idle_in_local_runs() -> None:
    assert [is_idle(effect, local=True) for effect in Effect] == [False, True, True]
    assert [is_idle(effect, local=False) for effect in Effect] == [False, False, True]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_lint_tells_of_a_key_that_has_no_effect_anywhere(key: Key) -> None:
    """As its example has it, for whatever event that is, and of no other key."""
    files = {".headrace/build.yaml": key.example.encode()}
    found = lint(files, library=SHELF, is_whole_run=False).problems
    about_it = [each for each in found if f"{key.name}` has no effect yet" in each.message]
    assert len(about_it) == is_idle(key.effect, local=False)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_key_is_told_of_in_its_own_example_if_it_is_idle(key: Key) -> None:
    """As the table says so, and the plan has it."""
    lines = told(key.example, HERE)
    about_it = [line for line in lines if f".{key.name}` has no effect" in line or f" `{key.name}` has no eff" in line]
    assert len(about_it) == is_idle(key.effect, local=True)
