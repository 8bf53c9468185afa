"""Grouped writes: many small transactions that come at once share one commit, which is what costs.

DESIGN. Whoever has work appends it to a queue and waits for the turn to write. The one whose turn it is does the work
of all who wait, each in a savepoint of its own, and commits once; the others find theirs done. So a lone writer waits
for nobody, and a crowd for two commits at the most. What fails is rolled back alone; a commit that fails, fails all, as
does trouble of the database's own: with a full disk, say, SQLite takes back all that the transaction has done so far.

Who brings work is told within twice the patience, however others hold the database: a forge hangs up after 5 s and then
never hears that its delivery has arrived. So a group waits that long for our own threads and for other programs; and
work that has waited so long already when its turn comes, behind groups that got nowhere, is not tried.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from worker.errors import Unavailable
from worker.store.database import Database

T = TypeVar("T")
_LARGEST_GROUP = 64
_PATIENCE_SECONDS = 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    work: Callable[[Connection], Any]
    result: Future[Any]
    since: float  # of the monotonic clock


class GroupedWrites:
    """Writes to one database, from many threads."""

    def __init__(self, database: Database, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._database = database
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        self._waiting: deque[_Waiting] = deque()

    def do(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, once that is committed. Raises what it raises, or Unavailable if it can't be committed."""
        result: Future[T] = Future()
        self._waiting.append(_Waiting(work=work, result=result, since=time.monotonic()))
        with self._turn:
            while not result.done():
                self._do_next_group()
        return result.result()

    def _do_next_group(self) -> None:
        group = self._next_group()
        if not group:
            return
        try:
            with self._database.write(patience_seconds=self._patience_seconds) as connection:
                outcomes = [(each.result, *_outcome(connection, each.work)) for each in group]
        except Exception as error:  # noqa: BLE001 -- nothing is committed, and each of them must hear of it
            for each in group:
                each.result.set_exception(error)
            return
        for future, value, failure in outcomes:
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)

    def _next_group(self) -> list[_Waiting]:
        """Those whose turn it is; without those who have waited too long, who are told so."""
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST_GROUP))]
        latest = time.monotonic() - self._patience_seconds
        for each in group:
            if each.since < latest:
                each.result.set_exception(Unavailable("the database does not answer: others wait before this one"))
        return [each for each in group if each.since >= latest]


def _outcome(connection: Connection, work: Callable[[Connection], T]) -> tuple[T | None, Exception | None]:
    """What the work gives, or how it failed. Raises OperationalError if nothing of the transaction may be left."""
    try:
        with connection.begin_nested():
            return work(connection), None
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 -- it belongs to the one who brought the work
        return None, error
