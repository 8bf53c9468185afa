"""Kinds of database: SQLite and PostgreSQL, and which of them a URL is of."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import URL, Engine

from worker.store import postgresql, sqlite


class Kind(Protocol):
    """What is different between kinds of database: a module."""

    def make_engine(self, url: URL, *, busy_seconds: float) -> Engine:
        """An engine for the database at the URL, whose statements wait so long for others."""

    def naming_database(self, url: URL) -> AbstractContextManager[None]:
        """Raises Unavailable, with the database's name, for whatever keeps the block from using it."""


_KINDS: dict[str, Kind] = {"sqlite": sqlite, "postgresql": postgresql}


def kind_of(url: URL) -> Kind:
    """The kind of database that is at a URL."""
    return _KINDS[url.get_backend_name()]
