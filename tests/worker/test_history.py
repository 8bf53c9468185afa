"""How Records become rows, and how a run goes on."""

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from pipelines.event import Event, Repository
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.problems import Level, Problem
from pipelines.records import (
    AnyRecord,
    Artifact,
    JobFinished,
    JobStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    decode,
)
from pipelines.status import Status
from worker.errors import Conflict
from worker.order import JobOrder
from worker.orders import order_of
from worker.secrets.sealing import Keyring
from worker.store import history, inbox, queries, repositories, tasks
from worker.store.database import Database
from worker.store.deliveries import Delivery
from worker.store.tables import artifacts, jobs, records, runs, steps
from worker.store.tasks import TaskState

TIME = "2026-01-01T00:00:00.000Z"


class World:
    """A database with one run in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with self.database.write() as connection:
            wanted = Repository(owner="acme", name="web", clone_url="https://example.org/web.git")
            repository = repositories.add(connection, wanted, forge="git")
            delivery = Delivery(key="d1", event="push", headers={}, payload=b"{}", size_bytes=0)
            [run] = inbox.accept(connection, repository, delivery, [Event(sha="a" * 40)])
        self.run = run.id
        self._seq: dict[str, int] = {}

    def report(self, task: str, *reported: AnyRecord) -> list[AnyRecord]:
        with self.database.write() as connection:
            return history.take(connection, task, reported)

    def plan(self, *planned: PlannedJob, problems: tuple[Problem, ...] = ()) -> None:
        plan = Plan(event=Event(sha="a" * 40, message="hello"), jobs=planned, problems=problems)
        self.report(f"{self.run}-plan-1", RunStarted(seq=1, time=TIME, run=self.run, plan=plan))

    def finish(self, job: str, status: Status) -> None:
        finished = JobFinished(seq=99, time=TIME, run=self.run, job=job, status=status, duration_ms=1)
        self.report(self.task_of(job), JobStarted(seq=1, time=TIME, run=self.run, job=job), finished)

    def task_of(self, job: str) -> str:
        with self.database.read() as connection:
            query = select(jobs.c.id).where(jobs.c.run_id == self.run, jobs.c.name == job)
            return f"{self.run}-{connection.execute(query).scalar_one()}-1"

    def pending(self) -> list[str]:
        with self.database.read() as connection:
            return [task.id for task in tasks.in_state(connection, TaskState.PENDING)]

    def run_status(self) -> tuple[str, str]:
        with self.database.read() as connection:
            status, reason = connection.execute(select(runs.c.status, runs.c.reason)).one()
            return status, reason

    def problems(self) -> tuple[Problem, ...]:
        with self.database.read() as connection:
            return queries.problems_of(connection, self.run)

    def statuses(self, of: str = "jobs") -> dict[str, str]:
        table = {"jobs": jobs, "steps": steps}[of]
        with self.database.read() as connection:
            return {row.name: row.status for row in connection.execute(select(table.c.name, table.c.status))}

    def history(self) -> list[AnyRecord]:
        with self.database.read() as connection:
            return [
                decode(body) for body in connection.execute(select(records.c.body).order_by(records.c.seq)).scalars()
            ]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def job(name: str, *depends_on: str, included: bool = True) -> PlannedJob:
    return PlannedJob(
        name=name,
        workflow=name,
        file=f".headrace/{name}.yaml",
        depends_on=depends_on,
        included=included,
        workspace_base="/headrace",
        workspace="/headrace/src",
        steps=(PlannedStep(name="make", image="busybox"), PlannedStep(name="test", image="busybox")),
    )


def test_new_run_waits_to_be_planned(world: World) -> None:
    assert world.pending() == [f"{world.run}-plan-1"]


def test_planned_run_starts_the_jobs_that_depend_on_nothing(world: World) -> None:
    world.plan(job("a"), job("b", "a"), job("c", included=False))
    assert world.pending() == [world.task_of("a")]
    assert world.statuses() == {"a": "pending", "b": "pending", "c": "skipped"}
    assert world.run_status() == ("running", "")


def test_job_starts_when_what_it_depends_on_has_succeeded(world: World) -> None:
    world.plan(job("a"), job("b", "a"))
    world.finish("a", Status.SUCCESS)
    assert world.pending() == [world.task_of("b")]


def test_job_is_skipped_when_what_it_depends_on_has_failed(world: World) -> None:
    world.plan(job("a"), job("b", "a"), job("c", "b"))
    world.finish("a", Status.FAILURE)
    assert world.pending() == []
    assert world.statuses() == {"a": "failure", "b": "skipped", "c": "skipped"}
    assert world.run_status() == ("failure", "")


def test_run_ends_with_its_last_job(world: World) -> None:
    world.plan(job("a"), job("b"))
    world.finish("a", Status.SUCCESS)
    assert world.run_status()[0] == "running"
    world.finish("b", Status.SUCCESS)
    assert world.run_status()[0] == "success"
    last = world.history()[-1]
    assert isinstance(last, RunFinished)
    assert last.status is Status.SUCCESS


def test_run_with_a_broken_workflow_file_ends_as_error_that_says_where(world: World) -> None:
    problem = Problem(
        file=".headrace.yaml", line=3, column=5, message="unknown key `imge`", hint="did you mean `image`?"
    )
    world.plan(job("a"), problems=(problem,))
    assert world.run_status() == ("error", ".headrace.yaml:3:5: unknown key `imge` (did you mean `image`?)")
    assert world.pending() == []


def test_run_keeps_what_its_plan_says_of_the_workflow_files(world: World) -> None:
    problem = Problem(file="a.yaml", line=3, column=5, path="steps.a.x", level=Level.WARNING, message="m", hint="h")
    assert world.problems() == ()
    world.plan(job("a"), problems=(problem,))
    assert world.problems() == (problem,)
    world.finish("a", Status.SUCCESS)
    assert world.problems() == (problem,)


def test_run_that_no_workflow_matches_is_skipped_and_says_so(world: World) -> None:
    world.plan()
    assert world.run_status() == ("skipped", "no workflow matches this event")


def test_record_that_is_sent_twice_counts_once(world: World) -> None:
    world.plan(job("a"))
    started = JobStarted(seq=1, time=TIME, run=world.run, job="a")
    step = StepStarted(seq=2, time=TIME, run=world.run, job="a", step="make", image="busybox")
    assert world.report(world.task_of("a"), started) == [started]
    assert world.report(world.task_of("a"), started, step) == [step]
    assert [record.seq for record in world.history()] == [1, 2, 3], "numbered anew within the run, without gaps"


def test_records_before_which_another_is_missing_are_left_until_that_comes(world: World) -> None:
    """Redis may lose what it had; so that a log without its middle is never taken for a whole one."""
    world.plan(job("a"))
    started = JobStarted(seq=1, time=TIME, run=world.run, job="a")
    step = StepStarted(seq=2, time=TIME, run=world.run, job="a", step="make", image="busybox")
    finished = JobFinished(seq=3, time=TIME, run=world.run, job="a", status=Status.SUCCESS, duration_ms=1)
    assert world.report(world.task_of("a"), started) == [started]
    assert world.report(world.task_of("a"), finished) == []
    assert world.statuses() == {"a": "running"}
    assert world.report(world.task_of("a"), step, finished) == [step, finished]


def test_records_of_a_task_that_has_ended_are_refused(world: World) -> None:
    world.plan(job("a"))
    world.finish("a", Status.SUCCESS)
    late = JobFinished(seq=100, time=TIME, run=world.run, job="a", status=Status.FAILURE, duration_ms=1)
    assert world.report(world.task_of("a"), late) == []
    assert world.statuses() == {"a": "success"}


def test_records_of_an_unknown_task_are_refused(world: World) -> None:
    assert world.report("nobody-1-1", JobStarted(seq=1, time=TIME, run="nobody", job="a")) == []


def test_steps_show_what_became_of_them(world: World) -> None:
    world.plan(job("a"))
    world.report(
        world.task_of("a"),
        JobStarted(seq=1, time=TIME, run=world.run, job="a"),
        StepStarted(seq=2, time=TIME, run=world.run, job="a", step="make", image="busybox"),
        StepFinished(
            seq=3, time=TIME, run=world.run, job="a", step="make", status=Status.FAILURE, exit_code=7, duration_ms=5
        ),
    )
    assert world.statuses("steps") == {"make": "failure", "test": "pending"}


def test_artifact_that_is_reported_again_replaces_the_first(world: World) -> None:
    world.plan(job("a"))
    for seq, size in ((1, 10), (2, 20)):
        record = Artifact(
            seq=seq, time=TIME, run=world.run, job="a", step="make", path="x", size_bytes=size, sha256="0"
        )
        world.report(world.task_of("a"), record)
    with world.database.read() as connection:
        assert connection.execute(select(artifacts.c.size_bytes)).scalars().all() == [20]


def test_lost_worker_ends_its_job_and_the_run(world: World) -> None:
    world.plan(job("a"), job("b", "a"))
    world.report(
        world.task_of("a"),
        JobStarted(seq=1, time=TIME, run=world.run, job="a"),
        StepStarted(seq=2, time=TIME, run=world.run, job="a", step="make", image="busybox"),
    )
    lose(world, world.task_of("a"))
    assert world.statuses() == {"a": "lost", "b": "skipped"}
    assert world.run_status()[0] == "lost"
    with world.database.read() as connection:
        ours = select(steps.c.name, steps.c.status, steps.c.reason).join(jobs).where(jobs.c.name == "a")
        found = [tuple(row) for row in connection.execute(ours)]
    assert found == [("make", "lost", "gone"), ("test", "skipped", "gone")]


def test_lost_planning_is_asked_for_again_three_times_in_all(world: World) -> None:
    """Planning changes nothing, so to try again is safe."""
    for attempt in (1, 2, 3):
        assert world.pending() == [f"{world.run}-plan-{attempt}"]
        lose(world, f"{world.run}-plan-{attempt}")
    assert world.run_status() == ("lost", "gone")


def lose(world: World, task_id: str) -> None:
    with world.database.write() as connection:
        task = tasks.find(connection, task_id)
        assert task
        history.declare_lost(connection, task, "gone")


def test_cancelled_run_that_nobody_has_begun_ends_at_once(world: World) -> None:
    cancel(world)
    assert world.run_status() == ("cancelled", "enough")
    assert world.pending() == []
    world.plan(job("a"))
    assert world.statuses() == {}, "what the planning says afterwards is refused"


def test_cancelled_run_starts_no_more_jobs(world: World) -> None:
    world.plan(job("a"), job("b", "a"), job("c", "b"))
    cancel(world)
    assert world.run_status()[0] == "running", "a worker may have job a"
    world.finish("a", Status.SUCCESS)
    assert world.statuses() == {"a": "success", "b": "cancelled", "c": "skipped"}
    assert world.run_status() == ("cancelled", "enough")


def test_cancelled_run_is_never_a_success(world: World) -> None:
    """Its last job may have succeeded before it heard of the cancel."""
    world.plan(job("a"))
    cancel(world)
    world.finish("a", Status.SUCCESS)
    assert world.run_status()[0] == "cancelled"


def test_task_that_was_taken_back_ends_its_job(world: World) -> None:
    world.plan(job("a"), job("b", "a"))
    cancel(world)
    with world.database.write() as connection:
        [(task, reason)] = tasks.to_cancel(connection)
        history.end_withdrawn(connection, task, Status.CANCELLED, reason)
    assert world.statuses() == {"a": "cancelled", "b": "skipped"}
    assert set(world.statuses("steps").values()) == {"skipped"}
    assert world.run_status() == ("cancelled", "enough")


def test_run_that_has_ended_can_not_be_cancelled(world: World) -> None:
    world.plan()
    with pytest.raises(Conflict, match="has ended already"):
        cancel(world)
    assert world.run_status()[0] == "skipped"


def test_first_reason_of_a_cancel_counts(world: World) -> None:
    world.plan(job("a"))
    cancel(world, "the first")
    cancel(world, "the second")
    world.finish("a", Status.CANCELLED)
    assert world.run_status() == ("cancelled", "the first")


@pytest.mark.parametrize("kind", ["step", "service"])
def test_step_that_cancels_when_it_fails_cancels_the_other_jobs_too(world: World, kind: str) -> None:
    """One that a worker may have, one that waits for it, and the run is a failure: nobody has called it off."""
    fatal = replace(job("a").steps[0], name="fatal", failure="cancel")
    parts = {"service": {"services": (fatal,)}, "step": {"steps": (fatal,)}}
    world.plan(replace(job("a"), **parts[kind]), job("b"), job("c", "b"))
    end = StepFinished(
        seq=2, time=TIME, run=world.run, job="a", step="fatal", status=Status.FAILURE, exit_code=4, duration_ms=1
    )
    world.report(world.task_of("a"), JobStarted(seq=1, time=TIME, run=world.run, job="a"), end)
    reason = f"{kind} fatal failed and cancels the run"
    with world.database.read() as connection:
        assert (world.task_of("b"), reason) in [(task.id, why) for task, why in tasks.to_cancel(connection)]
    over = JobFinished(seq=3, time=TIME, run=world.run, job="a", status=Status.FAILURE, duration_ms=1)
    world.report(world.task_of("a"), over)
    world.finish("b", Status.CANCELLED)
    assert world.statuses() == {"a": "failure", "b": "cancelled", "c": "skipped"}
    assert world.run_status() == ("failure", reason)


def cancel(world: World, reason: str = "enough") -> None:
    with world.database.write() as connection:
        history.cancel(connection, world.run, reason)


def ordered(world: World, name: str) -> JobOrder:
    with world.database.read() as connection:
        task = tasks.find(connection, world.task_of(name))
        assert task is not None
        order = order_of(connection, task, Keyring.fresh(), server_url="https://ci.example.org")
    assert isinstance(order, JobOrder)
    return order


def test_a_job_is_told_what_steps_before_it_have_written(world: World) -> None:
    build, deploy = job("build"), job("deploy", "build")
    make, test = build.steps
    outputs = {"VERSION": "7", "TAG": "v7"}
    writes = msgspec.structs.replace(make, outputs=tuple(outputs))
    world.plan(msgspec.structs.replace(build, steps=(writes, test)), deploy)
    end = StepFinished(
        seq=1,
        time=TIME,
        run=world.run,
        job="build",
        step="make",
        status=Status.SUCCESS,
        duration_ms=1,
        outputs=outputs,
    )
    world.report(world.task_of("build"), end)
    ended = JobFinished(seq=2, time=TIME, run=world.run, job="build", status=Status.SUCCESS, duration_ms=1)
    world.report(world.task_of("build"), ended)
    assert ordered(world, "deploy").job.variables == {"CI_OUTPUT_MAKE_VERSION": "7", "CI_OUTPUT_MAKE_TAG": "v7"}
    assert ordered(world, "build").job.variables == {}


def test_a_job_is_told_nothing_of_steps_that_have_no_outputs(world: World) -> None:
    world.plan(job("build"), job("deploy", "build"))
    world.finish("build", Status.SUCCESS)
    assert ordered(world, "deploy").job == job("deploy", "build")
