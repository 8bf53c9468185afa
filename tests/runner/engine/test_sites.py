"""A Site on a real engine: all that is made for a job bears its name, and nothing is left of it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord, Log, StepStarted
from pipelines.status import Status
from runner.backend import Ticket
from runner.engine.client import Engine, EngineRefusal
from runner.engine.containers import DockerBackend
from runner.engine.ownership import ATTEMPT, HOST, JOB, PROCESS, RUN, this_process
from runner.engine.spec import NO_NETWORK
from runner.errors import BackendError
from runner.stop import Stop
from tests.runner.engine.belongings import is_ours, left
from tests.runner.engine.sites import empty_tree
from tests.runner.world import FAILURE, World, wait_for, when_it_says

pytestmark = pytest.mark.docker


def test_everything_made_for_a_job_says_whose_it_is(containers: World, engine: Engine) -> None:
    seen: dict[str, list[str]] = {}

    def watch(record: AnyRecord) -> None:
        if isinstance(record, Log) and "up" in record.lines and record.step == "a":
            for kind in ("containers", "networks", "volumes"):
                found = getattr(engine, kind)(f"{RUN}=labelled")
                seen[kind] = [each.name for each in found if is_ours(each)]
                for each in filter(is_ours, found):
                    assert each.labels[JOB] == "build"
                    assert each.labels[ATTEMPT] == "1"
                    assert each.labels[HOST] == this_process().host
                    assert each.labels[PROCESS] == this_process().process
            containers.touch("seen", run="labelled")

    service = containers.step("db", "sleep 60")
    result = containers.run(
        containers.step("a", f"echo up; {wait_for('seen')}"), services=(service,), run="labelled", watch=watch
    )
    assert result.status is Status.SUCCESS
    assert {kind: len(names) for kind, names in seen.items()} == {"containers": 4, "networks": 1, "volumes": 2}


@pytest.mark.parametrize(
    ("name", "command", "image"),
    [("good", "true", None), ("bad", "exit 1", None), ("lost", "true", "missing/image"), ("stopped", "sleep 60", None)],
)
def test_nothing_is_left(containers: World, engine: Engine, name: str, command: str, image: str | None) -> None:
    stop = Stop()

    def watch(record: AnyRecord) -> None:
        if name == "stopped" and isinstance(record, StepStarted) and record.step == "a":
            stop.request(Status.CANCELLED, "enough")

    step = PlannedStep(name="a", image=image or containers.image, commands=(command,))
    service = containers.step("db", "sleep 60")
    containers.run(step, services=(service,), stop=stop, watch=watch, run=f"left-{name}")
    assert left(engine, f"left-{name}") == []


def test_nothing_is_left_of_a_workspace_that_could_not_be_filled(containers: World, engine: Engine) -> None:
    def tree() -> Iterator[bytes]:
        yield b"this is no tar" * 512

    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run="unfilled", job="build"), tree, Stop())
    with closing(site), pytest.raises(BackendError):
        site.wait_until_open()
    assert left(engine, "unfilled") == []


def test_a_network_goes_even_if_an_engine_lets_nobody_off_it(
    containers: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = Engine.leave_network

    def refuse(engine: Engine, name: str, container: str) -> None:
        if name != NO_NETWORK:
            raise EngineRefusal("not here", 500)
        leave(engine, name, container)

    monkeypatch.setattr(Engine, "leave_network", refuse)
    assert containers.run(containers.step("a"), run="clung").status is Status.SUCCESS
    assert left(engine, "clung") == []


def test_closing_twice_is_fine(containers: World) -> None:
    job = containers.job(containers.step("a"))
    site = containers.backend.open(job, Ticket(run="twice", job="build"), empty_tree, Stop())
    site.close()
    site.close()


def test_no_engine_is_one_line_that_says_what_to_do(containers: World) -> None:
    containers.backend = DockerBackend("unix:///nowhere/docker.sock")
    result = containers.run(containers.step("a"))
    assert result.status is Status.ERROR
    assert result.job.reason == (
        "no container engine answers at unix:///nowhere/docker.sock (is Docker running? start it, or set DOCKER_HOST)"
    )


def test_a_container_that_an_operator_removed_ends_its_step(containers: World, engine: Engine) -> None:
    def remove() -> None:
        for each in engine.containers(f"{RUN}=operator"):
            if "headrace.role" not in each.labels:
                engine.remove_container(each.name)

    step = containers.step("a", "echo up; sleep 60")
    result = containers.run(step, run="operator", watch=when_it_says("up", remove))
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason == "its container was removed by somebody else while it ran"
    assert left(engine, "operator") == []


def test_steps_after_a_failure_use_the_same_workspace(containers: World) -> None:
    bad = containers.step("bad", "echo why > reason; exit 1")
    result = containers.run(*containers.chain(bad, containers.step("mourn", "cat reason", on=FAILURE)))
    assert result.lines("mourn") == ["why"]
