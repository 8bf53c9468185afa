"""The runner ends at any moment, by a signal or because nobody reads it: a sweep leaves nothing of it."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.engine.client import Engine
from runner.engine.ownership import HOST, RUN, this_process
from tests.faults.installation import Installation
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

MOMENTS, AT_ONCE = 10, 5
LONGEST_SECONDS = 4.0

End = Callable[["subprocess.Popen[bytes]"], None]


@pytest.fixture
def place(tmp_path: Path, engine: Engine, busybox: str) -> Iterator[Installation]:
    place = Installation(tmp_path, engine, busybox)
    yield place
    place.end()


@pytest.fixture
def foreign(busybox: str) -> Iterator[Callable[[], list[str]]]:
    """Tells which of somebody else's container, network and volume are there; their names could be ours."""
    name = f"headrace-{random.randrange(16**12):012x}"  # noqa: S311 - a name
    made = [
        ("container", "create", "--name", name, "--label", f"{HOST}={this_process().host}", busybox),
        ("network", "create", "--subnet", f"10.233.{random.randrange(256)}.0/28", name),  # noqa: S311 - a place
        ("volume", "create", name),
    ]
    for arguments in made:
        subprocess.run(["docker", *arguments], check=True, capture_output=True)
    yield lambda: [kind for kind, *_ in made if not _docker(kind, "inspect", name).returncode]
    for kind, *_ in made:
        _docker(kind, "rm", name)


def _docker(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["docker", *arguments], check=False, capture_output=True)


def is_of(container: str, *steps: str) -> bool:
    """True if it is the container of one of these steps."""
    name = _docker("inspect", "-f", "{{.Name}}", container).stdout.decode()
    return any(f"-{step}-" in name for step in steps)


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()


def terminate(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()


def hang_up(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGHUP)


def close_the_pipe(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout
    process.stdout.close()


EXIT_CODES: dict[End, tuple[int, ...]] = {
    kill: (-signal.SIGKILL,),
    terminate: (130, -signal.SIGTERM),
    hang_up: (130, -signal.SIGHUP),
    close_the_pipe: (130,),
}
"""A signal that comes before we listen for it is Python's."""


def assert_ended(process: "subprocess.Popen[bytes]", codes: tuple[int, ...]) -> bytes:
    """Wait for its end with one of these exit codes; what it told at standard error."""
    if process.stdout and process.stdout.closed:
        process.stdout = None  # we have closed it, and `communicate` is not to read it
    try:
        _, told = process.communicate(timeout=150)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # each thread tells where it is
        _, told = process.communicate()
        pytest.fail(f"it did not end: {told.decode()}")
    assert process.returncode in codes, told
    assert b"Traceback" not in told
    return told


@pytest.mark.parametrize("end", [kill, terminate, hang_up, close_the_pipe])
def test_nothing_is_left_of_runs_that_ended_at_ten_random_moments(
    place: Installation, foreign: Callable[[], list[str]], end: End
) -> None:
    """The third step never ends by itself, so that each moment is one within the run."""
    seed = random.randrange(10**6)  # noqa: S311 - no secret
    dice = random.Random(seed)  # noqa: S311 - no secret
    moments = sorted(dice.uniform(0, LONGEST_SECONDS) for _ in range(MOMENTS))
    sys.stdout.write(f"seed {seed}: after {', '.join(f'{moment:.2f}' for moment in moments)} s\n")
    for batch in (moments[first : first + AT_ONCE] for first in range(0, MOMENTS, AT_ONCE)):
        began = time.monotonic()
        processes = [place.start("run") for _ in batch]
        for process, moment in zip(processes, batch, strict=True):
            wait_until(lambda due=began + moment: time.monotonic() >= due, what="the moment")  # type: ignore[misc]
            end(process)
        for process in processes:
            assert_ended(process, EXIT_CODES[end])
    if end is not kill:
        assert place.left() == [], "who is asked to end cleans up"
    wait_until(place.is_swept, seconds=150, what="nothing is left; the engine may still be making what was asked for")
    assert foreign() == ["container", "network", "volume"]


def test_two_installations_on_one_engine_leave_each_other_alone(
    tmp_path: Path, engine: Engine, busybox: str, foreign: Callable[[], list[str]]
) -> None:
    """One is killed, and cleaned up from both sides, while the other runs."""
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.mkdir()
    one, two = (Installation(path, engine, busybox) for path in paths)
    try:
        killed, living = one.start("run", "--output", "json"), two.start("run", "--output", "json")
        for process in (killed, living):
            assert process.stdout
            assert any(b'"third"' in line and b"step_started" in line for line in process.stdout)
        killed.kill()
        killed.communicate()
        needed = {each for each in two.left() if not is_of(each, "first", "second")}  # those are on their way out
        assert two.is_swept() is False
        wait_until(lambda: one.left() == [], what="the sweep of the one removes what the other left")
        assert needed <= set(two.left())
        living.terminate()
        rest, _ = living.communicate(timeout=150)
        assert json.loads(rest.splitlines()[-1])["status"] == "cancelled"
        assert two.left() == []
        assert foreign() == ["container", "network", "volume"]
    finally:
        one.end()
        two.end()


def test_step_whose_container_an_operator_removes_is_an_error_that_says_so(place: Installation, engine: Engine) -> None:
    process = place.start("run", "--output", "json")
    assert process.stdout
    assert any(b'"step":"third"' in line and b'"third"]' in line for line in process.stdout)
    [container] = [
        each.name for each in engine.containers(RUN) if each.name in place.left() and is_of(each.name, "third")
    ]
    _docker("rm", "-f", container)
    rest, _ = process.communicate(timeout=150)
    finished = {
        record["step"]: record for record in map(json.loads, rest.splitlines()) if record["type"] == "step_finished"
    }
    assert finished["third"]["status"] == "error"
    assert finished["third"]["reason"] == "its container was removed by somebody else while it ran"
    assert process.returncode == 3
    assert place.left() == []


CHATTER = """
steps:
  chatter: {image: IMAGE, commands: 'head -c 2000000 /dev/urandom | od -x; while :; do sleep 0.1; done'}
  never: {image: IMAGE, commands: echo never}
"""


def test_disk_of_ours_that_is_full_ends_the_run_with_one_line_that_names_the_place(
    tmp_path: Path, engine: Engine, busybox: str
) -> None:
    place = Installation(tmp_path, engine, busybox, CHATTER)
    place.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", place.state], check=True)
    try:
        process = place.start("run")
        told = assert_ended(process, (3,))
        left = place.left()
    finally:
        place.end()
        subprocess.run(["umount", place.state], check=True)
    last = told.decode().splitlines()[-1]
    assert last.startswith(f"headrace: can't keep the run in {place.state}/runs/")
    assert last.endswith(": No space left on device")
    assert left == []
