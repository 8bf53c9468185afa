"""What `headrace approve` and `headrace decline` share: finding the run, and in whose name it is decided."""

import os
import pwd
import re
from contextlib import closing
from typing import Protocol

import click
from sqlalchemy import Connection

from worker.settings import Settings
from worker.store import queries
from worker.store.database import Database
from worker.store.queries import StoredRun

_NUMBERED = re.compile(r"(.+)/([^/#]+)#(\d{1,9})")


class Decide(Protocol):
    """What is decided about the run with this id. Raises NotFound, Conflict or Forbidden."""

    def __call__(self, connection: Connection, run_id: str, /, *, by: str) -> None:
        """Decide it in somebody's name."""


def decide(settings: Settings, *, run: str, decision: Decide, done: str) -> int:
    """Approve or decline a run in the name of this machine's user. Raises NotFound or Conflict."""
    who = pwd.getpwuid(os.getuid()).pw_name
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        found = _found(connection, run)
        decision(connection, found.id, by=who)
    click.echo(f"run {found.number} of {found.repository} {done}", err=True)
    return 0


def _found(connection: Connection, text: str) -> StoredRun:
    if numbered := _NUMBERED.fullmatch(text):
        return queries.run_numbered(connection, numbered[1], numbered[2], int(numbered[3]))
    return queries.run_with_id(connection, text)
