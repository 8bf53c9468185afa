"""Bad habits: warned of when they are certain, and never otherwise."""

import pytest

from pipelines.habits import bad_habits
from pipelines.problems import Level, Problem
from pipelines.validate import read_workflow


def habits(text: str) -> tuple[Problem, ...]:
    reading = read_workflow(text.encode(), ".headrace/a.yaml")
    assert reading.workflow is not None, reading.problems
    return bad_habits(reading.workflow, text.encode())


def warning(text: str) -> Problem:
    (found,) = habits(text)
    assert found.level is Level.WARNING
    return found


def place(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.path


@pytest.mark.parametrize("image", ["golang:1.26", "golang", "registry:5000/latest", "a@sha256:" + "0" * 64])
def test_image_with_a_version_or_without_a_tag_is_fine(image: str) -> None:
    assert habits(f"steps: {{a: {{image: {image}}}}}") == ()


def test_latest_is_another_image_every_time() -> None:
    found = warning("steps:\n  a:\n    image: golang:latest\n")
    assert found.path == "steps.a.image"
    assert "golang:latest" in found.message


@pytest.mark.parametrize(
    "command",
    ['echo "${CI_COMMIT_MESSAGE}"', "git log ${CI_COMMIT_SOURCE_BRANCH##feature/}", "${CI_PIPELINE_FILES:-[]}"],
)
def test_text_that_anybody_may_write_is_not_for_the_script(command: str) -> None:
    found = warning(f"steps:\n  a:\n    image: x\n    commands:\n      - true\n      - '{command}'\n")
    assert place(found) == (4, 5, "steps.a.commands")
    assert "becomes part of the script" in found.message
    assert found.hint.startswith('let the shell fill it in: write `"$CI_')


@pytest.mark.parametrize(
    "command",
    ['echo "$CI_COMMIT_MESSAGE"', "echo $${CI_COMMIT_MESSAGE}", "echo ${CI_COMMIT_SHA}", "${CI_COMMIT_AUTHORS}"],
)
def test_what_the_shell_fills_in_or_nobody_can_choose_is_fine(command: str) -> None:
    assert habits(f"steps: {{a: {{image: x, commands: ['{command}']}}}}") == ()


SECRET = "environment: {A: {from_secret: token}}"


@pytest.mark.parametrize(
    "step",
    [
        "{image: x, environment: {A: {from_secret: token}}}",
        "{image: x, settings: {list: [{from_secret: token}]}}",
        "{image: x, settings: {map: {deep: {from_secret: token}}}}",
        "{image: x, environment: {A: {from_secret: token}}, when: {branch: main}}",
        "{image: x, environment: {A: {from_secret: token}}, when: [{event: push}, {branch: main}]}",
    ],
)
def test_secret_on_every_event_is_warned_of(step: str) -> None:
    found = warning(f"steps:\n  a: {step}\n")
    assert "token" in found.message
    assert place(found) == (2, 6, "steps.a")


@pytest.mark.parametrize(
    "when",
    [
        "{event: push}",
        "[{event: push}, {event: tag}]",
        "{event: pull_request}",
        "{ref: refs/heads/main}",
        "{evaluate: 'CI_PIPELINE_EVENT == \"push\"'}",
    ],
)
@pytest.mark.parametrize("level", ["step", "workflow"])
def test_secret_for_events_that_are_named_is_fine(when: str, level: str) -> None:
    step = f"{{image: x, {SECRET}{f', when: {when}' if level == 'step' else ''}}}"
    workflow = f"when: {when}\n" if level == "workflow" else ""
    assert habits(f"{workflow}steps: {{a: {step}}}") == ()


def when(condition: str, *, workflow: str = "", more: str = "") -> str:
    above = f"when: {workflow}\n" if workflow else ""
    return f"{above}{more}steps: {{a: {{image: x}}, b: {{image: x, when: {condition}}}}}\n"


IMPOSSIBLE = [
    when("{event: tag}", workflow="{event: push}"),
    when("{event: [tag, cron]}", workflow="[{event: push}, {event: pull_request}]"),
    when("{event: tag, ref: refs/heads/main}"),
    when("{event: tag, ref: ['refs/heads/**', main]}"),
    when("{event: push, ref: 'refs/tags/v*'}"),
    when("{ref: 'refs/tags/v*'}", workflow="{event: push}"),
    when("{event: push, branch: {include: main, exclude: main}}"),
    when("{event: push, branch: {include: [main, dev], exclude: ['**']}}"),
    when("{event: pull_request, branch: {include: release/1, exclude: 'release/*'}}"),
    when("{repo: {include: acme/mill, exclude: 'acme/*'}}"),
    when("{matrix: {PY: '3.14'}}", more="matrix: {PY: ['3.12', '3.13']}\n"),
    when("{matrix: {OS: alpine}}", more="matrix: {PY: ['3.12', '3.13']}\n"),
    when("{matrix: {exclude: {PY: '3.*'}}}", more="matrix: {PY: ['3.12', '3.13']}\n"),
    when("{matrix: {PY: '3.12'}}"),
]


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_when_that_can_never_hold_is_warned_of(text: str) -> None:
    found = warning(text)
    assert found.path == "steps.b.when"
    assert found.message.startswith("`steps.b.when` can never hold: ")


POSSIBLE = [
    when("{event: tag}", workflow="[{event: push}, {event: tag}]"),
    when("{event: tag}", workflow="{branch: main}"),
    when("{event: tag, branch: {include: main, exclude: main}}"),  # `branch` holds for every tag
    when("{branch: {include: main, exclude: main}}"),
    when("{event: tag, ref: 'refs/{tags,heads}/*'}"),
    when("{event: [tag, push], ref: refs/heads/main}"),
    when("{event: manual, ref: refs/tags/v1}"),
    when("{event: pull_request, ref: 'refs/heads/**'}"),  # some forges' pull requests have such refs
    when("{event: tag, ref: '**/v*'}"),
    when("{event: push, branch: {include: 'release/*', exclude: release/1}}"),
    when("{event: push, cron: {include: a, exclude: a}}"),
    when("{matrix: {PY: '3.1?'}}", more="matrix: {PY: ['3.12', '3.13']}\n"),
    when("{matrix: {OS: ''}}", more="matrix: {PY: ['3.12']}\n"),
    when("{matrix: {exclude: {PY: '3.12'}}}"),
    when("{event: '${CI_PARAM_KIND}'}", workflow="{event: push}", more="params: {KIND: {}}\n"),
    when("{event: tag, ref: '${CI_COMMIT_REF}'}"),
    when("{matrix: {PY: '${CI_COMMIT_BRANCH}'}}", more="matrix: {PY: ['3.12']}\n"),
    when("{matrix: {exclude: {PY: '${CI_COMMIT_BRANCH}'}}}", more="matrix: {PY: ['3.12']}\n"),
]


@pytest.mark.parametrize("text", POSSIBLE)
def test_when_that_may_hold_is_fine(text: str) -> None:
    assert habits(text) == ()


def test_impossible_alternative_is_named_and_the_step_can_still_run() -> None:
    text = """\
when: {event: push}
steps:
  a:
    image: x
    when:
      - event: tag
      - branch: main
  b: {image: x, depends_on: a}
"""
    assert place(warning(text)) == (6, 9, "steps.a.when[0]")


def test_workflow_that_can_never_run_is_told_once() -> None:
    text = "when: {event: push, ref: refs/tags/v1}\nsteps: {a: {image: x, when: {event: cron}}}\n"
    assert warning(text).path == "when"


def test_step_that_needs_one_that_never_runs_is_unreachable() -> None:
    text = """\
when: {event: push}
steps:
  a: {image: x, when: {event: tag}}
  b: {image: x, depends_on: a}
  c: {image: x, depends_on: [{name: a, optional: true}]}
  d: {image: x, depends_on: [c, b]}
"""
    never, *unreachable = habits(text)
    assert never.path == "steps.a.when"
    assert [place(problem) for problem in unreachable] == [
        (4, 29, "steps.b.depends_on"),
        (6, 33, "steps.d.depends_on[1]"),
    ]


def test_anchor_that_nothing_uses_is_warned_of() -> None:
    text = """\
variables:
  - &used golang
  - &slip node
  - &map {image: x}
steps:
  a: {image: *used}
  b:
    <<: *map
"""
    found = warning(text)
    assert (found.line, found.column) == (3, 5)
    assert "&slip" in found.message


def test_anchor_that_is_defined_again_before_its_use_is_not_used() -> None:
    text = "variables: [&a x, &a y]\nsteps: {a: {image: *a}}\n"
    assert warning(text).column == 13


def test_ampersand_in_text_is_no_anchor() -> None:
    assert habits("steps: {a: {image: x, commands: 'make && make test'}}") == ()


def test_workflow_for_a_failure_that_waits_for_none_never_runs() -> None:
    found = warning("when: [{event: push, status: failure}]\nsteps: {a: {image: x}}")
    assert place(found) == (1, 8, "when[0]")
    assert found.message == "`when[0]` can never hold: the workflow waits for no other that could fail"


@pytest.mark.parametrize("rest", ["when: {status: [success, failure]}", "when: {status: failure}\ndepends_on: b"])
def test_workflow_that_may_run_after_a_failure_is_fine(rest: str) -> None:
    assert habits(f"{rest}\nsteps: {{a: {{image: x}}}}") == ()
