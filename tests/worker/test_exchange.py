"""What server and workers say to each other through a real Redis."""

import pytest

from pipelines.event import Event
from pipelines.records import JobStarted, Log, Stream
from tests.private_redis import PrivateRedis
from worker.exchange import Exchange, Standing
from worker.order import PlanOrder

pytestmark = pytest.mark.redis

ORDER = PlanOrder(task="t-1", run="r", event=Event(sha="a" * 40))


@pytest.fixture
def exchange(redis: PrivateRedis) -> Exchange:
    return Exchange(redis.client())


def started(seq: int) -> JobStarted:
    return JobStarted(seq=seq, time="2026-01-01T00:00:00.000Z", run="r", job="build")


def test_task_is_claimed_once_with_its_order(exchange: Exchange) -> None:
    exchange.place(ORDER)
    assert exchange.claim("t-1", "worker-a") == ORDER
    assert exchange.claim("t-1", "worker-b") is None


def test_claim_without_an_order_gives_nothing(exchange: Exchange) -> None:
    assert exchange.claim("unheard-of", "worker-a") is None


def test_claimed_task_is_leased(exchange: Exchange) -> None:
    exchange.place(ORDER)
    before = exchange.holdings(["t-1"])["t-1"]
    exchange.claim("t-1", "worker-a")
    after = exchange.holdings(["t-1"])["t-1"]
    assert (before.is_claimed, before.is_leased) == (False, False)
    assert (after.is_claimed, after.is_leased) == (True, True)


def test_released_task_can_not_be_claimed_again(exchange: Exchange) -> None:
    """The queue may hand a task out twice, the second time long after it ended."""
    exchange.place(ORDER)
    exchange.claim("t-1", "worker-a")
    exchange.release("t-1")
    exchange.place(ORDER)
    assert exchange.claim("t-1", "worker-b") is None


def test_renewal_says_again_whose_a_task_is_after_redis_was_emptied(exchange: Exchange, redis: PrivateRedis) -> None:
    exchange.place(ORDER)
    exchange.claim("t-1", "worker-a")
    redis.client().flushall()
    assert exchange.renew("t-1", "worker-a")
    holding = exchange.holdings(["t-1"])["t-1"]
    assert (holding.is_claimed, holding.is_leased) == (True, True)
    exchange.place(ORDER)
    assert exchange.claim("t-1", "worker-b") is None


def test_task_that_another_worker_has_taken_meanwhile_is_not_renewed(exchange: Exchange, redis: PrivateRedis) -> None:
    exchange.place(ORDER)
    exchange.claim("t-1", "worker-a")
    redis.client().flushall()
    exchange.place(ORDER)
    assert exchange.claim("t-1", "worker-b") == ORDER
    assert not exchange.renew("t-1", "worker-a")
    assert exchange.renew("t-1", "worker-b")


def test_standing_of_a_report_tells_what_the_server_has_and_what_redis_has_lost(
    exchange: Exchange, redis: PrivateRedis
) -> None:
    exchange.open_reports()
    entry = exchange.report("t-1", [started(1), started(2)])
    assert exchange.standing("t-1", entry) == Standing(taken=0, is_held=True, backlog=1)
    exchange.acknowledge(exchange.reports(again=False, wait_ms=10), {"t-1": 2})
    assert exchange.standing("t-1", entry) == Standing(taken=2, is_held=False, backlog=0)
    redis.client().flushall()
    assert exchange.standing("t-1", entry) == Standing(taken=0, is_held=False, backlog=0)


def test_records_come_back_as_they_were_sent(exchange: Exchange) -> None:
    log = Log(
        seq=2,
        time="2026-01-01T00:00:00.000Z",
        run="r",
        job="build",
        step="make",
        stream=Stream.STDOUT,
        line=1,
        lines=("one\ttab", "line \u2028 separator", '"quoted"\r'),
    )
    exchange.open_reports()
    exchange.report("t-1", [started(1), log])
    [report] = exchange.reports(again=False, wait_ms=10)
    assert (report.task, report.records) == ("t-1", (started(1), log))


def test_reports_are_read_again_until_they_are_acknowledged(exchange: Exchange) -> None:
    """A server that died after reading, before committing, reads them again when it is back."""
    exchange.open_reports()
    exchange.report("t-1", [started(1)])
    [report] = exchange.reports(again=False, wait_ms=10)
    assert exchange.reports(again=False, wait_ms=10) == []
    assert exchange.reports(again=True) == [report]
    exchange.acknowledge([report], {"t-1": 1})
    assert exchange.reports(again=True) == []
    assert exchange.backlog() == 0


def test_report_that_is_no_record_does_not_stop_those_behind_it(exchange: Exchange, redis: PrivateRedis) -> None:
    exchange.open_reports()
    redis.client().xadd("headrace:records", {"task": "t-0", "records": b"{nonsense"})
    exchange.report("t-1", [started(1)])
    reports = exchange.reports(again=False, wait_ms=10)
    assert [report.records for report in reports] == [(), (started(1),)]
