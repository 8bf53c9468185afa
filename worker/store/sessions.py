"""Sessions: browsers that somebody has logged in with.

SECURITY. A session ends when it was not used for a week, and 30 days after it began, however it is used. Its cookie's
value is one that we have drawn: what a browser brings is only ever looked up, so nobody can plant a session of theirs.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from runner.clock import from_now, now
from worker.access.identity import Identity, Role
from worker.access.keys import digest, new_key
from worker.store.tables import accounts, sessions

IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
_NOTED_EVERY = timedelta(minutes=5)  # that a session is used: a write each time would cost more than the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whose session it is, and whether its use is to be noted."""

    identity: Identity
    is_to_be_noted: bool


def begin(connection: Connection, account_id: int) -> str:
    """A new session of this account; gives the key for its cookie. Those that are over are forgotten."""
    key = new_key()
    connection.execute(delete(sessions).where(_is_over()))
    values = {"digest": digest(key), "account_id": account_id, "created_at": now(), "seen_at": now()}
    connection.execute(insert(sessions).values(values))
    return key


def find(connection: Connection, key: str) -> Found | None:
    """The session with this key, if it is not over."""
    query = (
        select(accounts.c.id, accounts.c.name, accounts.c.role, sessions.c.digest, sessions.c.seen_at)
        .join(accounts, accounts.c.id == sessions.c.account_id)
        .where(sessions.c.digest == digest(key), ~_is_over())
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    role = Role(row.role)
    identity = Identity(account_id=row.id, name=row.name, role=role, scope=role.scope, session=row.digest)
    return Found(identity=identity, is_to_be_noted=row.seen_at < from_now(-_NOTED_EVERY))


def note_use(connection: Connection, session: str) -> None:
    """The session with this digest is in use."""
    connection.execute(update(sessions).where(sessions.c.digest == session).values(seen_at=now()))


def end(connection: Connection, session: str) -> None:
    """End the session with this digest, if there is one."""
    connection.execute(delete(sessions).where(sessions.c.digest == session))


def _is_over() -> ColumnElement[bool]:
    return (sessions.c.seen_at <= from_now(-IDLE)) | (sessions.c.created_at <= from_now(-LONGEST))
