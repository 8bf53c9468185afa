"""The server's insides, put together: database, storage, and the threads behind the web application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool

from worker.app import Background
from worker.context import Backstage
from worker.dispatch import Dispatcher
from worker.exchange import Exchange
from worker.ingest import Ingester
from worker.live import Live
from worker.queue import TaskQueue
from worker.redis_client import answers, exchange_of, redis_client
from worker.retention.keeper import Keeper
from worker.roster import Roster
from worker.schedules.scheduler import Scheduler
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.statuses.courier import Courier
from worker.storage import Storage
from worker.store.database import Database


def background(settings: Settings, database: Database, storage: Storage) -> Background:
    """What runs beside the web application for as long as that does: dispatcher, ingester, courier, scheduler, keeper.

    It is in trouble while Redis does not answer, or if one of them has ended.
    """
    queue = TaskQueue(redis_client(settings))
    dispatcher = Dispatcher(
        database,
        exchange_of(settings),
        queue,
        open_keyring(settings),
        storage=storage,
        roster=Roster(redis_client(settings), lasts_seconds=settings.lease_seconds),
        server_url=settings.url,
        privileged_plugins=settings.privileged_plugins,
    )
    exchange = exchange_of(settings)
    keeper = Keeper(database, storage, settings.retention)
    ingester = Ingester(database, storage, exchange, on_task_ended=lambda task: _end_task(exchange, dispatcher, task))
    courier = Courier(database, open_keyring(settings), server_url=settings.url, proxy=settings.forge_proxy)
    scheduler = Scheduler(database, announce=dispatcher.wake)
    threads = (dispatcher, ingester, courier, scheduler, keeper)

    @asynccontextmanager
    async def run(live: Live) -> AsyncIterator[Backstage]:
        dispatcher.start(live)
        ingester.start(live)
        courier.start()
        scheduler.start()
        keeper.start()
        try:
            yield Backstage(
                announce=dispatcher.wake,
                trouble=lambda: _trouble(settings, threads),
                crew=lambda: dispatcher.crew,
            )
        finally:
            await run_in_threadpool(keeper.stop)
            await run_in_threadpool(scheduler.stop)
            await run_in_threadpool(ingester.stop)
            await run_in_threadpool(dispatcher.stop)
            await run_in_threadpool(courier.stop)

    return run


def _trouble(settings: Settings, threads: Sequence[Dispatcher | Ingester | Courier | Scheduler | Keeper]) -> str:
    if not all(thread.is_alive() for thread in threads):
        return "the server has lost a thread: start it again, and tell us what its log says"
    return "" if answers(settings.redis_url) else "Redis does not answer"


def _end_task(exchange: Exchange, dispatcher: Dispatcher, task: str) -> None:
    exchange.release(task)
    dispatcher.wake()
