"""What steps have written is a variable of the jobs that wait for theirs."""

from pipelines.outputs import StepAddress, variable_name, waits_for_outputs, with_outputs, written_by
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import StepFinished
from pipelines.status import Status


def job(name: str, *depends_on: str, workflow: str = "", outputs: tuple[str, ...] = ()) -> PlannedJob:
    steps = (PlannedStep(name="get version", image="i", outputs=outputs), PlannedStep(name="b", image="i"))
    return PlannedJob(
        name=name,
        workflow=workflow or name,
        file="",
        workspace_base="/h",
        workspace="/h/s",
        depends_on=depends_on,
        steps=steps,
        variables={"A": "1"},
    )


JOBS = (
    job("one", workflow="build", outputs=("VERSION",)),
    job("two", workflow="build", outputs=("VERSION",)),
    job("test", "build"),
    job("deploy", "test"),
    job("other"),
)
BUILD_ONE, BUILD_TWO, TEST, DEPLOY, OTHER = JOBS
WRITTEN = {StepAddress("one", "get version"): {"VERSION": "1"}, StepAddress("two", "get version"): {"VERSION": "2"}}


def test_a_job_gets_what_those_before_it_have_written_at_whatever_remove() -> None:
    for each in (TEST, DEPLOY):
        assert with_outputs(each, JOBS, WRITTEN).variables == {"A": "1", "CI_OUTPUT_GET_VERSION_VERSION": "2"}


def test_a_job_that_waits_for_nobody_gets_nothing() -> None:
    for each in (BUILD_ONE, OTHER):
        assert with_outputs(each, JOBS, WRITTEN) is each


def test_whether_there_is_anything_to_wait_for_is_known_from_the_plan() -> None:
    assert [waits_for_outputs(each, JOBS) for each in JOBS] == [False, False, True, True, False]


def test_steps_that_have_written_nothing_are_not_among_those_that_have() -> None:
    ends = [
        StepFinished(
            seq=1, time="", run="r", job="one", step=name, status=Status.SUCCESS, duration_ms=1, outputs=outputs
        )
        for name, outputs in (("get version", {"VERSION": "1"}), ("b", {}))
    ]
    assert written_by(ends) == {StepAddress("one", "get version"): {"VERSION": "1"}}


def test_names_are_those_of_variables() -> None:
    assert variable_name("build & test", "version") == "CI_OUTPUT_BUILD___TEST_VERSION"
