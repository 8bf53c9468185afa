"""What a container may take, as the engine keeps it, and how a step that met a limit is told."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import msgspec
import pytest

from pipelines.details import Resources
from pipelines.records import AnyRecord, StepFinished, Stream
from pipelines.status import Status
from runner.backend import Outcome
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.limits import Limits, allowance_of, limits_of
from runner.engine.symptoms import Symptoms
from tests.runner.engine.inspecting import UNTIL_SEEN, inspect, look_once_up, seen_while_it_runs
from tests.runner.world import World, wait_for

MEGABYTE = 1 << 20
FOREVER = "while :; do sleep 0.1; done"
UNTIL_KNOWN = "sleep 3"
"""Of a child that was killed, the engine hears a moment later, and never if the container ends in the same moment."""


def test_memory_is_limited_together_with_swap() -> None:
    options = Limits(memory_bytes=64 * MEGABYTE).for_engine()
    assert options["Memory"] == options["MemorySwap"] == 64 * MEGABYTE


def test_what_is_not_given_is_not_limited_but_for_processes() -> None:
    assert Limits().for_engine() == {"PidsLimit": 4096}


@pytest.fixture
def container(engine: Engine, busybox: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A container under the Limits of the test's parameter, which sleeps."""
    limits: Limits = request.param
    host = {**limits.for_engine(), "NetworkMode": "none"}
    options = {"Image": busybox, "Entrypoint": ["sleep", "60"], "HostConfig": host}
    identifier = engine.create_container(options, f"headrace-test-limits-{id(request)}")
    try:
        engine.start(identifier)
        yield identifier
    finally:
        engine.remove_container(identifier)


def under(limits: Limits) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("container", [limits], indirect=True, ids=["limits"])


