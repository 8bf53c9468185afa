"""Doing again what has failed: what succeeded counts as done, with what it left, in a run of its own."""

import io
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from pipelines.plan import PlannedJob
from pipelines.records import Artifact, StepFinished
from pipelines.status import Status
from runner.backend import WorkspaceFile
from tests.worker.conftest import TIME, Service, Story, job, step
from worker.order import JobOrder
from worker.orders import order_of
from worker.secrets.sealing import Keyring
from worker.store import history, tasks
from worker.store.tasks import TaskState

BUILD = replace(job("build", replace(step("make"), outputs=("VERSION",))))
TEST = replace(job("test", step("check")), depends_on=("build",))
DEPLOY = replace(job("deploy", step("ship")), depends_on=("test",))
NOTIFY = replace(job("notify", step("mail")), depends_on=("test",), on=(Status.SUCCESS, Status.FAILURE))
JOBS = (BUILD, TEST, DEPLOY, NOTIFY)


@pytest.fixture
def story(service: Service) -> Story:
    """`build` has succeeded, and left a log, an output and an artifact; `test` has failed, and `notify` told of it."""
    story = service.add_run(service.add_repository())
    story.plan(*JOBS)
    story.start_job("build")
    story.start_step("build", "make")
    story.log("build", "make", 1, "made it")
    file = WorkspaceFile(path="dist/app", size_bytes=4, content=io.BytesIO(b"wood"))
    kept = service.storage.artifacts(story.run.id).put("build", "make", file)
    story.keep(Artifact(seq=story.seq + 1, time=TIME, run=story.run.id, **msgspec.structs.asdict(kept)))
    story.seq += 1
    story.tell(
        StepFinished(
            seq=story.seq,
            time=TIME,
            run=story.run.id,
            job="build",
            step="make",
            status=Status.SUCCESS,
            exit_code=0,
            duration_ms=1,
            outputs={"VERSION": "7"},
        )
    )
    story.finish_job("build")
    story.start_job("test")
    story.finish_job("test", Status.FAILURE)
    story.start_job("notify")
    story.finish_job("notify")
    return story


def again(service: Service, story: Story, jobs: str = "failed") -> Any:
    return service.client.post("/api/runs", json={"again": story.run.id, "jobs": jobs})


def planned_again(service: Service, story: Story, *jobs: PlannedJob) -> Story:
    run = again(service, story).json()
    new = Story(service=service, run=story.run, event=story.event)
    new.run = type(story.run)(id=run["id"], number=run["number"])
    new.plan(*(jobs or JOBS))
    return new


