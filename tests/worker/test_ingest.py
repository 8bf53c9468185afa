"""The ingester: what workers report becomes history and logs, each once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.event import Event, Repository
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.records import AnyRecord, JobFinished, JobStarted, Log, RunStarted, Stream
from pipelines.status import Status
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.live_loop import running_live
from worker.exchange import Exchange
from worker.ingest import Ingester
from worker.live import Live
from worker.storage import Storage
from worker.store import inbox, repositories
from worker.store.database import Database
from worker.store.deliveries import Delivery
from worker.store.tables import jobs, records, runs

pytestmark = pytest.mark.redis

TIME = "2026-01-01T00:00:00.000Z"


class Service:
    """A database with one planned run of one job, and an ingester that can be started anew."""

    def __init__(self, directory: Path, database: Database, redis: PrivateRedis, live: Live) -> None:
        self._live = live
        self._redis = redis
        self.database = database
        self.storage = Storage(directory / "runs")
        self.exchange = Exchange(redis.client())
        self.ended: list[str] = []
        with self.database.write() as connection:
            repository = repositories.add(
                connection, Repository(owner="acme", name="web", clone_url="/srv/web.git"), forge="git"
            )
            delivery = Delivery(key="d1", event="push", headers={}, payload=b"", size_bytes=0)
            [run] = inbox.accept(connection, repository, delivery, [Event(sha="a" * 40)])
        self.run = run.id
        self.ingester = self.new_ingester()

    def new_ingester(self) -> Ingester:
        exchange = Exchange(self._redis.client())
        return Ingester(self.database, self.storage, exchange, live=self._live, on_task_ended=self.ended.append)

    def start(self) -> None:
        self.ingester.thread.start()

    def report_plan(self) -> None:
        step = PlannedStep(name="make", image="busybox")
        job = PlannedJob(
            name="build", workflow="build", file="f", workspace_base="/h", workspace="/h/src", steps=(step,)
        )
        plan = Plan(event=Event(sha="a" * 40), jobs=(job,))
        self.exchange.report(f"{self.run}-plan-1", [RunStarted(seq=1, time=TIME, run=self.run, plan=plan)])

    @property
    def job_task(self) -> str:
        with self.database.read() as connection:
            return f"{self.run}-{connection.execute(select(jobs.c.id)).scalar_one()}-1"

    def is_planned(self) -> bool:
        with self.database.read() as connection:
            return connection.execute(select(jobs.c.id)).first() is not None

    def count_records(self) -> int:
        with self.database.read() as connection:
            return len(connection.execute(select(records.c.seq)).all())

    def log_texts(self) -> list[str]:
        return [line.text for line in self.storage.logs(self.run).read("build", "make")]


@pytest.fixture
def service(tmp_path: Path, database: Database, redis: PrivateRedis) -> Iterator[Service]:
    with running_live() as live:
        service = Service(tmp_path, database, redis, live)
        yield service
        service.ingester.thread.stop()


def log(run: str, seq: int, line: int, *lines: str) -> Log:
    return Log(seq=seq, time=TIME, run=run, job="build", step="make", stream=Stream.STDOUT, line=line, lines=lines)


def test_plan_that_a_worker_reports_becomes_jobs(service: Service) -> None:
    service.start()
    service.report_plan()
    wait_until(lambda: service.ended == [f"{service.run}-plan-1"])
    assert service.is_planned()
    wait_until(lambda: service.exchange.backlog() == 0)


def test_log_lines_go_to_the_log_file_in_order(service: Service) -> None:
    service.start()
    service.report_plan()
    wait_until(service.is_planned)
    service.exchange.report(service.job_task, [log(service.run, 1, 1, "one", "two"), log(service.run, 2, 3, "three")])
    wait_until(lambda: service.log_texts() == ["one", "two", "three"])


def test_reports_that_came_while_the_server_was_away_are_taken(service: Service) -> None:
    service.report_plan()
    service.start()
    wait_until(service.is_planned)


def test_reports_that_were_read_but_not_stored_are_taken_once(service: Service) -> None:
    """The server is killed between reading and acknowledging, at the worst moment: all is written already."""
    service.start()
    service.report_plan()
    wait_until(service.is_planned)
    wait_until(lambda: service.exchange.backlog() == 0)
    service.ingester.thread.stop()

    reported: list[AnyRecord] = [
        JobStarted(seq=1, time=TIME, run=service.run, job="build"),
        log(service.run, 2, 1, "one"),
    ]
    service.exchange.report(service.job_task, reported)
    assert service.exchange.reports(again=False, wait_ms=10), "read by the server that dies now"
    stored = service.storage.logs(service.run)
    stored.append(log(service.run, 2, 1, "one"))
    stored.close()

    service.ingester = service.new_ingester()
    service.start()
    service.exchange.report(service.job_task, [log(service.run, 3, 2, "two")])
    wait_until(lambda: service.log_texts() == ["one", "two"])
    assert service.count_records() == 2, "the plan and the job's start"


def test_ingester_goes_on_after_redis_was_emptied(service: Service, redis: PrivateRedis) -> None:
    service.start()
    wait_until(lambda: redis.client().exists("headrace:records"))
    redis.client().flushall()
    service.report_plan()
    wait_until(service.is_planned)


def test_ingester_goes_on_after_redis_was_away(service: Service, redis: PrivateRedis) -> None:
    service.start()
    redis.kill()
    redis.start()
    service.exchange = Exchange(redis.client())
    service.report_plan()
    wait_until(service.is_planned)


def test_worker_that_goes_on_with_what_has_ended_is_told_to_stop(service: Service) -> None:
    service.start()
    service.report_plan()
    wait_until(service.is_planned)
    task = service.job_task
    finished = JobFinished(seq=1, time=TIME, run=service.run, job="build", status=Status.LOST, duration_ms=1)
    service.exchange.report(task, [finished])
    wait_until(lambda: task in service.ended)
    assert not service.exchange.is_over(task), "a worker that has said the last word needn't be told"
    service.exchange.report(task, [log(service.run, 2, 1, "late")])
    wait_until(lambda: service.exchange.is_over(task))
    assert service.log_texts() == []


def test_run_shows_what_git_knows_of_its_commit(service: Service) -> None:
    """A plain git hook sends no message and no author: they come with the plan."""
    service.start()
    plan = Plan(event=Event(sha="a" * 40, message="mend the mill", author="Ada"))
    service.exchange.report(f"{service.run}-plan-1", [RunStarted(seq=1, time=TIME, run=service.run, plan=plan)])
    wait_until(lambda: service.ended)
    with service.database.read() as connection:
        assert b"mend the mill" in connection.execute(select(runs.c.event)).scalar_one()


def test_report_that_breaks_the_ingester_does_not_stop_those_behind_it(service: Service) -> None:
    """A job of two steps with one name gets past no validation, but a hostile worker could report it."""
    twins = tuple(PlannedStep(name="twin", image="busybox") for _ in range(2))
    job = PlannedJob(name="build", workflow="build", file="f", workspace_base="/h", workspace="/h/src", steps=twins)
    plan = Plan(event=Event(sha="a" * 40), jobs=(job,))
    service.exchange.open_reports()
    service.exchange.report(f"{service.run}-plan-1", [RunStarted(seq=1, time=TIME, run=service.run, plan=plan)])
    service.report_plan()
    service.start()
    wait_until(service.is_planned)
    wait_until(lambda: service.exchange.backlog() == 0)
