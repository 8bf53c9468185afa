"""Workflow files and an event become a Plan in which nothing is left to decide."""

import pytest

from pipelines.event import Event, EventKind, Repository
from pipelines.plan import Plan, PlannedJob, decode, encode
from pipelines.planner import make_plan, skips_ci
from pipelines.status import Status

PUSH = Event(ref="refs/heads/main", branch="main")
STEP = "steps: {a: {image: x}}\n"
TAGS_ONLY = "when: {event: tag}\n" + STEP


def plan(event: Event = PUSH, **texts: str) -> Plan:
    return make_plan({f".headrace/{name}.yaml": text.encode() for name, text in texts.items()}, event)


def job(text: str, event: Event = PUSH) -> PlannedJob:
    made = plan(event, build=text)
    assert made.problems == ()
    return made.jobs[0]


def edges(text: str) -> dict[str, tuple[str, ...]]:
    return {step.name: step.depends_on for step in job(text).included_steps}


def test_steps_run_one_after_another_by_default() -> None:
    assert edges("steps: {a: {image: x}, b: {image: x}, c: {image: x}}") == {"a": (), "b": ("a",), "c": ("b",)}


def test_step_waits_for_the_included_one_before_it() -> None:
    text = "steps: {a: {image: x}, b: {image: x, when: {event: tag}}, c: {image: x}}"
    assert edges(text) == {"a": (), "c": ("a",)}


@pytest.mark.parametrize("key", ["[]", "a"])
def test_one_dependency_key_makes_a_graph_in_which_the_others_start_at_once(key: str) -> None:
    text = f"steps: {{a: {{image: x}}, b: {{image: x}}, c: {{image: x, depends_on: {key}}}}}"
    assert edges(text) == {"a": (), "b": (), "c": ("a",) if key == "a" else ()}


def test_null_is_no_dependency_key() -> None:
    assert edges("steps: {a: {image: x}, b: {image: x, depends_on: ~}}") == {"a": (), "b": ("a",)}


def test_key_of_a_step_that_is_out_makes_a_graph_all_the_same() -> None:
    """The file says so; else an event would change the order of steps that it doesn't name."""
    text = "steps: {a: {image: x}, b: {image: x}, c: {image: x, depends_on: a, when: {event: tag}}}"
    assert edges(text) == {"a": (), "b": ()}


def test_required_dependency_that_is_out_is_a_problem() -> None:
    made = plan(build="steps: {a: {image: x, when: {event: tag}}, b: {image: x, depends_on: a}}")
    assert made.jobs == ()
    (problem,) = made.problems
    assert str(problem).startswith('.headrace/build.yaml:1:70: "b" needs the step "a", which does not run (')
    assert problem.hint == "when: event is push, not tag; write {name: a, optional: true} if it may be left out"


def test_optional_dependency_that_is_out_is_dropped() -> None:
    text = "steps: {a: {image: x, when: {event: tag}}, b: {image: x, depends_on: {name: a, optional: true}}}"
    assert edges(text) == {"b": ()}


def test_step_that_is_out_may_need_another_that_is_out() -> None:
    text = "steps: {a: {image: x, when: &w {event: tag}}, b: {image: x, when: *w, depends_on: a}, c: {image: x}}"
    assert edges(text) == {"c": ()}


def test_workflow_that_is_out_has_no_problem_with_its_steps() -> None:
    text = "when: {event: tag}\nsteps: {a: {image: x, when: {event: cron}}, b: {image: x, depends_on: a}}"
    assert not job(text).included


def test_jobs_are_sorted_by_name() -> None:
    assert [each.name for each in plan(b=STEP, a=STEP, C=STEP).jobs] == ["C", "a", "b"]


def test_workflow_goes_with_the_one_it_needs_and_so_on() -> None:
    made = plan(a=TAGS_ONLY, b=STEP + "depends_on: a", c=STEP + "depends_on: [b]", d=STEP)
    assert [(each.name, each.included, each.reason) for each in made.jobs] == [
        ("a", False, "when: event is push, not tag"),
        ("b", False, "needs a, which does not run"),
        ("c", False, "needs b, which does not run"),
        ("d", True, "no `when`: always"),
    ]


