"""Workflow files and an event become a Plan in which nothing is left to decide."""

import time

import pytest

from pipelines.event import Event, EventKind, Repository
from pipelines.plan import Plan, PlannedJob, decode, encode
from pipelines.planner import make_plan
from pipelines.problems import Level
from pipelines.reading.library import Library
from pipelines.status import Status
from pipelines.wanted import skips_ci

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


MATRIX = "matrix: {PY: ['3.12', '3.13']}\n"


def test_matrix_becomes_jobs_with_one_workflow() -> None:
    made = plan(test=MATRIX + 'steps: {a: {image: "python:${PY}"}}')
    assert [(each.name, each.workflow, each.matrix, each.steps[0].image) for each in made.jobs] == [
        ("test (PY=3.12)", "test", {"PY": "3.12"}, "python:3.12"),
        ("test (PY=3.13)", "test", {"PY": "3.13"}, "python:3.13"),
    ]


def test_jobs_that_run_are_numbered() -> None:
    made = plan(a=MATRIX + STEP, b=TAGS_ONLY, c=STEP)
    numbers = [each.variables.get("CI_WORKFLOW_NUMBER") for each in made.jobs]
    assert numbers == ["1", "2", None, "3"]


def test_need_of_a_workflow_names_it_once_for_all_its_cells() -> None:
    """Whoever waits for a workflow waits for each of its jobs."""
    made = plan(a=MATRIX + STEP, b=STEP + "depends_on: a")
    assert made.jobs[2].depends_on == ("a",)


def test_workflow_stays_if_one_cell_of_what_it_needs_runs() -> None:
    text = MATRIX + "when: {evaluate: 'PY == \"3.13\"'}\n" + STEP
    made = plan(a=text, b=STEP + "depends_on: a")
    assert [each.included for each in made.jobs] == [False, True, True]


def test_workflow_goes_if_no_cell_of_what_it_needs_runs() -> None:
    made = plan(a=MATRIX + TAGS_ONLY, b=STEP + "depends_on: a")
    assert [each.included for each in made.jobs] == [False, False, False]
    assert made.jobs[2].reason == "needs a, which does not run"


def test_problem_of_several_cells_is_told_once() -> None:
    made = plan(a=MATRIX + "steps: {a: {image: x, timeout: no}}")
    assert len(made.problems) == 1
    assert made.jobs == ()


def test_cells_have_globs_enough_each() -> None:
    globs = ", ".join(f"'{'x' * 90}{n}'" for n in range(200))
    made = plan(
        a=f"matrix: {{N: {list(range(9))}}}\nenvironment: {{A: '${{N}}'}}\nwhen: {{branch: [main, {globs}]}}\n" + STEP
    )
    assert made.problems == ()
    assert len(made.included_jobs) == 9


@pytest.mark.parametrize(
    "step",
    ["image: '${CI_COMMIT_MESSAGE}'", "image: '${CI_COMMIT_MESSAGE##*a*b*c}'",
     "image: '${N}', when: {evaluate: 'CI_COMMIT_MESSAGE matches \"(a|ab|b|bc|c){1,60}(z|y)$\"'}"],
)  # fmt: skip
def test_cells_together_take_no_more_than_a_moment(step: str) -> None:
    steps = "".join(f"  s{n}: {{{step}}}\n" for n in range(20))
    text = f"matrix: {{N: {list(range(250))}}}\nsteps:\n{steps}"
    began = time.process_time()
    made = plan(Event(message="abc" * 3000), a=text)
    assert time.process_time() - began < 10
    assert made.has_errors


def test_expressions_of_a_file_have_a_bound() -> None:
    """The same one in every step counts once."""
    long = " || ".join(f'CI_REPO == "{n}"' for n in range(100))
    step = f"- {{image: x, when: {{evaluate: '{long} || CI == \"#\"'}}}}\n"
    assert plan(a="steps:\n" + step * 20).problems == ()
    (problem, *_) = plan(a="steps:\n" + "".join(step.replace("#", str(n)) for n in range(20))).problems
    assert problem.message == "the expressions of this file have more than 20,000 characters"


def test_event_decides_whether_an_expression_has_an_answer() -> None:
    text = "steps: {a: {image: x, when: {evaluate: 'len(CI_COMMIT_TAG) > 1'}}, b: {image: x}}"
    made = plan(a=text)
    (problem,) = made.problems
    assert (problem.path, problem.message) == ("steps.a.when.evaluate", "the expression asks for the length of nil")
    assert problem.hint.startswith("`CI_COMMIT_TAG` is not set for this event")
    assert plan(Event(kind=EventKind.TAG, ref="refs/tags/v1"), a=text).problems == ()


def test_global_variables_are_known_everywhere() -> None:
    text = "steps: {a: {image: '${REGISTRY}/x', when: {evaluate: 'REGISTRY != nil'}}}"
    made = make_plan(
        {"a.yaml": text.encode()}, PUSH, variables={"REGISTRY": "r", "CI_COMMIT_BRANCH": "no", "CI_X": "no"}
    )
    (each,) = made.included_jobs
    assert each.steps[0].image == "r/x"
    assert each.variables["REGISTRY"] == "r"
    assert each.variables["CI_COMMIT_BRANCH"] == "main"
    assert "CI_X" not in each.variables


