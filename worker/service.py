"""The server's insides, put together: database, storage, dispatcher and ingester behind the web application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis import Redis
from starlette.concurrency import run_in_threadpool

from worker.app import Background
from worker.dispatch import Dispatcher
from worker.exchange import Exchange
from worker.ingest import Ingester
from worker.live import Live
from worker.queue import TaskQueue
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.storage import Storage
from worker.store.database import Database


def background(settings: Settings, database: Database, storage: Storage) -> Background:
    """What runs beside the web application for as long as that does: the dispatcher's thread and the ingester's.

    It gives the function that wakes the dispatcher.
    """
    queue = TaskQueue(_redis(settings))
    dispatcher = Dispatcher(
        database,
        Exchange(_redis(settings)),
        queue,
        open_keyring(settings),
        server_url=settings.url,
        privileged_plugins=settings.privileged_plugins,
    )
    exchange = Exchange(_redis(settings))
    ingester = Ingester(database, storage, exchange, on_task_ended=lambda task: _end_task(exchange, dispatcher, task))

    @asynccontextmanager
    async def run(live: Live) -> AsyncIterator[Callable[[], None]]:
        dispatcher.start(live)
        ingester.start(live)
        try:
            yield dispatcher.wake
        finally:
            await run_in_threadpool(ingester.stop)
            await run_in_threadpool(dispatcher.stop)

    return run


def _end_task(exchange: Exchange, dispatcher: Dispatcher, task: str) -> None:
    exchange.release(task)
    dispatcher.wake()


def _redis(settings: Settings) -> Redis:
    return Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=5)
