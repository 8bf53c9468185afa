"""Grouped writes: many small transactions that come at once share one commit, which is what costs.

DESIGN. Whoever has work appends it to a queue and waits for the turn to write. The one whose turn it is does the work
of all who wait, each in a savepoint of its own, and commits once; the others find theirs done. So a lone writer waits
for nobody, and a crowd for two commits at the most. What fails is rolled back alone; a commit that fails, fails all.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection

from worker.store.database import Database

T = TypeVar("T")
_LARGEST_GROUP = 64


class GroupedWrites:
    """Writes to one database, from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._waiting: deque[tuple[Callable[[Connection], Any], Future[Any]]] = deque()

    def do(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, once that is committed. Raises what it raises, or Unavailable if it can't be committed."""
        result: Future[T] = Future()
        self._waiting.append((work, result))
        with self._turn:
            while not result.done():
                self._do_next_group()
        return result.result()

    def _do_next_group(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST_GROUP))]
        try:
            with self._database.write() as connection:
                outcomes = [(future, *_outcome(connection, work)) for work, future in group]
        except Exception as error:  # noqa: BLE001 -- nothing is committed, and each of them must hear of it
            for _, future in group:
                future.set_exception(error)
            return
        for future, value, failure in outcomes:
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)


def _outcome(connection: Connection, work: Callable[[Connection], T]) -> tuple[T | None, Exception | None]:
    try:
        with connection.begin_nested():
            return work(connection), None
    except Exception as error:  # noqa: BLE001 -- it belongs to the one who brought the work
        return None, error
