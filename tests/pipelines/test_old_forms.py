"""Older files mean what they meant, with a warning that shows the new form."""

import pytest

from pipelines.details import SecretReference
from pipelines.event import EventKind
from pipelines.model import Step, Workflow
from pipelines.problems import Level
from pipelines.status import Status
from pipelines.validate import read_workflow


def old(text: str, file: str = ".woodpecker.yml") -> tuple[Workflow, list[str]]:
    """The workflow, and its problems as `line: message (hint)`; all of them are warnings."""
    reading = read_workflow(text.encode(), file)
    assert all(problem.level is Level.WARNING for problem in reading.problems)
    assert reading.workflow is not None
    return reading.workflow, [str(problem).removeprefix(f"{file}:") for problem in reading.problems]


def step(text: str) -> tuple[Step, list[str]]:
    workflow, warnings = old(f"steps:\n  a: {{image: x, {text}}}")
    return workflow.steps[0], warnings


def test_pipeline_is_steps() -> None:
    workflow, warnings = old("pipeline:\n  build: {image: go}")
    assert [each.name for each in workflow.steps] == ["build"]
    assert warnings == ["1:1: `pipeline` is an old form (write `steps`)"]


def test_pipeline_beside_steps_is_left_alone() -> None:
    workflow, warnings = old("steps: {a: {image: x}}\npipeline: {b: {image: x}}")
    assert [each.name for each in workflow.steps] == ["a"]
    assert warnings == ["2:1: `pipeline` is an old form (write `steps`)"]


def test_environment_may_be_a_list() -> None:
    found, warnings = step("environment: [A=b, C=d=e, F]")
    assert found.environment == {"A": "b", "C": "d=e", "F": ""}
    assert warnings == ["2:30: `steps.a.environment` as a list is an old form (write a map: `A: b`)"]


def test_secrets_are_variables_in_upper_case_and_as_written() -> None:
    found, warnings = step("commands: c, secrets: [token, {source: key, target: Sign_Key}]")
    token, key = SecretReference("token"), SecretReference("key")
    assert found.environment == {"token": token, "TOKEN": token, "Sign_Key": key, "SIGN_KEY": key}
    assert step("commands: c, secrets: [{from_secret: token}]")[0].environment == {"token": token, "TOKEN": token}
    (warning,) = warnings
    assert warning.startswith(
        "2:30: `steps.a.secrets` is an old form (write `environment: {NAME: {from_secret: name}}`"
    )


@pytest.mark.parametrize(
    ("keys", "is_plugin"),
    [
        ("settings: {k: v}, secrets: [token]", True),
        ("secrets: [token]", False),
        ("commands: c, secrets: [token]", False),
        ("settings: {k: v}", True),
        ("pull: true", True),
    ],
)
def test_step_with_secrets_is_a_plugin_if_it_has_settings(keys: str, is_plugin: bool) -> None:  # noqa: FBT001
    assert step(keys)[0].is_plugin is is_plugin


def test_own_variable_wins_over_a_secret() -> None:
    found, _ = step("commands: c, environment: {TOKEN: own}, secrets: [token]")
    assert found.environment == {"token": SecretReference("token"), "TOKEN": "own"}


@pytest.mark.parametrize(
    ("platform", "label"),
    [("linux/arm64", "linux/arm64"), ("{os: linux, arch: arm}", "linux/arm"), ("{arch: arm}", "arm")],
)
def test_platform_is_a_label(platform: str, label: str) -> None:
    workflow, warnings = old(f"platform: {platform}\nsteps: {{a: {{image: x}}}}")
    assert workflow.labels == {"platform": label}
    assert warnings == ["1:1: `platform` is an old form (write `labels: {platform: …}`)"]


def test_label_wins_over_platform() -> None:
    workflow, _ = old("platform: a\nlabels: {platform: b, c: d}\nsteps: {a: {image: x}}")
    assert workflow.labels == {"platform": "b", "c": "d"}


def test_branches_are_kept_apart_from_when() -> None:
    workflow, warnings = old("branches: {exclude: dev}\nwhen: {event: push}\nsteps: {a: {image: x}}")
    assert workflow.branches is not None
    assert workflow.branches.exclude == ("dev",)
    assert workflow.when[0].branch is None
    assert warnings == ["1:1: `branches` is an old form (write `when: {branch: …}`)"]


