"""The example workflows are right, and run on the events they are for."""

from pathlib import Path

import pytest

import pipelines
from pipelines.event import Event, EventKind
from pipelines.planner import make_plan

EXAMPLES = sorted((Path(pipelines.__file__).parent / "examples").glob("*.yaml"))
EVENTS = {
    "push": Event(ref="refs/heads/main", branch="main"),
    "tag": Event(kind=EventKind.TAG, ref="refs/tags/v1"),
}


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"go", "graph", "hello", "python"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_no_problems_and_runs_on_a_push(path: Path) -> None:
    plan = make_plan({f".headrace/{path.name}": path.read_bytes()}, EVENTS["push"])
    assert plan.problems == ()
    assert [job.name for job in plan.included_jobs] == [path.stem]


def steps_of(name: str, event: str) -> dict[str, tuple[str, ...]]:
    path = next(path for path in EXAMPLES if path.stem == name)
    (job,) = make_plan({f".headrace/{path.name}": path.read_bytes()}, EVENTS[event]).jobs
    return {step.name: step.depends_on for step in job.included_steps}


def test_go_builds_its_binaries_for_tags_alone() -> None:
    assert steps_of("go", "push") == {"vet": (), "test": ()}
    assert steps_of("go", "tag") == {"vet": (), "test": (), "build": ("vet", "test")}


def test_graph_starts_two_steps_at_once() -> None:
    assert steps_of("graph", "push") == {
        "schema": (),
        "front-end": (),
        "test": ("schema", "front-end"),
        "publish": ("test",),
    }


def test_hello_keeps_the_file_it_writes() -> None:
    (path,) = [path for path in EXAMPLES if path.stem == "hello"]
    (job,) = make_plan({f".headrace/{path.name}": path.read_bytes()}, EVENTS["push"]).jobs
    assert [rule.paths for step in job.steps for rule in step.artifacts] == [("dist/**",)]
    assert {step.image for step in job.steps} == {"busybox"}
