"""A run of some workflows alone."""

from pipelines.choice import unknown_choice
from pipelines.event import Event, EventKind
from pipelines.planner import make_plan

STEP = "steps: {a: {image: x}}\n"
FILES = {
    ".headrace/build.yaml": STEP,
    ".headrace/deploy.yaml": "depends_on: [test, {name: notes, optional: true}]\n" + STEP,
    ".headrace/notes.yaml": STEP,
    ".headrace/test.yaml": "depends_on: build\n" + STEP,
    ".headrace/push.yaml": "when: {event: push}\n" + STEP,
}


def running(*workflows: str) -> list[str]:
    event = Event(kind=EventKind.MANUAL, branch="main", workflows=workflows)
    plan = make_plan({path: text.encode() for path, text in FILES.items()}, event)
    assert plan.problems == ()
    return [job.name for job in plan.included_jobs]


def test_every_workflow_runs_unless_some_are_named() -> None:
    assert running() == ["build", "deploy", "notes", "test"]


def test_named_workflow_runs_with_what_it_needs_and_nothing_else() -> None:
    assert running("deploy") == ["build", "deploy", "test"]
    assert running("notes", "build") == ["build", "notes"]


def test_one_that_is_not_named_says_why_it_is_out() -> None:
    event = Event(kind=EventKind.MANUAL, workflows=("build",))
    plan = make_plan({path: text.encode() for path, text in FILES.items()}, event)
    assert {job.reason for job in plan.jobs if job.name == "notes"} == {"not asked for: this run is of build"}


def test_named_workflow_still_asks_its_when() -> None:
    assert running("push") == []


def test_unknown_workflow_is_said_with_those_there_are() -> None:
    said = unknown_choice(Event(workflows=("build", "deplyo")), FILES)
    assert said == "there is no workflow deplyo: there are build, deploy, notes, push, test"
    assert unknown_choice(Event(workflows=("build",)), FILES) == ""
