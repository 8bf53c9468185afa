"""The engine dies, stops, hangs or restarts while a step runs: the step goes on, or ends as *error* with the reason."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.records import AnyRecord, Stream
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.ownership import RUN, Owner, this_process
from runner.engine.sweep import sweep
from runner.stop import Stop
from tests.faults.interposer import Holding, interposed
from tests.faults.private_engine import PrivateEngine
from tests.runner.world import FAILURE, Result, World, wait_for, when_it_says
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

SHORT_SECONDS = 5.0
LONG_SECONDS = 150.0
"""Patiences: one that is to be used up, and one that outlasts any engine's coming back."""

# What a job leaves behind when it gives up bears this owner: a sweep takes its process for one that has ended.
ENDED = Owner(host=this_process().host, process="1.0.another-boot")

COUNT = "echo up; i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo $i; sleep 0.1; done; echo counted"
UNTIL_HEARD = f"echo up; {wait_for('heard')}; echo heard"
GOES_ON = "the output broke off and goes on here: what the step printed in between is lost"
FOREVER = "echo up; while :; do sleep 0.1; done"
GIVES_IN = f"trap 'echo stopped; exit 0' TERM; {FOREVER}"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.engine.vigil._LOOK_SECONDS", 0.5)


@pytest.fixture(scope="module")
def mortal() -> Iterator[PrivateEngine]:
    """An engine that ends its containers when it stops."""
    with closing(PrivateEngine()) as engine:
        yield engine


@pytest.fixture(scope="module")
def surviving() -> Iterator[PrivateEngine]:
    """An engine whose containers live on without it."""
    with closing(PrivateEngine(live_restore=True)) as engine:
        yield engine


def world_on(
    engine: PrivateEngine, directory: Path, *, patience_seconds: float = SHORT_SECONDS, url: str = ""
) -> World:
    """A world on this engine, which is up again if it was not, reached at its own or at this address."""
    if engine.runs:
        engine.thaw()  # a test before may have failed
    else:
        engine.start()
    backend = DockerBackend(url or engine.url, owner=ENDED, stop_grace_seconds=1, patience_seconds=patience_seconds)
    return World(backend=backend, image=engine.busybox(), directory=directory)


def run(
    world: World,
    command: str,
    act: Callable[[], None],
    *,
    stop: Stop | None = None,
    also: Callable[[AnyRecord], None] = lambda _record: None,
    **values: Any,
) -> Result:
    """Run a step, do something to the engine once it says that it is up, and, if there is no stop, two steps after.

    `also` sees each Record.
    """

    def watch(record: AnyRecord) -> None:
        when_it_says("up", act)(record)
        also(record)

    began = time.monotonic()
    after = [] if stop else [world.step("b", "echo after"), world.step("mourn", on=FAILURE)]
    steps = world.chain(world.step("a", command), *after)
    result = world.run(*steps, watch=watch, stop=stop, **values)
    assert time.monotonic() - began < LONG_SECONDS, "it must not hang"
    assert isinstance(world.backend, DockerBackend)
    world.backend.close()
    return result


def left(engine: PrivateEngine) -> list[str]:
    """What the engine still holds that is ours."""
    with closing(Engine(engine.url)) as client:
        return [each.name for each in (*client.containers(RUN), *client.networks(RUN), *client.volumes(RUN))]


def swept(engine: PrivateEngine) -> bool:
    """True if a sweep leaves nothing."""
    with closing(Engine(engine.url)) as client:
        sweep(client, ENDED.host)
    return left(engine) == []


def later(seconds: float, act: Callable[[], object]) -> None:
    """Do it after a while: an engine that is away for a moment."""
    threading.Timer(seconds, act).start()


def assert_error(result: Result, reason: str) -> None:
    """The step and the job ended as *error* for this reason, what came of the log is kept, and nothing followed."""
    assert result.statuses() == {"a": "error", "b": "skipped", "mourn": "skipped"}
    assert reason in result.finished("a").reason
    assert result.status is Status.ERROR
    assert reason in result.job.reason
    assert result.lines("a", Stream.STDOUT)[0] == "up"


