"""After which ends of an attempt another follows."""

import pytest

from pipelines.details import Retry
from pipelines.status import Status
from runner.backend import Outcome, Shortage
from runner.retry import NO_RETRY, is_followed

FAILED = Outcome(status=Status.FAILURE, exit_code=1)
TEMPORARY = Outcome(status=Status.FAILURE, exit_code=75)
STARVED = Outcome(status=Status.FAILURE, exit_code=137, shortage=Shortage.MEMORY)
LATE = Outcome(status=Status.TIMED_OUT)
BROKEN = Outcome(status=Status.ERROR)
GOOD = Outcome(status=Status.SUCCESS, exit_code=0)
STARVED_IN_PART = Outcome(status=Status.SUCCESS, exit_code=0, shortage=Shortage.MEMORY)
CANCELLED = Outcome(status=Status.CANCELLED)
ALL = (FAILED, TEMPORARY, STARVED, LATE, BROKEN, GOOD, STARVED_IN_PART, CANCELLED)


@pytest.mark.parametrize(
    ("on", "followed"),
    [
        (("failure",), (FAILED, TEMPORARY)),
        (("timeout",), (LATE,)),
        (("oom",), (STARVED,)),
        (("error",), (BROKEN,)),
        (("failure", "timeout", "oom", "error"), (FAILED, TEMPORARY, STARVED, LATE, BROKEN)),
    ],
)
def test_each_end_is_of_one_kind(on: tuple[str, ...], followed: tuple[Outcome, ...]) -> None:
    retry = Retry(attempts=2, on=on)
    assert tuple(each for each in ALL if is_followed(retry, 1, each)) == followed


def test_exit_codes_narrow_failures_and_nothing_else() -> None:
    retry = Retry(attempts=2, exit_codes=(75, 137), on=("failure", "timeout", "oom"))
    assert [each for each in ALL if is_followed(retry, 1, each)] == [TEMPORARY, STARVED, LATE]


def test_there_are_no_more_attempts_than_asked_for() -> None:
    assert [is_followed(Retry(attempts=3), attempt, FAILED) for attempt in (1, 2, 3)] == [True, True, False]
    assert not is_followed(NO_RETRY, 1, FAILED)
