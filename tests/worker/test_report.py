"""The Sink that hands Records to the server."""

import threading
from datetime import timedelta

import pytest

from pipelines.records import AnyRecord, JobStarted
from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.exchange import Exchange
from worker.report import Reporter

pytestmark = pytest.mark.redis

NO_SERVER = timedelta(0)
"""How long to wait for one at the end."""


def records(count: int) -> list[AnyRecord]:
    return [JobStarted(seq=seq, time="2026-01-01T00:00:00.000Z", run="r", job="j") for seq in range(1, count + 1)]


def received(redis: PrivateRedis) -> list[AnyRecord]:
    exchange = Exchange(redis.client())
    exchange.open_reports()
    return [record for report in exchange.reports(again=False, wait_ms=10, limit=10_000) for record in report.records]


def test_all_records_arrive_in_order(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1", goodbye=NO_SERVER)
    for record in records(1000):
        reporter(record)
    assert reporter.close()
    assert received(redis) == records(1000)


def test_records_wait_while_redis_is_away_and_all_arrive(redis: PrivateRedis) -> None:
    reporter = Reporter(Exchange(redis.client()), "t-1", goodbye=NO_SERVER)
    first, *others = records(50)
    reporter(first)
    wait_until(lambda: Exchange(redis.client()).backlog() == 1)
    redis.kill()
    for record in others:
        reporter(record)
    redis.start()
    assert reporter.close()
    assert received(redis) == records(50)


def test_records_that_redis_loses_before_the_server_has_them_are_sent_again(redis: PrivateRedis) -> None:
    exchange = Exchange(redis.client())
    reporter = Reporter(exchange, "t-1", goodbye=NO_SERVER)
    first, second, *others = records(50)
    reporter(first)
    wait_until(lambda: exchange.backlog() == 1)
    acknowledge(exchange)
    reporter(second)
    wait_until(lambda: exchange.backlog() == 1)
    redis.client().flushall()
    for record in others:
        reporter(record)
    assert reporter.close()
    assert received(redis)[-49:] == [second, *others], "in order, and without what the server has"


def test_records_are_sent_again_though_no_others_follow(redis: PrivateRedis) -> None:
    exchange = Exchange(redis.client())
    reporter = Reporter(exchange, "t-1", goodbye=NO_SERVER)
    reporter(records(1)[0])
    wait_until(lambda: exchange.backlog() == 1)
    redis.client().flushall()
    wait_until(lambda: received(redis) == records(1))
    assert reporter.close()


def test_last_record_that_redis_loses_is_sent_again_while_the_server_is_waited_for(redis: PrivateRedis) -> None:
    exchange = Exchange(redis.client())
    reporter = Reporter(exchange, "t-1", goodbye=timedelta(hours=1))
    closer = threading.Thread(target=reporter.close)
    reporter(records(1)[0])
    closer.start()
    wait_until(lambda: exchange.backlog() == 1)
    redis.client().flushall()
    wait_until(lambda: exchange.backlog() == 1, what="it is sent again")
    assert closer.is_alive()
    acknowledge(exchange)
    closer.join(PATIENCE_SECONDS)
    assert not closer.is_alive(), "the server has it"


def test_no_more_is_kept_than_fits_and_there_is_room_once_the_server_has_it(
    redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.report._BUFFER_BYTES", 1000)
    exchange = Exchange(redis.client())
    reporter = Reporter(exchange, "t-1", goodbye=NO_SERVER)
    all_in = threading.Event()

    def report() -> None:
        for record in records(20):
            reporter(record)
        all_in.set()

    thread = threading.Thread(target=report)
    thread.start()
    wait_until(lambda: exchange.backlog() > 0)
    assert not all_in.is_set()
    wait_until(lambda: acknowledge(exchange) == 20, what="the server has all")
    thread.join()
    assert reporter.close()


def acknowledge(exchange: Exchange) -> int:
    """Take all that waits, as a server does; gives the number of the last Record."""
    exchange.open_reports()
    reports = exchange.reports(again=False, wait_ms=10, limit=10_000)
    last = max((record.seq for report in reports for record in report.records), default=0)
    if reports:
        exchange.acknowledge(reports, {"t-1": last})
    return last


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
    reporter = Reporter(Exchange(redis.client()), "t-1", goodbye=NO_SERVER)

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
