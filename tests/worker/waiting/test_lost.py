"""Whether a job whose worker has vanished begins anew."""

import pytest
from msgspec.structs import replace

from pipelines.details import Retry
from pipelines.status import Status
from tests.worker.conftest import job, step
from worker.waiting.lost import begins_anew

ON_LOST = Retry(attempts=2, on=("failure", "lost"))
OTHER = Retry(attempts=2)


@pytest.mark.parametrize(
    ("retries", "statuses", "attempt", "begins"),
    [
        ({"a": ON_LOST}, {"a": Status.RUNNING}, 1, True),
        ({"a": ON_LOST}, {"a": Status.RUNNING}, 2, False),
        ({"a": OTHER}, {"a": Status.RUNNING}, 1, False),
        ({"a": None}, {"a": Status.RUNNING}, 1, False),
        ({"a": ON_LOST, "b": ON_LOST}, {"a": Status.RUNNING, "b": Status.RUNNING}, 1, True),
        ({"a": ON_LOST, "b": OTHER}, {"a": Status.RUNNING, "b": Status.RUNNING}, 1, False),
        ({"a": OTHER, "b": ON_LOST}, {"a": Status.SUCCESS, "b": Status.RUNNING}, 1, True),
        ({"a": OTHER, "b": ON_LOST}, {"a": Status.SUCCESS, "b": Status.PENDING}, 1, True),
        ({"a": ON_LOST, "b": OTHER}, {"a": Status.SUCCESS, "b": Status.PENDING}, 1, False),
        ({"a": ON_LOST}, {"a": Status.SUCCESS}, 1, False),
    ],
)
def test_job_begins_anew_if_the_steps_under_way_say_so(
    retries: dict[str, Retry | None], statuses: dict[str, Status], attempt: int, *, begins: bool
) -> None:
    planned = job("build", *(replace(step(name), retry=retry) for name, retry in retries.items()))
    assert begins_anew(planned, statuses, attempt=attempt) is begins