def test_runs_on_is_the_status_of_conditions_without_one() -> None:
    both, failure = (Status.SUCCESS, Status.FAILURE), (Status.FAILURE,)
    workflow, warnings = old("runs_on: [success, failure]\nsteps: {a: {image: x}}")
    assert [each.status for each in workflow.when] == [both]
    assert warnings == ["1:1: `runs_on` is an old form (write `when: {status: …}`)"]
    workflow, _ = old(
        "runs_on: [failure]\nwhen: [{event: push}, {event: tag, status: success}]\nsteps: {a: {image: x}}"
    )
    assert [each.status for each in workflow.when] == [failure, (Status.SUCCESS,)]


def test_group_is_kept_for_the_graph() -> None:
    found, warnings = step("group: build")
    assert found.group == "build"
    assert warnings == ["2:17: `steps.a.group` is an old form (write `depends_on`)"]


@pytest.mark.parametrize("command", ["--bind '0.0.0.0 x'", "[--bind, 0.0.0.0 x]"])
def test_command_of_a_service_is_its_programs_arguments(command: str) -> None:
    workflow, warnings = old(f"services: {{db: {{image: mysql, command: {command}}}}}\nsteps: {{a: {{image: x}}}}")
    assert workflow.services[0].arguments == ("--bind", "0.0.0.0 x")
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("$CI_BUILD_NUMBER", "$CI_PIPELINE_NUMBER"),
        ("${CI_BUILD_EVENT}", "${CI_PIPELINE_EVENT}"),
        ("$CI_BUILD_LINK", "$CI_PIPELINE_URL"),
        ("$CI_PREV_BUILD_STATUS", "$CI_PREV_PIPELINE_STATUS"),
        ("$CI_REPO_LINK", "$CI_REPO_URL"),
        ("$CI_BRANCH-$CI_TAG", "$CI_COMMIT_BRANCH-$CI_COMMIT_TAG"),
    ],
)
def test_old_variables_have_their_new_names(before: str, after: str) -> None:
    found, warnings = step(f"commands: ['echo {before}']")
    assert found.commands == (f"echo {after}",)
    assert warnings
    assert all("steps.a.commands" not in each and "has a new name" in each for each in warnings)


@pytest.mark.parametrize("name", ["CI_BUILD_DIR", "MY_CI_BUILD_NUMBER", "CI_BUILD_NUMBERS", "CI_COMMIT_BRANCH"])
def test_other_variables_stay_as_they_are(name: str) -> None:
    found, warnings = step(f"commands: 'echo ${name} CI_JOB'")
    assert (found.commands, warnings) == ((f"echo ${name} CI_JOB",), [])


def test_variable_that_the_file_sets_itself_is_its_own() -> None:
    found, warnings = step("environment: {CI_TAG: mine}, commands: 'echo $CI_TAG'")
    assert (found.commands, warnings) == (("echo $CI_TAG",), [])


def test_second_step_of_a_name_gets_another_in_a_woodpecker_file() -> None:
    workflow, warnings = old("steps: [{name: a, image: x}, {name: a, image: y}, {name: a-2, image: z}]")
    assert [(each.name, each.image) for each in workflow.steps] == [("a", "x"), ("a-3", "y"), ("a-2", "z")]
    assert warnings == ['1:30: the name "a" is taken, so this step is called "a-3" (`steps[0]` on line 1 has it)']


def test_step_with_the_name_of_a_service_gets_another() -> None:
    """A database and the step that tests with it are often called the same."""
    workflow, warnings = old(
        """
services: {db: {image: postgres}}
steps:
  db: {image: x, depends_on: []}
  db-2: {image: x, depends_on: []}
  next: {image: x, depends_on: [db, db-2]}
"""
    )
    assert [each.name for each in workflow.services] == ["db"]
    assert [each.name for each in workflow.steps] == ["db-3", "db-2", "next"]
    assert [need.name for need in workflow.steps[2].depends_on or ()] == ["db-3", "db-2"]
    assert warnings == [
        '4:7: a service has the name "db", so this step is called "db-3" (`services.db` on line 2 has it)'
    ]


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ("{exclude: [tag, cron]}", set(EventKind) - {EventKind.TAG, EventKind.CRON}),
        ("{include: [push, tag], exclude: tag}", {"push"}),
        ("{include: push}", {"push"}),
    ],
)
def test_events_may_be_a_map(event: str, kinds: set[str]) -> None:
    workflow, warnings = old(f"when: {{event: {event}}}\nsteps: {{a: {{image: x}}}}")
    assert set(workflow.when[0].event or ()) == kinds
    assert warnings[0].startswith("1:15: `when.event` as a map is an old form (write `event: [push")


