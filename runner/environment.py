"""A step's environment: the run's variables, its own, the matrix's and the author's, with secrets resolved."""

import platform
from collections.abc import Mapping

from pipelines.details import SecretReference, references, resolved
from pipelines.drone import drone_variables
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status
from runner.errors import UsageError
from runner.results.outputs import output_path
from runner.script import base64_script, plain_script

NO_OUTPUTS: Mapping[str, str] = {}

# The checkout belongs to nobody in particular, and git refuses to read what belongs to another user.
_FOR_GIT = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


def check_secrets(job: PlannedJob, secrets: Mapping[str, str]) -> None:
    """Raises UsageError that names the step and the secret if an included step asks for one that isn't given."""
    for step in (*job.services, *job.steps):
        for reference in _references(step) if step.included else ():
            if reference.from_secret.lower() not in secrets:
                raise UsageError(
                    f"step {step.name!r}: no secret {reference.from_secret!r} for this run "
                    "(add it, or allow it for this event)"
                )


def step_environment(
    job: PlannedJob,
    step: PlannedStep,
    *,
    started: int,
    job_status: Status,
    secrets: Mapping[str, str],
    attempt: int = 1,
    outputs: Mapping[str, str] = NO_OUTPUTS,
) -> dict[str, str]:
    """All variables of one attempt at a step.

    What comes later wins: the run's, the step's, the matrix's, the `outputs` of earlier steps, the author's. `started`
    is in seconds since 1970; `secrets` are by name in lower case. Empty variables of ours are left out.
    """
    ours = {**_FOR_GIT, **job.variables, **_about_step(job, step, started=started, job_status=job_status)}
    ours["CI_ATTEMPT"] = str(attempt)
    ours = ours | drone_variables(ours) if is_plugin(step) else ours | job.matrix
    authors = {name: resolved(value, secrets) for name, value in step.environment.items()}
    settings = {plugin_variable(name): resolved(value, secrets) for name, value in step.settings.items()}
    return {**{name: value for name, value in ours.items() if value}, **outputs, **settings, **authors}


def is_plugin(step: PlannedStep) -> bool:
    """True if the image's own program runs, told what to do by its settings."""
    return step.type == "plugin" or (step.type == "clone" and not step.commands and step.entrypoint is None)


def step_directory(job: PlannedJob, step: PlannedStep) -> str:
    """Where the step starts: its `directory`, taken from the workspace unless it is absolute."""
    if step.directory.startswith("/"):
        return step.directory
    return f"{job.workspace.rstrip('/')}/{step.directory}".rstrip("/")


def plugin_variable(setting: str) -> str:
    """The variable that a plugin reads a setting from: `dry-run` is `PLUGIN_DRY_RUN`."""
    return "PLUGIN_" + setting.replace(".", "_").replace("-", "_").upper()


def _about_step(job: PlannedJob, step: PlannedStep, *, started: int, job_status: Status) -> dict[str, str]:
    about = {
        "CI_MACHINE": platform.node(),
        "CI_WORKSPACE": job.workspace,
        "CI_STEP_NAME": step.name,
        "CI_STEP_NUMBER": str(_number(job, step)),
        "CI_STEP_TYPE": step.type,
        "CI_STEP_STARTED": str(started),
        "CI_PIPELINE_STATUS": job_status.value,
        "CI_WORKFLOW_STATUS": job_status.value,
    }
    if step.outputs:
        about["CI_OUTPUT"] = output_path(job, step)
    if step.commands and step.entrypoint is not None:
        about["CI_SCRIPT"] = base64_script(plain_script(step.commands, step_directory(job, step)))
    return about


def _number(job: PlannedJob, step: PlannedStep) -> int:
    """The step's place in the file, from 0; services count by themselves."""
    siblings = job.services if step in job.services else job.steps
    return siblings.index(step)


def _references(step: PlannedStep) -> list[SecretReference]:
    """The secrets that the step asks for."""
    values = (*step.environment.values(), *step.settings.values())
    return [reference for value in values for reference in references(value)]