@pytest.mark.docker
@under(Limits(memory_bytes=48 * MEGABYTE, cpus=0.5, processes=20, open_files=512))
def test_the_engine_keeps_every_limit(engine: Engine, container: str) -> None:
    host = inspect(container)["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (48 * MEGABYTE, 500_000_000, 20)
    assert host["MemorySwap"] in (48 * MEGABYTE, -1)  # -1: a kernel that doesn't count swap
    assert engine.execute(container, ["sh", "-c", "ulimit -n; ulimit -Hn"], 60) == (0, b"512\n512\n")


@pytest.mark.docker
@under(Limits(processes=20))
def test_a_fork_bomb_ends_at_the_limit_and_its_message_is_known(engine: Engine, container: str) -> None:
    code, printed = engine.execute(container, ["sh", "-c", "for i in $(seq 40); do sleep 30 & done"], 60)
    assert code != 0
    assert explained(printed, exit_code=2, pids_limit=20) == (
        "exit code 2 (its output says: no more processes, of which it may have 20)"
    )


@pytest.mark.docker
def test_every_step_runs_under_the_limits(containers: World) -> None:
    seen, _ = seen_while_it_runs(containers, containers.step("a", UNTIL_SEEN), run="limited")
    host = seen["HostConfig"]
    assert host["PidsLimit"] == 4096
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Init"]
    assert not host["Privileged"]
    assert host["Binds"] is None


@pytest.mark.docker
def test_a_step_that_does_not_say_gets_most_of_the_memory_and_no_swap(containers: World, engine: Engine) -> None:
    seen, _ = seen_while_it_runs(containers, containers.step("a", UNTIL_SEEN), run="memory")
    host = seen["HostConfig"]
    assert host["Memory"] == int(engine.info().memory_bytes * 0.9)
    assert host["MemorySwap"] in (host["Memory"], -1)


@pytest.mark.docker
def test_a_machine_may_give_less(containers: World, engine_url: str) -> None:
    with closing(DockerBackend(engine_url, memory_bytes=64 * MEGABYTE)) as backend:
        containers.backend = backend
        seen, _ = seen_while_it_runs(containers, containers.step("a", UNTIL_SEEN), run="less")
    assert seen["HostConfig"]["Memory"] == 64 * MEGABYTE


@pytest.mark.docker
@pytest.mark.parametrize("kind", ["step", "service"])
def test_resources_are_limits_of_the_container(containers: World, kind: str) -> None:
    resources = Resources(cpus=0.5, memory=48 * MEGABYTE, pids=100, shm=2 * MEGABYTE)
    small = containers.step("small", "df /dev/shm | tail -n 1 | awk '{print $2}'", UNTIL_SEEN, resources=resources)
    if kind == "step":
        seen, result = seen_while_it_runs(containers, small, run="small")
    else:
        found: list[dict[str, Any]] = []
        watch = look_once_up(containers, "small", found)
        small = msgspec.structs.replace(small, commands=(*small.commands[:1], "touch printed", FOREVER))
        wait = containers.step("a", wait_for("printed"), UNTIL_SEEN)
        result = containers.run(wait, services=(small,), run="small", watch=watch)
        [seen] = [each for each in found if each["HostConfig"]["PidsLimit"] == 100]
    host = seen["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["PidsLimit"]) == (500_000_000, 48 * MEGABYTE, 100)
    assert host["MemorySwap"] in (48 * MEGABYTE, -1)
    assert host["ShmSize"] == 2 * MEGABYTE
    assert result.lines("small")[0] == "2048"


@pytest.mark.docker
def test_more_processors_than_there_are_is_all_of_them(containers: World, engine: Engine) -> None:
    """A workflow that was written for a large machine runs on a small one."""
    step = containers.step("a", UNTIL_SEEN, resources=Resources(cpus=1000.0))
    seen, _ = seen_while_it_runs(containers, step, run="many")
    assert seen["HostConfig"]["NanoCpus"] == engine.info().cpus * 1_000_000_000


@pytest.mark.parametrize(
    ("resources", "limits"),
    [
        (None, Limits(memory_bytes=9_000)),
        (Resources(), Limits(memory_bytes=9_000)),
        (Resources(memory=20_000), Limits(memory_bytes=20_000)),
        (Resources(cpus=1.5), Limits(memory_bytes=9_000, cpus=1.5)),
        (Resources(cpus=3.0), Limits(memory_bytes=9_000, cpus=2)),
        (Resources(pids=9, shm=5), Limits(memory_bytes=9_000, processes=9, shared_memory_bytes=5)),
    ],
)
def test_what_is_asked_for_goes_before_what_there_is(resources: Resources | None, limits: Limits) -> None:
    assert limits_of(resources, allowance_of(2, 10_000)) == limits


def test_a_machine_that_tells_nothing_sets_no_limits() -> None:
    assert limits_of(Resources(cpus=64.0), allowance_of(0, 0)) == Limits(cpus=64.0)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exec tail /dev/zero", "exit code 137: out of memory"),
        (f"sh -c 'tail /dev/zero'; {UNTIL_KNOWN}; exit 3", "exit code 3: out of memory"),
        (f"sh -c 'tail /dev/zero'; {UNTIL_KNOWN}", "a process was killed: out of memory"),
        ("kill -9 $$", "exit code 137: SIGKILL"),
    ],
)
def test_only_a_step_that_was_out_of_memory_is_said_to_be(containers: World, command: str, reason: str) -> None:
    """It may hit the step's own program or a child of it, which the step may or may not mind."""
    step = containers.step("a", f"set +e; {command}", resources=Resources(memory=16 * MEGABYTE))
    assert containers.run(step).finished("a").reason == reason


@pytest.mark.docker
def test_a_service_that_was_out_of_memory_is_told(containers: World) -> None:
    service = containers.step("db", "exec tail /dev/zero", resources=Resources(memory=16 * MEGABYTE))

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.step == "db":
            containers.touch("told")

    result = containers.run(containers.step("a", wait_for("told"), timeout=60), services=(service,), watch=watch)
    assert result.finished("db").reason == "exit code 137: out of memory"


