"""The Sink that hands Records to the server."""

import threading
from datetime import timedelta

import pytest

from pipelines.records import AnyRecord, JobStarted
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from worker.exchange import Exchange
from worker.report import Reporter

pytestmark = pytest.mark.redis


def records(count: int) -> list[AnyRecord]:
    return [JobStarted(seq=seq, time="2026-01-01T00:00:00.000Z", run="r", job="j") for seq in range(1, count + 1)]


def received(redis: PrivateRedis) -> list[AnyRecord]:
    exchange = Exchange(redis.client())
    exchange.open_reports()
    return [record for report in exchange.reports(again=False, wait_ms=10, limit=10_000) for record in report.records]


def test_all_records_arrive_in_order(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1")
    for record in records(1000):
        reporter(record)
    assert reporter.close()
    assert received(redis) == records(1000)


def test_records_wait_while_redis_is_away_and_all_arrive(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1")
    first, *others = records(50)
    reporter(first)
    wait_until(lambda: Exchange(redis.client()).backlog() == 1)
    redis.kill()
    for record in others:
        reporter(record)
    redis.start()
    assert reporter.close()
    assert received(redis) == records(50)


def test_close_gives_up_when_redis_stays_away(redis: PrivateRedis) -> None:
    """Its server will call the task lost: better than a worker that hangs for ever."""
    reporter = Reporter(Exchange(redis.client()), "t-1", patience=timedelta(seconds=0.2))
    redis.stop()
    reporter(records(1)[0])
    assert not reporter.close()


def test_worker_that_is_told_to_end_hardly_waits_for_redis(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1", patience=timedelta(hours=1))
    redis.stop()
    reporter(records(1)[0])
    reporter.give_up_after(timedelta(seconds=0.2))
    assert not reporter.close()


def test_records_from_many_threads_all_arrive(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1")

    def report() -> None:
        for record in records(200):
            reporter(record)

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reporter.close()
    assert len(received(redis)) == 800