PARAMS = """
params:
  LEVEL: {type: choice, options: [low, high], default: low}
  NAME: {required: true}
"""


def manual(**params: str) -> Event:
    return Event(kind=EventKind.MANUAL, branch="main", params=params)


def test_parameters_are_variables_by_both_names() -> None:
    made = plan(
        manual(NAME="mill", EXTRA="1", CI_COMMIT_SHA="x"), a=PARAMS + "steps: {a: {image: '${NAME}:${CI_PARAM_LEVEL}'}}"
    )
    assert {problem.level for problem in made.problems} == {Level.WARNING}
    found = made.jobs[0].variables
    expected = {"NAME": "mill", "CI_PARAM_NAME": "mill", "LEVEL": "low", "EXTRA": "1", "CI_PARAM_CI_COMMIT_SHA": "x"}
    assert {name: found.get(name) for name in expected} == expected
    assert "CI_COMMIT_SHA" not in found
    assert made.jobs[0].steps[0].image == "mill:low"


def test_value_that_no_workflow_asks_for_is_warned_of_with_the_name_that_was_meant() -> None:
    (problem,) = plan(manual(NAME="mill", LEVELL="high"), a=PARAMS + STEP, b=STEP).problems
    assert problem.message.startswith("no workflow asks for `LEVELL`, which was given")
    assert (problem.level, problem.hint) == (Level.WARNING, "did you mean `LEVEL`?")
    assert plan(manual(NAME="mill", OTHER="1"), a=STEP).problems == (), "without `params` every name is free"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (manual(), "the parameter `NAME` must be given"),
        (manual(NAME="x", LEVEL="none"), "the parameter `LEVEL` must be one of low, high, not 'none'"),
    ],
)
def test_parameter_that_does_not_fit_is_a_problem(event: Event, message: str) -> None:
    (problem,) = plan(event, a=PARAMS + STEP).problems
    assert problem.message == message


def test_workflow_that_does_not_run_asks_for_no_parameter() -> None:
    of_pushes = "when: {event: push}\n" + PARAMS + STEP
    assert plan(manual(), a=STEP, b=of_pushes).problems == ()
    one_alone = Event(kind=EventKind.MANUAL, workflows=("a",))
    assert plan(one_alone, a=STEP, b=PARAMS + STEP).problems == ()


def test_parameters_are_asked_of_manual_runs_alone() -> None:
    assert plan(PUSH, a=PARAMS + STEP).problems == ()


def test_trust_is_asked_for_what_reaches_out_of_the_container() -> None:
    text = b"steps: {a: {image: x, privileged: true}}"
    (problem,) = make_plan({"a.yaml": text}, PUSH).problems
    assert "trusted with security" in problem.message
    assert make_plan({"a.yaml": text}, PUSH, trust=frozenset({"security"})).problems == ()


def test_steps_of_the_clone_come_first() -> None:
    each = job("clone: {one: {image: c}, two: {image: d}}\nsteps: {a: {image: x}, b: {image: x}}")
    assert each.skip_clone
    assert [(step.name, step.type, step.depends_on) for step in each.steps] == [
        ("one", "clone", ()),
        ("two", "clone", ("one",)),
        ("a", "plugin", ("two",)),
        ("b", "plugin", ("a",)),
    ]


def test_steps_of_a_graph_wait_for_the_clone_too() -> None:
    text = (
        "clone: {hg: {image: c}}\nsteps: {a: {image: x}, b: {image: x, depends_on: a}, c: {image: x, depends_on: []}}"
    )
    assert edges(text) == {"hg": (), "a": ("hg",), "b": ("a",), "c": ("hg",)}


def test_our_checkout_may_be_for_some_events_alone() -> None:
    text = "clone: {git: {image: plugin-git, settings: {depth: 5}, when: {event: tag}}}\n" + STEP
    assert job(text).skip_clone
    tag = job(text, Event(kind=EventKind.TAG, ref="refs/tags/v1"))
    assert (tag.skip_clone, tag.checkout.depth) == (False, 5)


def test_neighbours_of_one_group_run_side_by_side() -> None:
    text = "steps: {a: {image: x}, b: {image: x, group: g}, c: {image: x, group: g}, d: {image: x, group: h}}"
    made = plan(build=text)
    assert {step.name: step.depends_on for step in made.jobs[0].steps} == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("b", "c"),
    }


def test_groups_count_for_nothing_in_a_graph() -> None:
    text = "steps: {a: {image: x}, b: {image: x, group: g}, c: {image: x, group: g, depends_on: b}}"
    made = plan(build=text)
    assert {step.name: step.depends_on for step in made.jobs[0].steps} == {"a": (), "b": (), "c": ("b",)}


def test_error_in_an_included_file_leaves_the_workflow_out() -> None:
    files = {".headrace/a.yaml": b"include: lib.yaml\n" + STEP.encode()}
    made = make_plan(files, PUSH, library=Library(files={"lib.yaml": b"steps: {b: {image: x, bogus: y}}"}))
    assert made.jobs == ()
    assert [problem.file for problem in made.problems] == ["lib.yaml"]


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
