"""The server's insides, put together: database, storage, and the threads behind the web application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from starlette.concurrency import run_in_threadpool

from worker.app import Background
from worker.context import Backstage
from worker.dispatch import Dispatcher
from worker.ingest import Ingester
from worker.live import Live
from worker.orders import order_of
from worker.queue import TaskQueue
from worker.redis_client import answers, exchange_of, redis_client
from worker.retention.keeper import Keeper
from worker.roster import Roster
from worker.rounds import Rounds
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
    keyring = open_keyring(settings)
    order = partial(order_of, keyring=keyring, server_url=settings.url, privileged_plugins=settings.privileged_plugins)

    @asynccontextmanager
    async def run(live: Live) -> AsyncIterator[Backstage]:
        exchange = exchange_of(settings)
        dispatcher = Dispatcher(
            database,
            exchange_of(settings),
            TaskQueue(redis_client(settings)),
            order=order,
            storage=storage,
            roster=Roster(redis_client(settings), lasts_seconds=settings.lease_seconds),
            live=live,
        )
        wake = dispatcher.thread.wake

        def end_task(task: str) -> None:
            exchange.release(task)
            wake()

        ingester = Ingester(database, storage, exchange, live=live, on_task_ended=end_task)
        courier = Courier(database, keyring, server_url=settings.url, proxy=settings.forge_proxy)
        scheduler = Scheduler(database, announce=wake)
        keeper = Keeper(database, storage, settings.retention)
        threads = (keeper.thread, scheduler.thread, ingester.thread, dispatcher.thread, courier)
        for thread in threads:
            thread.start()
        try:
            yield Backstage(announce=wake, trouble=lambda: _trouble(settings, threads), crew=lambda: dispatcher.crew)
        finally:
            for thread in threads:
                await run_in_threadpool(thread.stop)

    return run


def _trouble(settings: Settings, threads: Sequence[Rounds | Courier]) -> str:
    if not all(thread.is_alive() for thread in threads):
        return "the server has lost a thread: start it again, and tell us what its log says"
    return "" if answers(settings.redis_url) else "Redis does not answer"
