"""What a container may take, as the engine keeps it, and how a step that met a limit is told."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Outcome
from runner.engine.client import Engine
from runner.engine.limits import Limits
from runner.engine.process import outcome_of
from runner.engine.symptoms import Symptoms
from tests.runner.world import World, when_it_says

MEGABYTE = 1 << 20


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
    assert engine.execute(container, ["sh", "-c", "ulimit -n; ulimit -Hn"], 10) == (0, b"512\n512\n")


@pytest.mark.docker
@under(Limits(processes=20))
def test_a_fork_bomb_ends_at_the_limit_and_its_message_is_known(engine: Engine, container: str) -> None:
    code, printed = engine.execute(container, ["sh", "-c", "for i in $(seq 40); do sleep 30 & done"], 20)
    assert code != 0
    assert explained(printed, exit_code=2, pids_limit=20) == (
        "exit code 2 (its output says: no more processes, of which it may have 20)"
    )


@pytest.mark.docker
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("exec tail /dev/zero", "exit code 137: out of memory"),
        ("tail /dev/zero; exit 3", "exit code 3: out of memory"),
        ("tail /dev/zero; true", "a process was killed: out of memory"),
    ],
)
def test_memory_that_ran_out_is_known_whatever_the_exit_code(
    engine: Engine, busybox: str, command: str, reason: str
) -> None:
    """It may hit the step's own program or a child of it, which the step may or may not mind."""
    host = {**Limits(memory_bytes=16 * MEGABYTE).for_engine(), "NetworkMode": "none", "Init": True}
    options = {"Image": busybox, "Entrypoint": ["sh", "-c", command], "HostConfig": host}
    identifier = engine.create_container(options, f"headrace-test-memory-{abs(hash(command))}")
    try:
        engine.start(identifier)
        assert engine.wait(identifier, 30)
        assert outcome_of(engine.state(identifier)).reason == reason
    finally:
        engine.remove_container(identifier)


@pytest.mark.docker
def test_every_step_runs_under_the_limits(containers: World) -> None:
    seen: list[dict[str, Any]] = []

    def look() -> None:
        names = ["docker", "ps", "--quiet", "--no-trunc", "--filter", "label=headrace.run=limited"]
        found = subprocess.run(names, check=True, capture_output=True, text=True).stdout.split()
        steps = [each for each in map(inspect, found) if "headrace.role" not in each["Config"]["Labels"]]
        seen.extend(each["HostConfig"] for each in steps)

    step = containers.step("a", "echo up; sleep 1")
    containers.run(step, run="limited", watch=when_it_says("up", look))
    [host] = seen
    assert host["PidsLimit"] == 4096
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Init"]
    assert not host["Privileged"]
    assert host["Binds"] is None


@pytest.mark.docker
def test_a_full_disk_is_named(containers: World) -> None:
    """The memory disk of a container holds 64 MB."""
    result = containers.run(containers.step("a", "dd if=/dev/zero of=/dev/shm/full bs=1M count=80"))
    assert result.finished("a").status is Status.FAILURE
    assert result.finished("a").reason == "exit code 1 (its output says: no space left on device)"


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (b"cp: write error: No space left on device\n", "no space left on device"),
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


def inspect(container: str) -> dict[str, Any]:
    """What the engine keeps of a container."""
    answer = subprocess.run(["docker", "inspect", container], check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found[0]
