"""What a step finds in its environment, and what wins."""

import base64
import platform

import pytest

from pipelines.details import SecretReference, Value
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status
from runner.environment import check_secrets, plugin_variable, step_directory, step_environment
from runner.errors import UsageError


def environment(step: PlannedStep, **job: object) -> dict[str, str]:
    whole = PlannedJob(
        **{  # type: ignore[arg-type] # each test gives what it is about
            "name": "build",
            "workflow": "build",
            "file": "",
            "workspace_base": "/headrace",
            "workspace": "/headrace/src",
            "steps": (step,),
            **job,
        }
    )
    secrets = {"token": "t0ken", "odd": '"\n'}
    return step_environment(whole, step, started=1700000000, job_status=Status.SUCCESS, secrets=secrets)


@pytest.mark.parametrize(
    ("setting", "variable"), [("dry-run", "PLUGIN_DRY_RUN"), ("build.args", "PLUGIN_BUILD_ARGS"), ("a_b", "PLUGIN_A_B")]
)
def test_plugin_reads_a_setting_in_upper_case_with_underscores(setting: str, variable: str) -> None:
    assert plugin_variable(setting) == variable


def test_a_step_is_told_who_it_is_and_how_the_run_stands() -> None:
    step = PlannedStep(name="test", image="i", commands=("true",))
    assert environment(step) == {
        "CI_WORKSPACE": "/headrace/src",
        "CI_STEP_NAME": "test",
        "CI_ATTEMPT": "1",
        "CI_STEP_NUMBER": "0",
        "CI_MACHINE": platform.node(),
        "CI_STEP_TYPE": "commands",
        "CI_STEP_STARTED": "1700000000",
        "CI_PIPELINE_STATUS": "success",
        "CI_WORKFLOW_STATUS": "success",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


def test_what_is_nearer_to_the_step_wins() -> None:
    step = PlannedStep(name="a", image="i", commands=("true",), environment={"D": "author", "CI_STEP_NAME": "author"})
    variables = {"A": "run", "CI_STEP_NUMBER": "run", "C": "run", "D": "run", "EMPTY": ""}
    seen = environment(step, variables=variables, matrix={"C": "matrix", "D": "matrix"})
    assert (seen["A"], seen["CI_STEP_NUMBER"], seen["C"], seen["D"]) == ("run", "0", "matrix", "author")
    assert seen["CI_STEP_NAME"] == "author"
    assert "EMPTY" not in seen


def test_a_plugin_gets_its_settings_and_no_matrix() -> None:
    settings: dict[str, Value] = {"dry-run": "true", "api.key": SecretReference("Token")}
    step = PlannedStep(name="a", image="i", type="plugin", settings=settings)
    seen = environment(step, matrix={"AXIS": "1"})
    assert (seen["PLUGIN_DRY_RUN"], seen["PLUGIN_API_KEY"], seen["CI_STEP_TYPE"]) == ("true", "t0ken", "plugin")
    assert "AXIS" not in seen


def test_secrets_inside_a_value_are_put_in_their_places() -> None:
    """In JSON with quotes and escapes, between commas as they are."""
    settings: dict[str, Value] = {
        "list": ("a,", SecretReference("odd"), ",b"),
        "map": ('{"k":', SecretReference("odd", as_json=True), "}"),
    }
    step = PlannedStep(name="a", image="i", type="plugin", settings=settings)
    seen = environment(step)
    assert (seen["PLUGIN_LIST"], seen["PLUGIN_MAP"]) == ('a,"\n,b', '{"k":"\\"\\n"}')


def test_a_plugin_finds_what_drone_called_its_variables() -> None:
    variables = {"CI_COMMIT_SHA": "abc"}
    plugin = PlannedStep(name="a", image="i", type="plugin", settings={"x": "y"})
    assert environment(plugin, variables=variables)["DRONE_COMMIT_SHA"] == "abc"
    assert "DRONE_COMMIT_SHA" not in environment(PlannedStep(name="a", image="i"), variables=variables)


def test_secrets_are_found_whatever_their_case() -> None:
    step = PlannedStep(name="a", image="i", commands=("true",), environment={"T": SecretReference("TOKEN")})
    assert environment(step)["T"] == "t0ken"


def test_an_entry_point_with_commands_gets_the_script() -> None:
    step = PlannedStep(name="a", image="i", entrypoint=("sh",), commands=("echo hi",))
    text = base64.b64decode(environment(step)["CI_SCRIPT"]).decode()
    assert text.endswith("printf '%s\\n' '+ echo hi'\necho hi\n")


@pytest.mark.parametrize(
    ("directory", "place"), [("", "/h/src"), ("sub/dir", "/h/src/sub/dir"), ("/opt", "/opt"), (".", "/h/src/.")]
)
def test_a_directory_counts_from_the_workspace(directory: str, place: str) -> None:
    job = PlannedJob(name="b", workflow="b", file="", workspace_base="/h", workspace="/h/src")
    assert step_directory(job, PlannedStep(name="a", image="i", directory=directory)) == place


def test_a_secret_that_only_an_excluded_step_wants_is_not_missed() -> None:
    step = PlannedStep(name="a", image="i", included=False, environment={"T": SecretReference("nowhere")})
    job = PlannedJob(name="b", workflow="b", file="", workspace_base="/h", workspace="/h/src", steps=(step,))
    check_secrets(job, {})


def test_a_missing_secret_inside_a_value_is_named() -> None:
    step = PlannedStep(name="push", image="i", type="plugin", settings={"x": ("a,", SecretReference("nowhere"))})
    job = PlannedJob(name="b", workflow="b", file="", workspace_base="/h", workspace="/h/src", steps=(step,))
    with pytest.raises(UsageError, match="step 'push': no secret 'nowhere'"):
        check_secrets(job, {})


def test_a_missing_secret_of_a_service_is_named() -> None:
    service = PlannedStep(name="db", image="i", environment={"T": SecretReference("nowhere")})
    job = PlannedJob(name="b", workflow="b", file="", workspace_base="/h", workspace="/h/src", services=(service,))
    with pytest.raises(UsageError, match="step 'db': no secret 'nowhere'"):
        check_secrets(job, {})
