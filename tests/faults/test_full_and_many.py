"""Too much of it: output, jobs at once, a full disk, a range of networks that is taken; and a clock that jumps."""

import hashlib
import threading
import time
from contextlib import closing
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from pipelines.records import AnyRecord, Log, Stream
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.ownership import PROCESS, ROLE, RUN, this_process
from tests.faults.private_engine import PrivateEngine
from tests.runner.world import FAILURE, World, when_it_says
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


def left(engine: Engine, *runs: str) -> list[str]:
    """What the engine holds of these runs."""
    found = (*engine.containers(RUN), *engine.networks(RUN), *engine.volumes(RUN))
    return [each.name for each in found if each.labels[RUN] in runs and each.labels[PROCESS] == this_process().process]


@pytest.mark.parametrize("times", [5, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_five_megabytes_and_then_the_end_come_whole_each_time(world: World, times: int) -> None:
    line = b"x" * 99 + b"\n"
    steps = [world.step(str(number), f"yes {'x' * 99} | head -n 50000") for number in range(times)]
    result = world.run(*world.chain(*steps))
    expected = hashlib.sha256(line * 50_000).digest()
    for step in steps:
        text = "".join(f"{line}\n" for line in result.lines(step.name, Stream.STDOUT)).encode()
        assert hashlib.sha256(text).digest() == expected, step.name


def test_output_is_whole_however_slowly_it_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container has long ended when its last bytes are taken."""
    monkeypatch.setattr("runner.engine.reader.OUTPUT_GRACE_SECONDS", 0.5)
    is_slow = threading.Event()

    def take(record: AnyRecord) -> None:
        if isinstance(record, Log) and record.stream is Stream.STDOUT and not is_slow.is_set():
            is_slow.set()
            time.sleep(3)  # what is tested is time: a reader that is slower than any grace

    result = world.run(world.step("a", f"yes {'x' * 99} | head -n 5000"), watch=take)
    assert len(result.lines("a", Stream.STDOUT)) == 5000


@pytest.mark.parametrize("jobs", [8, pytest.param(40, marks=pytest.mark.long)])
def test_many_jobs_at_once_each_have_a_network(world: World, engine: Engine, jobs: int) -> None:
    """A default engine has room for 30."""
    statuses: dict[str, Status] = {}

    def run(name: str) -> None:
        statuses[name] = world.run(world.step("a", "sleep 0.2"), run=name).status

    names = [f"many-{jobs}-{number}" for number in range(jobs)]
    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == dict.fromkeys(names, Status.SUCCESS)
    assert left(engine, *names) == []


def test_range_whose_every_subnet_another_network_overlaps_is_named(
    engine_url: str, busybox: str, tmp_path: Path
) -> None:
    pool = IPv4Network("10.234.1.0/28")
    with closing(DockerBackend(engine_url, network_range=pool)) as backend, closing(Engine(engine_url)) as engine:
        engine.create_network("headrace-test-overlap", "10.234.0.0/16", {})
        try:
            world = World(backend=backend, image=busybox, directory=tmp_path)
            result = world.run(world.step("a"), run="overlap")
        finally:
            engine.remove_network("headrace-test-overlap")
        assert result.job.reason.startswith("no free network for 1 containers in 10.234.1.0/28")
        assert result.status is Status.ERROR
        assert left(engine, "overlap") == []


def test_full_disk_of_the_engine_is_named_and_all_is_removed(tmp_path: Path) -> None:
    with closing(PrivateEngine(disk="64m")) as engine:
        engine.start()
        with closing(DockerBackend(engine.url, stop_grace_seconds=1)) as backend:
            world = World(backend=backend, image=engine.busybox(), directory=tmp_path)
            steps = world.chain(
                world.step("a", "dd if=/dev/zero of=fill bs=1M count=200"),
                world.step("mourn", "echo never", on=FAILURE),
            )
            result = world.run(*steps, run="full")
            assert result.finished("a").reason == "exit code 1 (its output says: no space left on device)"
            assert result.statuses() == {"a": "failure", "mourn": "error"}
            assert "no space left on device" in result.job.reason, "the engine can't make another container"
            assert left(backend.engine, "full") == []


def test_clock_that_jumps_by_hours_changes_neither_time_limits_nor_durations(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hours = time.time, [0]
    monkeypatch.setattr("time.time", lambda: real() + 3600 * hours[0])

    def jump() -> None:
        hours[0] = 2 if hours[0] <= 0 else -2

    steps = world.chain(
        world.step("a", "echo up; sleep 0.5", timeout=60), world.step("b", "echo up; sleep 0.5", timeout=60)
    )
    result = world.run(*steps, watch=when_it_says("up", jump))
    assert result.statuses() == {"a": "success", "b": "success"}
    assert all(500 <= result.finished(name).duration_ms < 60_000 for name in ("a", "b"))


def test_step_that_is_made_ready_and_never_runs_is_removed_at_once(world: World, engine: Engine) -> None:
    """While the job goes on, not only at its end."""
    held: list[int] = []

    def watch(record: AnyRecord) -> None:
        when_it_says("up", lambda: held.append(wait_until(lambda: waiting() - 1, what="one is held")))(record)
        when_it_says("alas", never_is_gone)(record)

    def never_is_gone() -> None:
        wait_until(lambda: waiting() == 1, what="only the one that runs is there")

    def waiting() -> int:
        return sum(ROLE not in each.labels for each in engine.containers(f"{RUN}=held-in-vain"))

    chain = world.chain(
        world.step("a", "echo up; sleep 0.5; exit 1"),
        world.step("never", "echo never"),
        world.step("mourn", "echo alas; sleep 0.5", on=FAILURE),
    )
    result = world.run(*chain, run="held-in-vain", watch=watch)
    assert held
    assert result.statuses() == {"a": "failure", "never": "skipped", "mourn": "success"}
    assert left(engine, "held-in-vain") == []


def test_no_more_containers_start_at_once_than_one_more_than_processors(
    world: World, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(world.backend, DockerBackend)
    at_once, most, lock = [0], [0], threading.Lock()
    start = Engine.start

    def counted(engine: Engine, container: str) -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        try:
            start(engine, container)
        finally:
            with lock:
                at_once[0] -= 1

    monkeypatch.setattr(Engine, "start", counted)
    assert world.run(*[world.step(str(number)) for number in range(8)]).status is Status.SUCCESS
    assert 1 <= most[0] <= world.backend.machine.info.cpus + 1
