"""How a step's program ends, and that all it printed has come by then."""

import hashlib
import time

import pytest

from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.stop import Stop
from tests.runner.world import World, when_it_says

pytestmark = pytest.mark.docker


def test_five_megabytes_and_an_immediate_end_come_whole(containers: World) -> None:
    """The engine must not lose what a program printed just before it ended."""
    line = b"x" * 99 + b"\n"
    command = f"yes {'x' * 99} | head -n 50000"
    for _ in range(3):
        result = containers.run(containers.step("a", command))
        text = "".join(line + "\n" for line in result.lines("a")).encode()
        assert len(text) == 5_000_000
        assert hashlib.sha256(text).digest() == hashlib.sha256(line * 50_000).digest()


def test_a_step_that_is_silent_for_long_is_waited_for(containers: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's answer to `wait` begins at once and ends with the container: its time-out is no missing engine."""
    monkeypatch.setattr("runner.engine.vigil._LOOK_SECONDS", 0.2)
    result = containers.run(containers.step("a", "sleep 1.5", "echo awake"))
    assert result.lines("a") == ["awake"]
    assert result.status is Status.SUCCESS


def test_a_program_that_ignores_the_stop_is_killed_after_the_grace(strict: World) -> None:
    stop = Stop()
    step = strict.step("a", "trap '' TERM", "echo up", "while :; do sleep 0.1; done")
    began = time.monotonic()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic() - began)
        stop.request(Status.CANCELLED, "enough")

    result = strict.run(step, stop=stop, watch=when_it_says("up", ask))
    assert result.finished("a").status is Status.CANCELLED
    assert time.monotonic() - began - asked[0] < 100  # the grace is 2 s; the rest is for a busy machine


def test_a_background_process_that_holds_the_output_does_not_hold_the_step(containers: World) -> None:
    result = containers.run(containers.step("a", "sleep 300 &", "echo done"))
    assert result.status is Status.SUCCESS
    assert result.lines("a") == ["done"]


@pytest.mark.parametrize(
    ("entrypoint", "exit_code", "reason"),
    [
        (("/nowhere",), 127, "exit code 127: the image has no /nowhere"),
        (("/etc/passwd",), 126, "exit code 126: not executable"),
        (("/bin/sh", "-c", "nowhere"), 127, "exit code 127: command not found"),
        (("/bin/sh", "-c", "/etc/passwd"), 126, "exit code 126: not executable"),
        (("/bin/sh", "-c", "kill -9 $$"), 137, "exit code 137: SIGKILL"),
    ],
)
def test_the_reason_names_what_went_wrong(
    containers: World, entrypoint: tuple[str, ...], exit_code: int, reason: str
) -> None:
    result = containers.run(PlannedStep(name="a", image=containers.image, entrypoint=entrypoint))
    assert result.finished("a").exit_code == exit_code
    assert result.finished("a").reason == reason
    assert result.finished("a").status is Status.FAILURE