def test_engine_that_is_killed_and_stays_away_is_an_error_after_its_patience(
    mortal: PrivateEngine, tmp_path: Path
) -> None:
    result = run(world_on(mortal, tmp_path), FOREVER, mortal.kill)
    assert_error(result, f"no container engine answers at {mortal.url}")
    assert "waited 5 s for it to come back" in result.job.reason
    assert result.lines("a", Stream.SYSTEM)[-1] == (
        "the container engine doesn't answer: waiting up to 5 s for it to come back"
    )
    mortal.start()
    assert swept(mortal)


def test_engine_that_is_stopped_never_makes_a_success_of_a_program_that_gives_in(
    mortal: PrivateEngine, tmp_path: Path
) -> None:
    result = run(world_on(mortal, tmp_path), GIVES_IN, lambda: mortal.send(signal.SIGTERM))
    assert_error(result, "no container engine answers at ")
    mortal.wait()
    mortal.start()
    assert swept(mortal)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_restarted_engine_is_named_as_what_ended_the_step(
    mortal: PrivateEngine, tmp_path: Path, end: signal.Signals
) -> None:
    """Whatever exit code the program has; and the job cleans up after itself."""

    def restart() -> None:
        mortal.send(end)
        mortal.wait()
        mortal.start()

    world = world_on(mortal, tmp_path, patience_seconds=LONG_SECONDS)
    result = run(world, GIVES_IN, lambda: later(0, restart))
    assert_error(result, "the container engine was stopped or restarted, which ended the step's container")
    assert left(mortal) == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_step_goes_on_through_a_restart_that_its_container_survives(
    surviving: PrivateEngine, tmp_path: Path, end: signal.Signals
) -> None:
    def restart() -> None:
        surviving.send(end)
        surviving.wait()
        surviving.start()

    world = world_on(surviving, tmp_path, patience_seconds=LONG_SECONDS)
    also = when_it_says(GOES_ON, lambda: world.touch("heard"))
    result = run(world, UNTIL_HEARD, lambda: later(0, restart), also=also)
    assert result.statuses() == {"a": "success", "b": "success", "mourn": "skipped"}
    assert result.lines("a", Stream.STDOUT) == ["up", "heard"]
    assert left(surviving) == []


@pytest.mark.parametrize(("code", "status"), [(0, "success"), (3, "failure")])
def test_step_that_ends_while_the_engine_is_away_has_its_own_exit_code(
    surviving: PrivateEngine, tmp_path: Path, code: int, status: str
) -> None:
    world = world_on(surviving, tmp_path, patience_seconds=LONG_SECONDS)

    def be_away() -> None:
        surviving.kill()
        later(1.0, surviving.start)

    result = run(world, f"echo up; sleep 0.5; exit {code}", be_away)
    assert result.statuses()["a"] == status
    assert result.finished("a").exit_code == code
    assert left(surviving) == []


def test_engine_that_hangs_for_good_is_an_error_after_its_patience(mortal: PrivateEngine, tmp_path: Path) -> None:
    world = world_on(mortal, tmp_path)
    try:
        result = run(world, FOREVER, mortal.freeze)
    finally:
        mortal.thaw()
    assert_error(result, f"the container engine at {mortal.url} took too long to inspect a container")
    assert swept(mortal)


def test_engine_that_hangs_for_a_while_is_waited_for(mortal: PrivateEngine, tmp_path: Path) -> None:
    def freeze() -> None:
        mortal.freeze()
        later(2.5, mortal.thaw)

    result = run(world_on(mortal, tmp_path, patience_seconds=LONG_SECONDS), COUNT, freeze)
    assert result.statuses() == {"a": "success", "b": "success", "mourn": "skipped"}
    assert result.lines("a", Stream.STDOUT) == ["up", *map(str, range(1, 31)), "counted"], "and nothing is lost"
    assert left(mortal) == []


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_cancel_does_not_wait_for_an_engine_that_is_lost(mortal: PrivateEngine, tmp_path: Path, trouble: str) -> None:
    """Not for its patience, but no longer than for a container, or an answer that is due."""
    patience_seconds = LONG_SECONDS if trouble == "killed" else SHORT_SECONDS
    world, stop = world_on(mortal, tmp_path, patience_seconds=patience_seconds), Stop()
    began: list[float] = []

    def act() -> None:
        if trouble == "killed":
            mortal.kill()
        else:
            mortal.freeze()
        began.append(time.monotonic())
        later(0.3, lambda: stop.request(Status.CANCELLED, "enough"))

    result = run(world, FOREVER, act, stop=stop)
    took = time.monotonic() - began[0]
    if trouble == "killed":
        mortal.start()
    else:
        mortal.thaw()
    assert result.finished("a").status is Status.CANCELLED
    assert took < 60
    assert swept(mortal)


