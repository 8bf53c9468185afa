"""Memory that ran out, and an engine that says so late."""

import time
from dataclasses import dataclass, field, replace

import pytest

from pipelines.status import Status
from runner.engine.client import ContainerState
from runner.engine.memory import LATEST_SECONDS, final_state
from runner.engine.process import outcome_of
from runner.errors import BackendError
from runner.stop import Stop


@dataclass
class LateEngine:
    """Says that memory ran out when it has been asked so often; with `answers` less than that, fails before."""

    at: int
    answers: int = 1_000_000
    asked: int = field(default=0, init=False)

    def state(self, _container: str, /) -> ContainerState:
        self.asked += 1
        if self.asked > self.answers:
            raise BackendError("lost")
        return replace(ended(137), out_of_memory=self.asked >= self.at)


def ended(exit_code: int) -> ContainerState:
    return ContainerState(is_running=False, exit_code=exit_code, out_of_memory=False, error="")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """Time, which goes by only while somebody waits for a Stop."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.seconds)
    monkeypatch.setattr(Stop, "wait", clock.wait)
    return clock


class Clock:
    seconds = 100.0

    def wait(self, timeout_seconds: float) -> bool:
        self.seconds += timeout_seconds
        return False


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("exit_code", "last_words"),
    [
        (137, b""),
        (3, b"building\nKilled\n"),
        (1, b"cc1plus: fatal error: Killed signal terminated program cc1plus\n"),
        (2, b"make: *** [Makefile:2: all] Error 137\n"),
        (1, b"exit status 2: signal: killed\n"),
        (1, b"subprocess.CalledProcessError: Command 'x' died with <Signals.SIGKILL: 9>.\n"),
    ],
)
def test_flag_that_comes_late_is_waited_for_where_something_was_killed(exit_code: int, last_words: bytes) -> None:
    state = final_state(LateEngine(at=4), "c", ended(exit_code), last_words, Stop())
    assert state.out_of_memory
    assert outcome_of(state).reason == "exit code 137: out of memory"


@pytest.mark.parametrize(("exit_code", "last_words"), [(0, b"ok\n"), (1, b"1 failed\n"), (1, b"3 killed\n")])
def test_other_ends_are_believed_at_once(exit_code: int, last_words: bytes) -> None:
    engine = LateEngine(at=1)
    assert final_state(engine, "c", ended(exit_code), last_words, Stop()) == ended(exit_code)
    assert engine.asked == 0


def test_step_that_was_killed_for_another_reason_is_not_said_to_have_run_out_of_memory(clock: Clock) -> None:
    assert final_state(LateEngine(at=1_000_000), "c", ended(137), b"", Stop()) == ended(137)
    assert clock.seconds == pytest.approx(100 + LATEST_SECONDS, abs=0.5)


def test_stop_ends_the_waiting_for_the_flag() -> None:
    stop, engine = Stop(), LateEngine(at=1)
    stop.request(Status.CANCELLED, "Ctrl-C")
    assert final_state(engine, "c", ended(137), b"", stop) == ended(137)
    assert engine.asked == 0


@pytest.mark.usefixtures("clock")
def test_engine_that_is_lost_meanwhile_has_nothing_to_add() -> None:
    assert final_state(LateEngine(at=9, answers=2), "c", ended(137), b"", Stop()) == ended(137)
