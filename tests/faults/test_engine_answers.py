"""The engine answers badly, late or not at all: what can be asked again is, and all else is an *error* that says so."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.ownership import HOST, RUN, Owner, this_process
from runner.engine.sweep import sweep
from tests.faults.interposer import Fault, Interposer, Trouble, interposed
from tests.runner.world import FAILURE, Result, World, wait_for, when_it_says

pytestmark = pytest.mark.docker

NEVER_MIND_SECONDS = 300.0
ENDED = Owner(host=f"answers-{os.getpid()}-{this_process().host}", process="1.0.another-boot")

REQUESTS = {
    "network": "POST /networks/create",
    "volume": "POST /volumes/create",
    "image": "GET /images/.*/json",
    "create": "POST /containers/create",
    "start": "POST /containers/[^/]*/start",
    "attach": "POST /containers/[^/]*/attach",
    "wait": "POST /containers/[^/]*/wait",
    "state": "GET /containers/[^/]*/json",
    "fill": "PUT /containers/[^/]*/archive",
    "list": "GET /containers/json",
    "remove a container": "DELETE /containers/[^/]*",
    "remove a network": "DELETE /networks/[^/]*",
    "remove a volume": "DELETE /volumes/[^/]*",
}
TROUBLES = (Trouble.REFUSE_500, Trouble.DROP_REQUEST, Trouble.DROP_ANSWER)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.engine.vigil._LOOK_SECONDS", 0.5)


@pytest.fixture
def between(engine_url: str) -> Iterator[Interposer]:
    """What stands between us and the tests' engine."""
    with interposed(engine_url) as interposer:
        yield interposer


@pytest.fixture
def world(between: Interposer, busybox: str, tmp_path: Path) -> Iterator[World]:
    """A world on that engine, patient enough for a machine that is busy with other things, too."""
    with world_on(between, busybox, tmp_path, patience_seconds=150) as world:
        yield world


@pytest.fixture
def impatient(between: Interposer, busybox: str, tmp_path: Path) -> Iterator[World]:
    """The same, which gives up soon."""
    with world_on(between, busybox, tmp_path, patience_seconds=5) as world:
        yield world


@contextmanager
def world_on(between: Interposer, image: str, directory: Path, *, patience_seconds: float) -> Iterator[World]:
    backend = DockerBackend(between.url, owner=ENDED, stop_grace_seconds=1, patience_seconds=patience_seconds)
    assert backend.machine.info.cpus, "an engine that has never answered isn't waited for"
    with closing(backend):
        yield World(backend=backend, image=image, directory=directory)


def run(world: World, name: str) -> Result:
    """Run a job with a service and three steps."""
    began = time.monotonic()
    steps = world.chain(
        world.step("a", "echo one"), world.step("b", "echo two"), world.step("mourn", "echo alas", on=FAILURE)
    )
    service = world.step("db", "sleep 60")
    result = world.run(*steps, services=(service,), run=name)
    assert time.monotonic() - began < NEVER_MIND_SECONDS, "it must not hang"
    return result


def left(engine: Engine, name: str) -> list[str]:
    """What the engine holds of a run."""
    label = f"{RUN}={name}"
    found = (*engine.containers(label), *engine.networks(label), *engine.volumes(label))
    return [each.name for each in found if each.labels[HOST] == ENDED.host]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_bad_answer_to_each_question_changes_nothing(
    world: World, between: Interposer, engine: Engine, trouble: Trouble
) -> None:
    faults = [Fault(pattern=pattern, trouble=trouble) for pattern in REQUESTS.values()]
    between.faults += faults
    assert_unchanged(world, engine, f"each-{trouble.name}")
    assert [fault.pattern for fault in faults if not fault.has_struck] == []


@pytest.mark.long
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("question", REQUESTS)
def test_a_single_bad_answer_changes_nothing(
    world: World, between: Interposer, engine: Engine, trouble: Trouble, question: str
) -> None:
    fault = Fault(pattern=REQUESTS[question], trouble=trouble)
    between.faults.append(fault)
    assert_unchanged(world, engine, f"once-{question.replace(' ', '-')}-{trouble.name}")
    assert fault.has_struck


def assert_unchanged(world: World, engine: Engine, name: str) -> None:
    """The job runs as if nothing had happened, and leaves nothing."""
    result = run(world, name)
    assert result.job.reason == ""
    assert result.statuses() == {"a": "success", "b": "success", "mourn": "skipped", "db": "success"}
    assert (result.lines("a", Stream.STDOUT), result.lines("b", Stream.STDOUT)) == (["one"], ["two"])
    assert left(engine, name) == []


@pytest.mark.parametrize(
    ("question", "trouble"),
    [
        ("wait", Trouble.REFUSE_500),
        ("start", Trouble.HANG),
        ("remove a network", Trouble.REFUSE_409),
        *[
            pytest.param(question, trouble, marks=pytest.mark.long)
            for question in ("network", "volume", "create", "start", "attach", "wait", "state", "remove a volume")
            for trouble in (Trouble.REFUSE_500, Trouble.REFUSE_409, Trouble.HANG)
            if (question, trouble) != ("wait", Trouble.HANG)
        ],
    ],
)
def test_an_answer_that_stays_bad_is_an_error_that_says_so(
    impatient: World, between: Interposer, engine: Engine, trouble: Trouble, question: str
) -> None:
    between.faults.append(Fault(pattern=REQUESTS[question], trouble=trouble, times=10_000))
    name = f"always-{question.replace(' ', '-')}-{trouble.name}"
    result = run(impatient, name)
    assert result.status is Status.ERROR
    assert ("took too long" if trouble is Trouble.HANG else "injected") in result.job.reason
    assert result.statuses()["mourn"] == "skipped"
    if not question.startswith("remove"):
        assert result.statuses()["a"] in ("error", "skipped")
    between.faults.clear()
    sweep(engine, ENDED.host)
    assert left(engine, name) == []


def test_step_ends_even_if_the_engine_never_says_so_by_itself(
    world: World, between: Interposer, engine: Engine
) -> None:
    between.faults.append(Fault(pattern=REQUESTS["wait"], trouble=Trouble.HANG, times=10_000))
    assert_unchanged(world, engine, "never-told")


def test_step_whose_output_breaks_off_goes_on_and_its_log_says_so(
    world: World, between: Interposer, engine: Engine
) -> None:
    between.faults.append(Fault(pattern=REQUESTS["attach"], trouble=Trouble.CUT))
    step = world.step("a", "echo before", "printf 'c%st\\n' u", wait_for("heard"), "echo after", timeout=150)
    goes_on = "the output broke off and goes on here: what the step printed in between is lost"
    result = world.run(step, run="cut", watch=when_it_says(goes_on, lambda: world.touch("heard", run="cut")))
    assert result.status is Status.SUCCESS
    assert result.lines("a", Stream.STDOUT) == ["before", "cut", "after"]
    assert left(engine, "cut") == []
