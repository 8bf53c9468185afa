"""What a worker is told of a job."""

from pathlib import Path

import msgspec

from pipelines.records import StepFinished
from pipelines.status import Status
from tests.worker.test_history import TIME, World, job
from worker.exchange import JobOrder
from worker.orders import order_of
from worker.store import tasks


def ordered(world: World, name: str) -> JobOrder:
    with world.database.read() as connection:
        task = tasks.find(connection, world.task_of(name))
        assert task is not None
        order = order_of(connection, task, "https://ci.example.org")
    assert isinstance(order, JobOrder)
    return order


def test_a_job_is_told_what_steps_before_it_have_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    build, deploy = job("build"), job("deploy", "build")
    make, test = build.steps
    outputs = {"VERSION": "7", "TAG": "v7"}
    writes = msgspec.structs.replace(make, outputs=tuple(outputs))
    world.plan(msgspec.structs.replace(build, steps=(writes, test)), deploy)
    end = StepFinished(
        seq=2,
        time=TIME,
        run=world.run,
        job="build",
        step="make",
        status=Status.SUCCESS,
        duration_ms=1,
        outputs=outputs,
    )
    world.report(world.task_of("build"), end)
    world.finish("build", Status.SUCCESS)
    assert ordered(world, "deploy").job.variables == {"CI_OUTPUT_MAKE_VERSION": "7", "CI_OUTPUT_MAKE_TAG": "v7"}
    assert ordered(world, "build").job.variables == {}


def test_a_job_is_told_nothing_of_steps_that_have_no_outputs(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.plan(job("build"), job("deploy", "build"))
    world.finish("build", Status.SUCCESS)
    assert ordered(world, "deploy").job == job("deploy", "build")