def shown(service: Service, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = service.client.get(f"/api/runs/{run_id}").json()
    return run


def statuses(service: Service, run_id: str) -> dict[str, str]:
    return {each["name"]: each["status"] for each in shown(service, run_id)["jobs"]}


def test_what_succeeded_counts_as_done_and_the_rest_runs(service: Service, story: Story) -> None:
    new = planned_again(service, story)
    run = shown(service, new.run.id)
    assert run["number"] == 2
    assert statuses(service, new.run.id) == {
        "build": "success", "test": "pending", "deploy": "pending", "notify": "pending",
    }  # fmt: skip
    assert run["jobs"][0]["reason"] == "done in run 1"
    new.start_job("test")
    new.finish_job("test")
    for name in ("deploy", "notify"):
        new.start_job(name)
        new.finish_job(name)
    assert shown(service, new.run.id)["status"] == "success"
    assert shown(service, story.run.id)["status"] == "failure", "what was, was"


def test_what_a_kept_job_left_is_there(service: Service, story: Story) -> None:
    new = planned_again(service, story)
    log = service.client.get(f"/api/runs/{new.run.id}/jobs/build/steps/make/log").text
    assert log == "made it\n"
    [artifact] = service.client.get(f"/api/runs/{new.run.id}/artifacts").json()["artifacts"]
    assert service.client.get(artifact["url"].removeprefix(service.url)).content == b"wood"
    assert [each.path for each in service.storage.artifacts(new.run.id).list()] == ["dist/app"]


def test_what_a_kept_job_left_outlives_the_run_that_made_it(service: Service, story: Story) -> None:
    new = planned_again(service, story)
    service.storage.forget(story.run.id)
    log = service.client.get(f"/api/runs/{new.run.id}/jobs/build/steps/make/log").text
    assert log == "made it\n"
    [artifact] = service.client.get(f"/api/runs/{new.run.id}/artifacts").json()["artifacts"]
    assert service.client.get(artifact["url"].removeprefix(service.url)).content == b"wood"


def test_outputs_of_a_kept_job_reach_those_that_wait_for_it(service: Service, story: Story) -> None:
    new = planned_again(service, story)
    with service.database.read() as connection:
        [task] = [each for each in tasks.in_state(connection, TaskState.PENDING) if each.run_id == new.run.id]
        order = order_of(connection, task, Keyring.fresh(), server_url="http://ci.test")
    assert isinstance(order, JobOrder)
    assert (order.job.name, order.job.variables["CI_OUTPUT_MAKE_VERSION"]) == ("test", "7")


def test_done_again_a_second_time_the_first_run_is_still_named(service: Service, story: Story) -> None:
    second = planned_again(service, story)
    second.start_job("test")
    second.finish_job("test", Status.FAILURE)
    second.start_job("notify")
    second.finish_job("notify")
    third = planned_again(service, second)
    run = shown(service, third.run.id)
    assert (run["jobs"][0]["status"], run["jobs"][0]["reason"]) == ("success", "done in run 1")


def test_job_that_the_new_plan_leaves_out_stays_out(service: Service, story: Story) -> None:
    out = replace(BUILD, included=False, reason="branch is dev, not main")
    new = planned_again(service, story, out, replace(TEST, depends_on=()))
    assert statuses(service, new.run.id) == {"build": "skipped", "test": "pending"}


def test_everything_runs_again_unless_only_the_failed_is_asked_for(service: Service, story: Story) -> None:
    run = again(service, story, "all").json()
    new = Story(service=service, run=type(story.run)(id=run["id"], number=2), event=story.event)
    new.plan(*JOBS)
    assert set(statuses(service, run["id"]).values()) == {"pending"}


def test_run_that_goes_on_or_has_not_failed_has_nothing_failed_to_do_again(service: Service) -> None:
    story = service.add_run(service.add_repository())
    answer = again(service, story)
    assert (answer.status_code, "goes on" in answer.json()["detail"]) == (409, True)
    story.plan(job("build", step("make")))
    story.start_job("build")
    story.finish_job("build")
    answer = again(service, story)
    assert (answer.status_code, "has failed: run all of it again" in answer.json()["detail"]) == (409, True)
    assert service.count("runs") == 1


def test_run_whose_workflow_files_had_errors_may_be_done_again(service: Service) -> None:
    """Nothing of it has run, so all of it does: a secret that was missing may be there now."""
    story = service.add_run(service.add_repository())
    with service.database.write() as connection:
        task = tasks.find(connection, f"{story.run.id}-plan-1")
        assert task
        history.end_withdrawn(connection, task, Status.ERROR, ".headrace.yaml:1:1: there is no secret TOKEN")
    new = planned_again(service, story)
    assert set(statuses(service, new.run.id).values()) == {"pending"}


def test_earlier_run_that_is_gone_by_then_keeps_nothing(service: Service, story: Story) -> None:
    run = again(service, story).json()
    with service.database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM runs WHERE id = '{story.run.id}'")  # noqa: S608
    new = Story(service=service, run=type(story.run)(id=run["id"], number=2), event=story.event)
    new.plan(*JOBS)
    assert set(statuses(service, run["id"]).values()) == {"pending"}
