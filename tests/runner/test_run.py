"""All jobs of a plan, carried out on one machine."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from pipelines.event import Event
from pipelines.plan import Plan, PlannedJob
from pipelines.records import AnyRecord, JobFinished, RunFinished
from pipelines.status import Status
from runner.backend import Ticket
from runner.execute import execute
from runner.run import run_plan
from runner.scribe import Scribe
from runner.source.tarstream import tar_stream
from runner.stop import Stop
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import World


def test_a_step_that_cancels_when_it_fails_ends_other_jobs_and_the_run_is_a_failure(tmp_path: Path) -> None:
    world = World(backend=ScriptedBackend(), image="scripted", directory=tmp_path)
    begun = tmp_path / "begun"
    fatal = world.step("fatal", f"until test -e {begun}; do sleep 0.05; done; exit 4", failure="cancel")
    long = world.job(world.step("endless", f"touch {begun}; sleep 100"), name="long")
    after = world.job(world.step("never", "true"), name="after", depends_on=("long",), workflow="after")
    records: list[AnyRecord] = []
    scribe = Scribe("r1", records.append)
    stop = Stop()

    def empty() -> Iterator[bytes]:
        return tar_stream(())

    def perform(job: PlannedJob) -> Status:
        ticket = Ticket(run="r1", job=job.name)
        return execute(job, world.backend, scribe, ticket=ticket, tree=empty, artifacts=world.artifacts, stop=stop)

    jobs = (replace(world.job(fatal), name="fatal"), replace(long, workflow="long"), after)
    assert run_plan(Plan(event=Event(), jobs=jobs), perform, scribe, jobs_at_once=2) is Status.FAILURE
    ends = {each.job: each.status.value for each in records if isinstance(each, JobFinished)}
    assert ends == {"fatal": "failure", "long": "cancelled", "after": "skipped"}
    assert isinstance(records[-1], RunFinished)
