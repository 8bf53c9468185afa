"""Exchange: what the server and the workers say to each other through Redis.

DESIGN. Seven kinds of key, all small and all with an end:

    headrace:order:TASK   what to do, as JSON, secrets in it sealed; the queue itself (RQ) carries ids only
    headrace:claim:TASK   which worker took it: set once, so a task that the queue hands out twice runs once; "gone" if
                          that worker has seen the process end that did the task
    headrace:lease:TASK   that worker is alive: renewed every 5 s, gone after 30 s
    headrace:over:TASK    the server has called the task lost: a worker that wakes up after all stops it
    headrace:cancel:TASK  why the task is to end before its time: looked at by its worker every second
    headrace:records      the stream of Records back; read by the server in a consumer group, deleted once they are in
                          the database, so that it holds only what is in flight
    headrace:taken:TASK   the number of the last of its Records that are: until then the worker keeps them, too

Redis may lose all of this: the server asks again for what never started, and calls lost what stopped being renewed;
the worker says again whose the task is, and sends again what the server has not taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
import structlog
from redis import Redis
from redis.exceptions import ResponseError

from pipelines.records import AnyRecord, decode, encode
from worker.order import Order

_RENEWALS_A_LEASE = 6
_GONE = b"gone"
_KEEP_SECONDS = 7 * 24 * 3600
_STREAM = "headrace:records"
_GROUP = "server"

log = structlog.get_logger()

_Entries = list[tuple[bytes, dict[bytes, bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Records of one task, in order, as they came over the stream. `entry` is the stream's id of it."""

    entry: bytes
    task: str
    records: tuple[AnyRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What Redis knows of a task that was given out. One that is gone was claimed, and its process has ended."""

    is_claimed: bool
    is_leased: bool
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of what a worker has reported: `taken` is the number of the last Record that the server has.

    `is_held` says whether Redis still has a report that the server may not have, and `backlog` how many it has in all.
    """

    taken: int
    is_held: bool
    backlog: int


class Exchange:
    """Both ends' view of the keys above, over one Redis client. Redis' errors pass through."""

    def __init__(self, redis: "Redis", *, lease_seconds: float = 30.0) -> None:
        self._redis = redis
        self.lease_seconds = lease_seconds

    @property
    def renew_seconds(self) -> float:
        """How often a worker says that it is alive."""
        return self.lease_seconds / _RENEWALS_A_LEASE

    def place(self, order: Order) -> None:
        """Server: say what a task is about, before it is enqueued."""
        self._redis.set(_order_key(order.task), msgspec.json.encode(order), ex=_KEEP_SECONDS)

    def claim(self, task: str, worker: str) -> Order | None:
        """Worker: take a task; None if another has taken it already, or its order is gone."""
        if not self._redis.set(_claim_key(task), worker, ex=_KEEP_SECONDS, nx=True):
            return None
        self._redis.set(_lease_key(task), worker, px=int(self.lease_seconds * 1000))
        text = self._redis.get(_order_key(task))
        return msgspec.json.decode(text, type=Order) if text else None

    def renew(self, task: str, worker: str) -> bool:
        """Worker: still alive, and the task is mine; False if it is not, which a Redis that was emptied may bring."""
        pipeline = self._redis.pipeline()
        pipeline.set(_claim_key(task), worker, ex=_KEEP_SECONDS, nx=True)
        pipeline.get(_claim_key(task))
        *_, holder = pipeline.execute()
        if holder != worker.encode():
            return False
        self._redis.set(_lease_key(task), worker, px=int(self.lease_seconds * 1000))
        return True

    def let_go(self, task: str) -> None:
        """Worker: the process that did the task has ended without a word."""
        if self._redis.set(_claim_key(task), _GONE, ex=_KEEP_SECONDS, xx=True):
            self._redis.delete(_lease_key(task))

    def is_over(self, task: str) -> bool:
        """Worker: True if the server takes nothing of this task any more."""
        return bool(self._redis.exists(_over_key(task)))

    def release(self, task: str) -> None:
        """Server: the task has ended; nothing of it is needed any more. The claim stays, against a late double."""
        self._redis.delete(_order_key(task), _lease_key(task))

    def give_up(self, task: str) -> None:
        """Server: nothing of the task counts any more; should its worker wake up, it is to stop."""
        self._redis.set(_over_key(task), "lost", ex=_KEEP_SECONDS)

    def withdraw(self, task: str) -> bool:
        """Server: take a task back, so that no worker can claim it; False if one has."""
        return bool(self._redis.set(_claim_key(task), "withdrawn", ex=_KEEP_SECONDS, nx=True))

    def ask_to_cancel(self, task: str, reason: str) -> None:
        """Server: have the worker that has this task stop it."""
        self._redis.set(_cancel_key(task), reason, ex=_KEEP_SECONDS)

    def cancel_reason(self, task: str) -> str | None:
        """Worker: why the task is to be cancelled; None if it isn't."""
        reason = self._redis.get(_cancel_key(task))
        return reason.decode() if isinstance(reason, bytes) else reason

    def holdings(self, tasks: Sequence[str]) -> dict[str, Holding]:
        """Server: what became of these tasks."""
        pipeline = self._redis.pipeline(transaction=False)
        for task in tasks:
            pipeline.get(_claim_key(task))
            pipeline.exists(_lease_key(task))
        found = pipeline.execute()
        return {
            task: Holding(is_claimed=claim is not None, is_leased=bool(lease), is_gone=claim == _GONE)
            for task, claim, lease in zip(tasks, found[::2], found[1::2], strict=True)
        }

    def report(self, task: str, records: Sequence[AnyRecord]) -> bytes:
        """Worker: hand over Records, in order; gives the stream's id of the report."""
        fields = {"task": task, "records": b"\n".join(map(encode, records))}
        return cast("bytes", self._redis.xadd(_STREAM, fields))  # type: ignore[arg-type] # of its many shapes, ours

    def standing(self, task: str, entry: bytes) -> Standing:
        """Worker: what became of the Records of this task, and of this report, all at one moment."""
        pipeline = self._redis.pipeline()
        pipeline.get(_taken_key(task))
        pipeline.xrange(_STREAM, entry, entry)
        pipeline.xlen(_STREAM)
        taken, held, backlog = pipeline.execute()
        return Standing(taken=int(taken or 0), is_held=bool(held), backlog=backlog)

    def backlog(self) -> int:
        """How many reports wait for the server."""
        return int(self._redis.xlen(_STREAM))

    def open_reports(self) -> None:
        """Server: make the consumer group, unless there is one."""
        try:
            self._redis.xgroup_create(_STREAM, _GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def reports(self, *, again: bool, wait_ms: int = 1000, limit: int = 200) -> list[Report]:
        """Server: the next reports; with `again`, those that were read but never acknowledged."""
        answer = self._redis.xreadgroup(
            _GROUP, "server", {_STREAM: "0" if again else ">"}, count=limit, block=None if again else wait_ms
        )
        entries = cast("_Entries", answer[0][1] if answer else [])  # type: ignore[index] # of its many shapes, ours
        return [_report(entry, fields) for entry, fields in entries]

    def acknowledge(self, reports: Sequence[Report], taken: Mapping[str, int]) -> None:
        """Server: forget these reports; of these tasks, the Records up to these numbers are in the database."""
        entries = [report.entry for report in reports]
        pipeline = self._redis.pipeline()
        for task, number in taken.items():
            pipeline.set(_taken_key(task), number, ex=_KEEP_SECONDS)
        pipeline.xack(_STREAM, _GROUP, *entries)
        pipeline.xdel(_STREAM, *entries)
        pipeline.execute()


def _report(entry: bytes, fields: dict[bytes, bytes]) -> Report:
    task = fields.get(b"task", b"").decode(errors="replace")
    lines = fields.get(b"records", b"").split(b"\n")
    try:
        records = tuple(decode(line) for line in lines if line)
    except msgspec.MsgspecError as error:
        log.warning("report is void", task=task, entry=entry.decode(), error=str(error))
        records = ()
    return Report(entry=entry, task=task, records=records)


def _order_key(task: str) -> str:
    return f"headrace:order:{task}"


def _claim_key(task: str) -> str:
    return f"headrace:claim:{task}"


def _over_key(task: str) -> str:
    return f"headrace:over:{task}"


def _cancel_key(task: str) -> str:
    return f"headrace:cancel:{task}"


def _lease_key(task: str) -> str:
    return f"headrace:lease:{task}"


def _taken_key(task: str) -> str:
    return f"headrace:taken:{task}"