def test_second_service_of_a_name_is_an_error_even_there() -> None:
    text = "services: [{name: a, image: x}, {name: a, image: y}]\nsteps: [{image: x}]"
    (problem,) = read_workflow(text.encode(), ".woodpecker.yml").problems
    assert (problem.level, problem.message) == (Level.ERROR, 'the name "a" is taken')


def test_second_step_of_a_name_is_an_error_in_a_graph() -> None:
    text = "steps: [{name: a, image: x}, {name: a, image: y, depends_on: []}]"
    (problem,) = read_workflow(text.encode(), ".woodpecker.yml").problems
    assert (problem.level, problem.message) == (Level.ERROR, 'the name "a" is taken')


def test_old_forms_are_read_in_our_own_files_too() -> None:
    workflow, warnings = old("pipeline: {a: {image: x, secrets: [k]}}\nrunsOn: x", ".woodpecker/a.yaml")
    assert workflow.steps[0].environment
    assert len(warnings) == 3
    reading = read_workflow(b"pipeline: {a: {image: x}}", ".headrace.yaml")
    assert [problem.level for problem in reading.problems] == [Level.WARNING]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("steps: {a: {image: plugins/docker, repo: x}}", "parameters of a plugin stand below `settings`"),
        ("kind: pipeline\nsteps: {a: {image: x}}", "this is a Drone file: keep `steps` and leave this out"),
        ("trigger: {event: push}\nsteps: {a: {image: x}}", "this is a Drone file: write `when`"),
        ("steps: {a: {image: bash, commands: c}}", "name an image that has one, such as `alpine`"),
        ("when: {environment: production}\nsteps: {a: {image: x}}", "CI_PIPELINE_DEPLOY_TARGET"),
        ("steps: {a: {image: x, commands: c, volumes: [{name: a, path: /a}]}}", "write `source:target`"),
    ],
)
def test_what_other_systems_have_is_told_with_a_hint(text: str, hint: str) -> None:
    (problem,) = read_workflow(text.encode(), ".headrace.yaml").problems
    assert hint in problem.hint


def test_what_other_systems_have_only_warns_in_a_woodpecker_file() -> None:
    _, warnings = old("kind: pipeline\nname: x\nsteps: {a: {image: x, repo: y}}")
    assert len(warnings) == 3


def test_first_of_several_documents_is_what_runs() -> None:
    """As in Woodpecker, which reads no further: not even what is no YAML is a mistake there."""
    workflow, warnings = old("steps: {a: {image: x}}\n---\nsteps: {b: [\n")
    assert [each.name for each in workflow.steps] == ["a"]
    (only,) = warnings
    assert only.startswith("2:1: a second document starts here, and is left out: one file is one workflow")
    assert only.endswith("(write each document to a file of its own, as .woodpecker/NAME.yaml)")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("params: [{name: a}]\nsteps: {a: {image: x}}", "`params` must be a map from names to"),
        ("timeout: 30\nsteps: {a: {image: x}}", "`timeout` must be a time above zero"),
        ("steps: {a: {image: x, timeout: 30}}", "`steps.a.timeout` must be a time above zero"),
        ("steps: {a: {image: x, retry: {max: 2}}}", "`steps.a.retry` has no `attempts`"),
        ("steps: {a: {image: x, extends: .b}}", 'there is no step ".b" to extend'),
        ("include: b.yml\nsteps: {a: {image: x}}", 'there is no file "b.yml" to include'),
        ("include: [{local: b.yml}]\nsteps: {a: {image: x}}", "`include[0]` needs `repo` and `path`"),
        (
            "clone: {git: {environment: [A=b]}}\nsteps: {a: {image: x}}",
            '"environment" is not a key of an entry of clone',
        ),
    ],
)
def test_key_that_only_headrace_has_is_no_mistake_in_a_woodpecker_file(text: str, warning: str) -> None:
    workflow, warnings = old(text)
    assert warning in warnings[0]
    (only,) = workflow.steps
    assert (only.timeout, only.retry, workflow.params, workflow.timeout) == (None, None, {}, None)
    assert read_workflow(text.encode(), ".headrace.yaml").workflow is None


def test_key_of_ours_that_can_be_read_counts_in_a_woodpecker_file_too() -> None:
    workflow, warnings = old("timeout: 30m\nsteps: {a: {image: x}}")
    assert (workflow.timeout, warnings) == (1800, [])


def test_images_that_are_called_as_shells_are_told_of_once() -> None:
    _, warnings = old("steps: {a: {image: bash}, b: {image: bash}, c: {image: sh}}")
    assert len(warnings) == 1