@pytest.mark.docker
def test_a_step_that_met_its_limit_of_processes_is_told_which_one(containers: World) -> None:
    step = containers.step("a", "for i in $(seq 40); do sleep 30 & done", resources=Resources(pids=20))
    reason = containers.run(step).finished("a").reason
    assert reason == "exit code 2 (its output says: no more processes, of which it may have 20)"


@pytest.mark.docker
@pytest.mark.parametrize("place", ["/dev/shm", "/small", "."], ids=["shared memory", "tmpfs", "workspace"])
def test_a_full_disk_is_named(containers: World, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Those that are made in a container, and the one that holds the workspace."""
    assert isinstance(containers.backend, DockerBackend)
    if place == ".":
        make = partial(create_small_volume, containers.image)
        monkeypatch.setattr(containers.backend.engine, "create_volume", make)
    fill = f"dd if=/dev/zero of={place}/full bs=1M count=80"
    result = containers.run(containers.step("a", fill, tmpfs=("/small:size=1m",)))
    assert result.finished("a").status is Status.FAILURE
    assert result.finished("a").reason == "exit code 1 (its output says: no space left on device)"


def create_small_volume(image: str, name: str, labels: Mapping[str, str]) -> None:
    """A volume with room for a few megabytes of memory, held by a container of the same job: else it would forget."""
    options = ["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=4m"]
    marks = [argument for key, value in labels.items() for argument in ("--label", f"{key}={value}")]
    subprocess.run(["docker", "volume", "create", *options, *marks, name], check=True, capture_output=True)
    hold = ["docker", "run", "--detach", "--network=none", *marks, f"--volume={name}:/held", image, "sleep", "300"]
    subprocess.run(hold, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (b"cp: write error: No space left on device\n", "no space left on device"),
        (b"Error: ENOSPC: no space left on device, write\n", "no space left on device"),
        (b"RuntimeError: can't start new thread\n", "no more processes, of which it may have 9"),
        (
            b"runtime: failed to create new OS thread (have 8 already; errno=11)\n",
            "no more processes, of which it may have 9",
        ),
        (b"Error: spawn EAGAIN\n", "no more processes, of which it may have 9"),
        (b"sh: can't fork: Resource temporarily unavailable\n", "no more processes, of which it may have 9"),
        (b"bash: fork: retry: Resource temporarily unavailable\n", "no more processes, of which it may have 9"),
        (b"exec /bin/sh: exec format error\n", "the program is for another kind of processor"),
    ],
)
def test_a_limit_is_read_from_the_end_of_the_output_at_every_split(printed: bytes, words: str) -> None:
    for position in range(len(printed)):
        reason = explained(b"x" * 5000 + printed[:position], printed[position:], exit_code=1, pids_limit=9)
        assert reason == f"exit code 1 (its output says: {words})"


def test_what_was_printed_long_before_the_end_explains_nothing() -> None:
    assert explained(b"No space left on device\n", b"x" * 5000, exit_code=1, pids_limit=9) == "exit code 1"


def test_words_change_no_status_and_explain_no_success() -> None:
    symptoms = Symptoms(lambda _stream, _data: None, pids_limit=9)
    symptoms.output(Stream.STDOUT, b"No space left on device\n")
    success = Outcome(status=Status.SUCCESS, exit_code=0)
    cancelled = Outcome(status=Status.CANCELLED, reason="enough")
    assert [symptoms.explain(each) for each in (success, cancelled)] == [success, cancelled]


def explained(*printed: bytes, exit_code: int, pids_limit: int) -> str:
    """The reason of a step that printed this and failed."""
    passed: list[bytes] = []
    symptoms = Symptoms(lambda _stream, data: passed.append(data), pids_limit=pids_limit)
    for each in printed:
        symptoms.output(Stream.STDERR, each)
    assert passed == list(printed)
    failure = Outcome(status=Status.FAILURE, exit_code=exit_code, reason=f"exit code {exit_code}")
    return symptoms.explain(failure).reason
