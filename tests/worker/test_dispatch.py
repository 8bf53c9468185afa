"""The dispatcher, over a real database and a real Redis."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import update

from pipelines.details import SecretReference
from pipelines.event import Event, EventKind, PullRequest, Repository
from pipelines.plan import Plan, PlannedStep
from pipelines.records import RunStarted
from pipelines.status import Status
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.conftest import TIME, job
from tests.worker.live_loop import running_live
from worker import dispatch
from worker.dispatch import Dispatcher
from worker.exchange import Exchange
from worker.live import Live
from worker.order import JobOrder, PlanOrder
from worker.orders import order_of
from worker.queue import TaskQueue
from worker.roster import Roster, Worker
from worker.secrets.entrusted import Entrusted
from worker.secrets.scope import Scope
from worker.secrets.sealing import Keyring
from worker.secrets.secret import Kind, Secret
from worker.storage import Storage
from worker.store import history, inbox, parts, repositories, secrets, tasks
from worker.store.database import Database
from worker.store.deliveries import Delivery
from worker.store.tables import runs
from worker.store.tasks import TaskState
from worker.trust import Approval
from worker.waiting.labels import worker_labels

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("acme_web")]


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.fresh()


@pytest.fixture
def dispatcher(
    database: Database, redis: PrivateRedis, live: Live, keyring: Keyring, tmp_path: Path
) -> Iterator[Dispatcher]:
    queue = TaskQueue(redis.client())
    exchange = Exchange(redis.client())
    dispatcher = Dispatcher(
        database,
        exchange,
        queue,
        order=partial(
            order_of, keyring=keyring, server_url="https://ci.example.org", privileged_plugins=("acme/build",)
        ),
        storage=Storage(tmp_path),
        roster=roster(redis),
        live=live,
    )
    connect_workers(redis, 40)
    yield dispatcher
    dispatcher.thread.stop()


def roster(redis: PrivateRedis) -> Roster:
    return Roster(redis.client(), lasts_seconds=300)


def worker_named(name: str, **labels: str) -> Worker:
    own = worker_labels([f"{key}={value}" for key, value in labels.items()], host="h", platform="linux/amd64")
    return Worker(name=name, host="h", labels=own, since=TIME, version="1")


def connect_workers(redis: PrivateRedis, count: int = 1, **labels: str) -> str:
    """So many workers of these labels say that they are here; gives the name of their queue."""
    workers = [worker_named(f"{'-'.join(labels) or 'w'}-{number}", **labels) for number in range(count)]
    for worker in workers:
        roster(redis).announce(worker)
    return workers[0].queue


def add_run(database: Database, key: str = "d1") -> str:
    """A new run; gives the id of the task of planning it."""
    with database.write() as connection:
        repository = repositories.named(connection, "acme", "web")
        event = Event(sha="a" * 40, repository=Repository(owner="acme", name="web", clone_url="ext::evil"))
        [run] = inbox.accept(
            connection, repository, Delivery(key=key, event="push", headers={}, payload=b"", size_bytes=0), [event]
        )
    return f"{run.id}-plan-1"


def queued(redis: PrivateRedis, **labels: str) -> list[str]:
    """The tasks in the queue of the workers of these labels."""
    return list(Queue(worker_named("w", **labels).queue, connection=redis.client(), serializer=JSONSerializer).job_ids)


def enqueue_run(database: Database, dispatcher: Dispatcher, redis: PrivateRedis) -> str:
    """A new run that the dispatcher has put into the queue; gives the id of the task of planning it."""
    task = add_run(database)
    dispatcher.thread.wake()
    wait_until(lambda: queued(redis) == [task])
    return task


@pytest.fixture
def live() -> Iterator[Live]:
    with running_live() as live:
        yield live


def test_pending_run_is_enqueued_with_its_order(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live
) -> None:
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    order = Exchange(redis.client()).claim(task, "w")
    assert isinstance(order, PlanOrder)
    assert order.event.repository.clone_url == "/srv/web.git", "our own record's word, not the payload's"
    assert order.event.url == "https://ci.example.org/acme/web/runs/1"
    assert (order.event.number, order.event.system.host) == (1, "ci.example.org")


def test_planning_hears_which_secrets_there_are_and_never_what_they_are(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, keyring: Keyring
) -> None:
    with database.write() as connection:
        secrets.put(connection, keyring, Secret(scope=Scope.of(owner="acme"), name="token"), "s3cr3t-canary")
        limited = Secret(scope=Scope.of(), name="other", events=(EventKind.TAG,), images=("acme/deploy",))
        secrets.put(connection, keyring, limited, "s3cr3t-canary")
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    assert "s3cr3t-canary" not in str(redis.client().get(f"headrace:order:{task}"))
    order = Exchange(redis.client()).claim(task, "w")
    assert isinstance(order, PlanOrder)
    assert {offer.name: (offer.images, offer.refusal) for offer in order.secrets.each} == {
        "token": ((), ""),
        "other": (("acme/deploy",), "it is for tag, not for push"),
    }


def test_job_gets_the_secrets_it_asks_for_and_may_have(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, keyring: Keyring
) -> None:
    with database.write() as connection:
        for name in ("token", "unasked"):
            secrets.put(connection, keyring, Secret(scope=Scope.of(), name=name), f"s3cr3t-{name}")
        limited = Secret(scope=Scope.of(), name="limited", events=(EventKind.TAG,))
        secrets.put(connection, keyring, limited, "s3cr3t-limited")
    task = add_job(database, PlannedStep(name="a", image="x", environment={"A": asks("TOKEN"), "B": asks("limited")}))
    dispatcher.thread.start()
    wait_until(lambda: task in queued(redis))
    assert "s3cr3t" not in str(redis.client().get(f"headrace:order:{task}"))
    order = Exchange(redis.client()).claim(task, "w")
    assert isinstance(order, JobOrder)
    assert Entrusted.opened(order.sealed, task, keyring).secrets == {"token": "s3cr3t-token"}


@pytest.mark.parametrize("from_fork", [False, True])
def test_planning_hears_what_the_repository_is_trusted_with_unless_it_is_of_a_fork(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, *, from_fork: bool
) -> None:
    with database.write() as connection:
        repositories.set_trust(connection, "acme", "web", frozenset({"volumes"}))
        repository = repositories.set_approval(connection, "acme", "web", Approval.NONE)
        request = PullRequest(number=1, from_fork=from_fork)
        run = inbox.add_run(connection, repository, Event(kind=EventKind.PULL_REQUEST, pull_request=request))
    dispatcher.thread.start()
    wait_until(lambda: queued(redis) == [f"{run.id}-plan-1"])
    order = Exchange(redis.client()).claim(f"{run.id}-plan-1", "w")
    assert isinstance(order, PlanOrder)
    assert (order.trust, order.privileged_plugins) == ((), ()) if from_fork else (("volumes",), ("acme/build",))


@pytest.mark.parametrize("from_fork", [False, True])
def test_job_gets_the_logins_of_its_images_registries_unless_it_is_of_a_fork(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, keyring: Keyring, *, from_fork: bool
) -> None:
    login = '{"user":"ada","password":"pa55word"}'
    with database.write() as connection:
        for host in ("a.example.org", "b.example.org"):
            secret = Secret(scope=Scope.of(owner="acme"), name=host, kind=Kind.REGISTRY)
            secrets.put(connection, keyring, secret, login)
    request = PullRequest(number=1, from_fork=from_fork)
    task = add_job(
        database,
        PlannedStep(name="a", image="a.example.org/x"),
        event=Event(kind=EventKind.PULL_REQUEST, pull_request=request),
    )
    dispatcher.thread.start()
    wait_until(lambda: task in queued(redis))
    assert "pa55word" not in str(redis.client().get(f"headrace:order:{task}"))
    order = Exchange(redis.client()).claim(task, "w")
    assert isinstance(order, JobOrder)
    logins = Entrusted.opened(order.sealed, task, keyring).logins
    assert {host: each.for_engine()["password"] for host, each in logins.items()} == (
        {} if from_fork else {"a.example.org": "pa55word"}
    )


def test_job_whose_secrets_can_not_be_opened_ends_with_the_reason(
    database: Database, dispatcher: Dispatcher, live: Live
) -> None:
    with database.write() as connection:
        secrets.put(connection, Keyring.fresh(), Secret(scope=Scope.of(), name="token"), "s3cr3t")
    task = add_job(database, PlannedStep(name="a", image="x", environment={"A": asks("token")}))
    dispatcher.thread.start()
    wait_until(lambda: state(database, task) is TaskState.ENDED)
    with database.read() as connection:
        [job] = parts.jobs_of(connection, task.rpartition("-")[0].rpartition("-")[0])
    assert job.status is Status.ERROR
    assert "secrets/secret/global/token needs the key" in job.reason
    other = add_run(database, "d2")
    dispatcher.thread.wake()
    wait_until(lambda: state(database, other) is not None, what="others are given out all the same")


def asks(secret: str) -> SecretReference:
    return SecretReference(secret)


def add_job(database: Database, *steps: PlannedStep, event: Event | None = None) -> str:
    """A run that is planned, with one job; gives the id of that job's task."""
    planning = add_run(database)
    run = planning.removesuffix("-plan-1")
    plan = Plan(event=event or Event(), jobs=(job("build", *steps),))
    with database.write() as connection:
        history.take(connection, planning, [RunStarted(seq=1, time=TIME, run=run, plan=plan)])
        [task] = tasks.in_state(connection, TaskState.PENDING)
    return task.id


