"""The dispatcher gives out what may run, to whom may run it, over a real database and a real Redis."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipelines.details import Concurrency, Retry
from pipelines.event import Event, Repository
from pipelines.plan import Plan, PlannedJob
from pipelines.records import JobFinished, JobStarted, RunStarted, StepStarted
from pipelines.status import Status
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.conftest import TIME, job, step
from tests.worker.live_loop import running_live
from tests.worker.test_dispatch import connect_workers, queued, roster, state
from worker import dispatch
from worker.dispatch import Dispatcher
from worker.exchange import Exchange
from worker.order import JobOrder
from worker.orders import order_of
from worker.queue import TaskQueue
from worker.secrets.sealing import Keyring
from worker.storage import Storage
from worker.store import history, inbox, parts, repositories, tasks
from worker.store.database import Database
from worker.store.tasks import TaskState

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("acme_web")]


@pytest.fixture(autouse=True)
def dispatcher(
    database: Database, redis: PrivateRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dispatcher]:
    """One that looks again and again, at once."""
    monkeypatch.setattr(dispatch, "_RECONCILE_SECONDS", 0.1)
    monkeypatch.setattr(dispatch, "_LOOK_OUT_SECONDS", 0.05)
    exchange, queue = Exchange(redis.client()), TaskQueue(redis.client())
    with running_live() as live:
        dispatcher = Dispatcher(
            database,
            exchange,
            queue,
            order=partial(order_of, keyring=Keyring.fresh(), server_url="https://ci.example.org"),
            storage=Storage(tmp_path),
            roster=roster(redis),
            live=live,
        )
        dispatcher.thread.start()
        yield dispatcher
        dispatcher.thread.stop()


def add_run(database: Database) -> str:
    with database.write() as connection:
        return inbox.add_run(connection, repositories.named(connection, "acme", "web"), Event()).id


def plan(database: Database, run: str, *planned: PlannedJob) -> list[str]:
    """As if a worker had planned the run; gives the ids of the tasks of the jobs that may start, in order."""
    started = RunStarted(seq=1, time=TIME, run=run, plan=Plan(event=Event(), jobs=planned))
    with database.write() as connection:
        history.take(connection, f"{run}-plan-1", [started])
        return [f"{run}-{each.id}-1" for each in parts.jobs_of(connection, run)]


def add_job(database: Database, planned: PlannedJob) -> str:
    """A new run of one job; gives the id of its task."""
    [task] = plan(database, add_run(database), planned)
    return task


def begin(database: Database, task: str) -> None:
    report(database, task, JobStarted(seq=1, time=TIME, run=run_of(task), job="build"))


def finish(database: Database, task: str) -> None:
    finished = JobFinished(seq=2, time=TIME, run=run_of(task), job="build", status=Status.SUCCESS, duration_ms=1)
    report(database, task, finished)


def report(database: Database, task: str, record: JobStarted | JobFinished) -> None:
    with database.write() as connection:
        history.take(connection, task, [record])


def run_of(task: str) -> str:
    return task.rsplit("-", 2)[0]


def in_group(*, limit: int = 1, cancel: bool = False) -> PlannedJob:
    return replace(job("build"), concurrency=Concurrency(limit=limit, group="g", cancel=cancel))


def labelled(**labels: str) -> PlannedJob:
    return replace(job("build"), labels=labels)


def test_task_waits_in_the_database_until_a_worker_is_there(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    run = add_run(database)
    dispatcher.thread.wake()
    assert state(database, f"{run}-plan-1") is TaskState.PENDING
    connect_workers(redis)
    wait_until(lambda: queued(redis) == [f"{run}-plan-1"])


def test_no_more_is_given_out_than_workers_can_take(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, 2)
    first, second, third = (f"{add_run(database)}-plan-1" for _ in range(3))
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [first, second])
    assert state(database, third) is TaskState.PENDING
    plan(database, first.removesuffix("-plan-1"))
    dispatcher.thread.wake()
    wait_until(lambda: third in queued(redis))


def test_job_goes_into_the_queue_of_workers_that_have_its_labels(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, 9)
    task = add_job(database, labelled(gpu="true"))
    other = add_job(database, job("build"))
    dispatcher.thread.wake()
    wait_until(lambda: other in queued(redis))
    assert state(database, task) is TaskState.PENDING, "no worker has that label"
    connect_workers(redis, gpu="true")
    wait_until(lambda: queued(redis, gpu="true") == [task])


def test_task_whose_workers_have_all_gone_is_given_to_others(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, gpu="true")
    task = f"{add_run(database)}-plan-1"
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis, gpu="true") == [task])
    roster(redis).leave("gpu-0")
    wait_until(lambda: state(database, task) is TaskState.PENDING)
    assert queued(redis, gpu="true") == []
    connect_workers(redis)
    wait_until(lambda: queued(redis) == [task])


def test_task_in_the_one_queue_of_older_versions_is_given_out_anew(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    run = add_run(database)
    TaskQueue(redis.client()).put(f"{run}-plan-1", "headrace")
    connect_workers(redis)
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [f"{run}-plan-1"])


def test_jobs_of_a_concurrency_group_run_one_after_another(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, 9)
    first, second, third = (add_job(database, in_group()) for _ in range(3))
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [first])
    begin(database, first)
    finish(database, first)
    dispatcher.thread.wake()
    wait_until(lambda: second in queued(redis))
    assert state(database, third) is TaskState.PENDING


def test_newer_job_of_a_group_that_cancels_takes_the_older_ones_place(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, 9)
    exchange = Exchange(redis.client())
    running = add_job(database, in_group(cancel=True))
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [running])
    assert exchange.claim(running, "w")
    begin(database, running)
    newer = add_job(database, in_group(cancel=True))
    newest = add_job(database, in_group(cancel=True))
    dispatcher.thread.wake()
    reason = "run 2 is newer in concurrency group g"
    wait_until(lambda: exchange.cancel_reason(running) == reason)
    wait_until(lambda: job_of(database, newer) == (Status.CANCELLED, "run 3 is newer in concurrency group g"))
    assert state(database, newest) is TaskState.PENDING, "the older one has not ended yet"
    finish(database, running)
    dispatcher.thread.wake()
    wait_until(lambda: newest in queued(redis))


def test_repository_has_no_more_runs_at_once_than_it_may(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    with database.write() as connection:
        repositories.set_max_runs(connection, "acme", "web", 1)
    connect_workers(redis, 9)
    first = add_job(database, job("build"))
    second = f"{add_run(database)}-plan-1"
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [first])
    assert state(database, second) is TaskState.PENDING
    begin(database, first)
    finish(database, first)
    dispatcher.thread.wake()
    wait_until(lambda: second in queued(redis))


def test_run_of_a_repository_with_priority_overtakes(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    add_run(database)
    with database.write() as connection:
        from_web = repositories.named(connection, "acme", "web")
        urgent = repositories.add(connection, Repository(owner="acme", name="urgent"), forge="git")
        repositories.set_priority(connection, "acme", "urgent", 5)
        run = inbox.add_run(connection, urgent, Event())
    assert from_web.priority == 0
    connect_workers(redis)
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [f"{run.id}-plan-1"])


def test_job_that_begins_anew_hears_what_there_is_of_its_steps(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    connect_workers(redis, 9)
    ship = replace(step("ship"), retry=Retry(attempts=2, on=("lost",)))
    task = add_job(database, job("build", ship))
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [task])
    exchange = Exchange(redis.client())
    assert exchange.claim(task, "w")
    begin(database, task)
    started = StepStarted(seq=2, time=TIME, run=run_of(task), job="build", step="ship", image="x")
    with database.write() as connection:
        history.take(connection, task, [started])
    exchange.let_go(task)
    again = f"{task[:-2]}-2"
    wait_until(lambda: again in queued(redis))
    order = exchange.claim(again, "w")
    assert isinstance(order, JobOrder)
    assert (order.attempt, order.before["ship"].attempts) == (2, 1)


def job_of(database: Database, task: str) -> tuple[Status, str]:
    with database.read() as connection:
        [found] = parts.jobs_of(connection, run_of(task))
    return found.status, found.reason


def test_tasks_to_be_cancelled_are_given_to_nobody(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis
) -> None:
    task = add_job(database, job("build"))
    with database.write() as connection:
        history.cancel(connection, run_of(task), "enough")
    connect_workers(redis)
    dispatcher.thread.wake()
    wait_until(lambda: state(database, task) is TaskState.ENDED)
    with database.read() as connection:
        assert tasks.find(connection, task)
    assert queued(redis) == []
