"""Rounds that go well, that break, and that are to end."""

import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.errors import Unavailable
from worker.rounds import Rounds

FOR_EVER = 3600.0


class Work:
    """What a round does: it counts, and raises what it is given."""

    def __init__(self) -> None:
        self.count = 0
        self.pause_seconds = FOR_EVER
        self.errors: list[Exception] = []

    def __call__(self) -> float:
        self.count += 1
        if self.errors:
            raise self.errors.pop()
        return self.pause_seconds


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def rounds(work: Work) -> Iterator[Rounds]:
    rounds = Rounds("counter", work, waits="counting waits", retry_seconds=0.01)
    yield rounds
    if rounds.is_alive():
        rounds.stop()


def test_next_round_comes_after_the_pause_that_the_last_one_asked_for(rounds: Rounds, work: Work) -> None:
    work.pause_seconds = 0.0
    rounds.start()
    wait_until(lambda: work.count >= 3, what="three rounds")


def test_who_is_woken_takes_a_round_at_once(rounds: Rounds, work: Work) -> None:
    rounds.start()
    wait_until(lambda: work.count == 1, what="the first round")
    rounds.wake()
    wait_until(lambda: work.count == 2, what="the round that was asked for")


def test_one_that_is_woken_before_it_starts_has_no_round_too_few(rounds: Rounds, work: Work) -> None:
    rounds.wake()
    rounds.start()
    wait_until(lambda: work.count == 1, what="the first round")


@pytest.mark.parametrize("error", [Unavailable("the database is locked"), RuntimeError("a bug")])
def test_round_that_breaks_is_followed_by_another(rounds: Rounds, work: Work, error: Exception) -> None:
    work.errors.append(error)
    rounds.start()
    wait_until(lambda: work.count == 2, what="the round after the broken one")
    assert rounds.is_alive()


def test_trouble_is_said_once_while_it_lasts_and_again_when_it_comes_back(rounds: Rounds, work: Work) -> None:
    work.errors += [Unavailable("the database is locked")] * 3
    with capture_logs() as said:
        rounds.start()
        wait_until(lambda: work.count == 4, what="a round that goes well")
        assert [each["event"] for each in said] == ["counting waits"]
        work.errors.append(Unavailable("the database is locked"))
        rounds.wake()
        wait_until(lambda: work.count == 6, what="another that goes well")
    assert [each["event"] for each in said] == ["counting waits"] * 2


def test_wake_does_not_hurry_a_retry(work: Work) -> None:
    rounds = Rounds("counter", work, waits="counting waits", retry_seconds=FOR_EVER)
    work.errors.append(Unavailable("the database is locked"))
    rounds.start()
    wait_until(lambda: not work.errors, what="the broken round")
    rounds.wake()
    assert not rounds.pause(0.2)
    assert work.count == 1
    rounds.stop()


def test_stop_ends_any_pause_and_the_thread(rounds: Rounds, work: Work) -> None:
    rounds.start()
    wait_until(lambda: work.count == 1, what="the first round")
    rounds.stop()
    assert not rounds.is_alive()
    assert rounds.pause(FOR_EVER)


def test_round_that_is_being_taken_ends_whole() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def take() -> float:
        begun.set()
        go_on.wait(PATIENCE_SECONDS)
        done.set()
        return 0.0

    rounds = Rounds("slow", take, waits="it waits")
    rounds.start()
    assert begun.wait(PATIENCE_SECONDS)
    stopping = threading.Thread(target=rounds.stop)
    stopping.start()
    go_on.set()
    stopping.join(PATIENCE_SECONDS)
    assert done.is_set()
    assert not rounds.is_alive()