def test_run_that_was_stored_before_the_start_is_enqueued(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live
) -> None:
    """The server died between its 202 and the start of the run."""
    task = add_run(database)
    dispatcher.thread.start()
    wait_until(lambda: queued(redis) == [task])


def test_runs_that_came_while_redis_was_away_are_all_enqueued_once(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live
) -> None:
    redis.kill()
    dispatcher.thread.start()
    wanted = {add_run(database, f"d{number}") for number in range(20)}
    dispatcher.thread.wake()
    redis.start()
    wait_until(lambda: len(queued(redis)) == 20)
    dispatcher.thread.wake()
    assert set(queued(redis)) == wanted


def test_run_that_redis_has_forgotten_is_enqueued_again(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_RECONCILE_SECONDS", 0.1)
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    redis.client().flushall()
    connect_workers(redis)
    wait_until(lambda: queued(redis) == [task])


def test_task_whose_worker_stopped_renewing_is_lost(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_RECONCILE_SECONDS", 0.1)
    dispatcher._exchange.lease_seconds = 0.5
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    Exchange(redis.client()).claim(task, "w")
    redis.client().delete(f"headrace:lease:{task}")  # as it does by itself after 30 s
    again = task.replace("-plan-1", "-plan-2")
    wait_until(lambda: state(database, again) is TaskState.QUEUED)
    assert state(database, task) is TaskState.ENDED
    assert Exchange(redis.client()).is_over(task), "should that worker wake up, it stops"


def test_task_whose_process_was_killed_is_lost_at_once(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_RECONCILE_SECONDS", 0.1)
    dispatcher._exchange.lease_seconds = 3600
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    exchange = Exchange(redis.client())
    exchange.claim(task, "w")
    exchange.let_go(task)
    wait_until(lambda: state(database, task) is TaskState.ENDED)


def test_task_whose_worker_is_alive_is_left_alone(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_RECONCILE_SECONDS", 0.02)
    dispatcher._exchange.lease_seconds = 0.1
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    Exchange(redis.client()).claim(task, "w")
    marker = add_run(database, "d2")
    wait_until(lambda: marker in queued(redis), what="many rounds later")
    assert state(database, task) is TaskState.QUEUED


def state(database: Database, task_id: str) -> TaskState | None:
    with database.read() as connection:
        task = tasks.find(connection, task_id)
    return task.state if task else None


def test_run_that_is_cancelled_while_it_waits_in_the_queue_never_starts(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live
) -> None:
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    with database.write() as connection:
        connection.execute(update(runs).values(cancel_reason="enough"))  # as for a job; a planning ends by itself
    dispatcher.thread.wake()
    wait_until(lambda: state(database, task) is TaskState.ENDED)
    assert Exchange(redis.client()).claim(task, "w") is None


def test_workers_of_a_cancelled_run_are_asked_to_stop(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live
) -> None:
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    exchange = Exchange(redis.client())
    exchange.claim(task, "w")
    assert exchange.cancel_reason(task) is None
    with database.write() as connection:
        connection.execute(update(runs).values(cancel_reason="enough"))
    dispatcher.thread.wake()
    wait_until(lambda: exchange.cancel_reason(task) == "enough")
    assert state(database, task) is TaskState.QUEUED, "the worker says when it has ended"


def test_worker_hears_of_a_cancel_even_if_its_task_can_not_be_taken_back(
    database: Database, dispatcher: Dispatcher, redis: PrivateRedis, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that was emptied takes a task for nobody's. Were it taken back first, and the server killed then, the
    worker that does it would never be told."""
    tried: list[str] = []

    def dies(task: str) -> bool:
        tried.append(task)
        raise RedisError("gone in between")

    monkeypatch.setattr(dispatcher._exchange, "withdraw", dies)
    dispatcher.thread.start()
    task = enqueue_run(database, dispatcher, redis)
    exchange = Exchange(redis.client())
    exchange.claim(task, "w")
    with database.write() as connection:
        connection.execute(update(runs).values(cancel_reason="enough"))
    dispatcher.thread.wake()
    wait_until(lambda: tried, what="it is to be taken back")
    assert exchange.cancel_reason(task) == "enough"