def test_engine_whose_socket_is_held_and_that_never_answers_is_an_error_after_its_patience(
    mortal: PrivateEngine, tmp_path: Path
) -> None:
    """As where systemd listens in its place, and can't start it."""
    with interposed(mortal.url, holding=Holding.HELD) as between:
        result = run(world_on(mortal, tmp_path, url=between.url), FOREVER, mortal.kill)
    assert_error(result, f"the container engine at {between.url} took too long to inspect a container")
    mortal.start()
    assert swept(mortal)


def test_step_goes_on_if_the_engine_whose_socket_is_held_comes_back(surviving: PrivateEngine, tmp_path: Path) -> None:
    def restart() -> None:
        surviving.kill()
        later(1.5, surviving.start)

    with interposed(surviving.url, holding=Holding.HELD) as between:
        world = world_on(surviving, tmp_path, patience_seconds=LONG_SECONDS, url=between.url)
        result = run(world, COUNT, restart)
    assert result.statuses() == {"a": "success", "b": "success", "mourn": "skipped"}
    assert left(surviving) == []


def test_engine_that_has_yet_to_start_behind_its_socket_is_waited_for(
    engine_url: str, busybox: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.engine.connection._TELLING_SECONDS", 0.3)
    held = interposed("unix:///nowhere", holding=Holding.HELD)
    with held as between, closing(DockerBackend(between.url, patience_seconds=LONG_SECONDS)) as backend:
        told = f"the container engine at {between.url} takes connections and doesn't answer yet"
        start = partial(setattr, between, "behind", engine_url.removeprefix("unix://"))
        later(0, lambda: (wait_until(lambda: told in caplog.text), start()))
        world = World(backend=backend, image=busybox, directory=tmp_path)
        result = world.run(world.step("a", "echo up"))
    assert result.lines("a") == ["up"]
    assert told in caplog.text


def test_engine_that_never_starts_behind_its_socket_is_an_error_that_says_so(busybox: str, tmp_path: Path) -> None:
    held = interposed("unix:///nowhere", holding=Holding.HELD)
    with held as between, closing(DockerBackend(between.url, patience_seconds=0.5)) as backend:
        world = World(backend=backend, image=busybox, directory=tmp_path)
        began = time.monotonic()
        result = world.run(world.step("a", "echo up"))
        assert time.monotonic() - began < LONG_SECONDS
    assert result.status is Status.ERROR
    assert result.job.reason.startswith(
        f"the container engine at {between.url} takes connections and has not answered for 0.5 s"
    )


def test_services_go_on_through_a_restart_too(surviving: PrivateEngine, tmp_path: Path) -> None:
    world = world_on(surviving, tmp_path, patience_seconds=LONG_SECONDS)
    service = world.step("web", "mkdir /www; echo served > /www/index.html; httpd -f -p 8080 -h /www")

    def restart() -> None:
        surviving.kill()
        surviving.start()

    ask = 'echo up; sleep 1; until [ "$(wget -qO- http://web:8080)" = served ]; do sleep 0.1; done'
    result = run(world, ask, lambda: later(0, restart), services=(service,))
    assert result.statuses() == {"a": "success", "b": "success", "mourn": "skipped", "web": "success"}
    assert left(surviving) == []


def test_workspace_is_filled_anew_if_the_engine_restarts_meanwhile(mortal: PrivateEngine, tmp_path: Path) -> None:
    """No step has run, so all of it can be made again."""
    world = world_on(mortal, tmp_path, patience_seconds=LONG_SECONDS)
    assert isinstance(world.backend, DockerBackend)
    assert world.backend.machine.info.cpus, "an engine that has never answered isn't waited for"
    fills: list[int] = []

    def tree() -> Iterator[bytes]:
        fills.append(1)
        if len(fills) == 1:
            mortal.kill()
            mortal.start()
        yield b"\0" * 1024

    result = world.run(world.step("a", "echo here"), tree=tree)
    assert result.lines("a") == ["here"]
    assert len(fills) == 2
    assert left(mortal) == []