def test_optional_workflow_that_is_out_is_nothing_to_wait_for() -> None:
    made = plan(a=TAGS_ONLY, b=STEP, c=STEP + "depends_on: [{name: a, optional: true}, b]")
    assert made.jobs[2].included
    assert made.jobs[2].depends_on == ("b",)


def test_workflow_without_a_step_to_run_is_out() -> None:
    each = job("steps: {a: {image: x, when: {event: tag}}}\nservices: {s: {image: y}}")
    assert (each.included, each.reason) == (False, "none of its steps runs")


def test_file_with_errors_gives_its_problems_and_no_job() -> None:
    made = plan(a=STEP, b="steps: [")
    assert [each.name for each in made.jobs] == ["a"]
    assert made.has_errors
    assert {problem.file for problem in made.problems} == {".headrace/b.yaml"}


def test_warning_stops_nothing() -> None:
    made = make_plan({".woodpecker.yml": b"steps: {a: {image: x, bogus: y}}"}, PUSH)
    assert not made.has_errors
    assert len(made.included_jobs) == 1


def test_environment_of_the_workflow_gives_way_to_the_step() -> None:
    each = job(
        "environment: {A: w, B: w}\n"
        "steps: {a: {image: x, environment: {B: s}}}\n"
        "services: {s: {image: y, environment: {A: t}}}"
    )
    assert each.steps[0].environment == {"A": "w", "B": "s"}
    assert each.services[0].environment == {"A": "t", "B": "w"}


def test_step_environment_holds_only_what_the_author_wrote() -> None:
    each = job(STEP)
    assert each.steps[0].environment == {}
    assert each.variables["CI_WORKFLOW_NAME"] == "build"


def test_services_are_filtered_as_steps_are() -> None:
    each = job(STEP + "services: {s: {image: y, when: {event: tag}}}")
    assert (each.services[0].included, each.services[0].reason) == (False, "when: event is push, not tag")


def test_status_of_the_workflow_says_after_which_end_of_its_needs_it_runs() -> None:
    each = job("when: {status: [failure]}\n" + STEP)
    assert each.on == (Status.FAILURE,)


@pytest.mark.parametrize(
    ("file", "workspace", "expected"),
    [
        (".headrace.yaml", "", ("/headrace", "/headrace/src/git.example/o/n")),
        (".woodpecker.yml", "", ("/woodpecker", "/woodpecker/src/git.example/o/n")),
        (".woodpecker/a.yaml", "", ("/woodpecker", "/woodpecker/src/git.example/o/n")),
        (".headrace.yaml", "workspace: {base: /go, path: src/x/../y}", ("/go", "/go/src/y")),
        (".headrace.yaml", "workspace: {base: /go/}", ("/go", "/go/src/git.example/o/n")),
        (".headrace.yaml", "workspace: {path: .}", ("/headrace", "/headrace")),
    ],
)
def test_workspace_is_below_its_base(file: str, workspace: str, expected: tuple[str, str]) -> None:
    event = Event(repository=Repository(owner="o", name="n", forge="git.example:8443"))
    (each,) = make_plan({file: (STEP + workspace).encode()}, event).jobs
    assert (each.workspace_base, each.workspace) == expected


def test_repository_can_not_name_a_workspace_outside_the_base() -> None:
    event = Event(repository=Repository(owner="../..", name="../etc"))
    (each,) = make_plan({".headrace.yaml": STEP.encode()}, event).jobs
    assert each.workspace == "/headrace/src/local/etc"


def test_plan_is_the_same_after_a_trip_through_json() -> None:
    made = plan(
        a="steps: {a: {image: x, environment: {T: {from_secret: s}}, timeout: 5s, artifacts: d/**}}",
        b="steps: [",
    )
    assert decode(encode(made)) == made


@pytest.mark.parametrize(
    ("kind", "message", "skipped"),
    [
        (EventKind.PUSH, "docs [skip ci]", True),
        (EventKind.PUSH, "docs\n\n[CI  Skip]", True),
        (EventKind.PULL_REQUEST, "[skip ci]", True),
        (EventKind.PUSH, "skip ci", False),
        (EventKind.TAG, "[skip ci]", False),
        (EventKind.MANUAL, "[skip ci]", False),
    ],
)
def test_message_skips_pushes_and_pull_requests_only(kind: EventKind, message: str, skipped: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert skips_ci(Event(kind=kind, message=message)) is skipped
