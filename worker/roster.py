"""The roster: which workers there are, as they say themselves, in Redis, for as long as they say so.

DESIGN. `headrace:worker:NAME` holds what a worker says of itself and is gone when it stops saying so; the names are in
the set `headrace:workers`. A worker's labels name the queue that it takes from, one queue a worker: of several queues,
RQ would lose what a worker has taken and not begun.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import cast

import msgspec
import structlog
from redis import Redis

_ALL = "headrace:workers"

log = structlog.get_logger()


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One worker process: it takes one task at a time. `since` is RFC 3339 text; `task` is what it does, or `""`."""

    name: str
    host: str
    labels: dict[str, str]
    since: str
    version: str
    task: str = ""

    @property
    def queue(self) -> str:
        """The queue of all workers of these labels."""
        return queue_of(self.labels)


def queue_of(labels: dict[str, str]) -> str:
    """The name of the queue that workers of these labels take from."""
    return f"headrace:{hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]}"


class Roster:
    """Both ends' view of it, over one Redis client. Redis' errors pass through."""

    def __init__(self, redis: "Redis", *, lasts_seconds: float) -> None:
        self._redis = redis
        self._lasts_ms = int(lasts_seconds * 1000)

    def announce(self, worker: Worker) -> None:
        """Worker: I am here, and this is what I do."""
        pipeline = self._redis.pipeline()
        pipeline.set(_key(worker.name), msgspec.json.encode(worker), px=self._lasts_ms)
        pipeline.sadd(_ALL, worker.name)
        pipeline.execute()

    def leave(self, name: str) -> None:
        """Worker: I take nothing any more."""
        pipeline = self._redis.pipeline()
        pipeline.delete(_key(name))
        pipeline.srem(_ALL, name)
        pipeline.execute()

    def workers(self) -> list[Worker]:
        """Server: those that are here, by name."""
        names = sorted(name.decode() for name in cast("set[bytes]", self._redis.smembers(_ALL)))
        said = cast("list[bytes | None]", self._redis.mget([_key(name) for name in names])) if names else []
        gone = [name for name, text in zip(names, said, strict=True) if text is None]
        if gone:
            self._redis.srem(_ALL, *gone)
        return _read(said)


def _read(said: Sequence[bytes | None]) -> list[Worker]:
    found = []
    for text in said:
        try:
            found += [msgspec.json.decode(text, type=Worker)] if text else []
        except msgspec.MsgspecError as error:
            log.warning("a worker can't be understood", error=str(error))
    return found


def _key(name: str) -> str:
    return f"headrace:worker:{name}"
