"""The throttle: what failed counts for a while, what succeeded doesn't, and memory is bounded."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from worker.access.throttle import Throttle
from worker.errors import ServiceError, TooMany


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, times: int, *, address: str = "10.0.0.1", name: str = "ada") -> None:
    for _ in range(times):
        throttle.begin(address=address, name=name)


def test_address_is_refused_after_twenty_failures_and_let_in_later(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, 20)
    with pytest.raises(TooMany) as raised:
        fail(throttle, 1, name="other")
    assert raised.value.retry_after_seconds == 600
    clock.now += 599
    with pytest.raises(TooMany):
        fail(throttle, 1)
    clock.now += 1
    fail(throttle, 1)


def test_name_is_refused_after_fifty_failures_from_wherever(throttle: Throttle) -> None:
    for number in range(50):
        fail(throttle, 1, address=f"10.0.0.{number}")
    with pytest.raises(TooMany):
        fail(throttle, 1, address="10.0.1.1")
    fail(throttle, 1, address="10.0.1.1", name="grace")


def test_attempt_that_succeeded_does_not_count(throttle: Throttle) -> None:
    for _ in range(100):
        fail(throttle, 1)
        throttle.forgive(address="10.0.0.1", name="ada")
    fail(throttle, 20)


def test_attempts_at_once_gain_nothing(throttle: Throttle) -> None:
    def attempt(_: int) -> bool:
        try:
            fail(throttle, 1)
        except ServiceError:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(attempt, range(200))) == 20


def test_memory_is_bounded(throttle: Throttle) -> None:
    for number in range(12_000):
        fail(throttle, 1, address=f"a{number}", name=f"n{number}")
    assert len(throttle._moments) <= 10_002
