"""Invitations: links by which somebody chooses a password, once.

DESIGN. An administrator makes an account, and its owner the password: nobody else ever knows it. A link that belongs to
no account makes the first one, an administrator's; it is drawn anew whenever the server starts without any account, and
is worth nothing once there is one.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from runner.clock import from_now, now
from worker.access.keys import digest, new_key
from worker.errors import Forbidden
from worker.store import accounts as account_store
from worker.store.accounts import Account
from worker.store.tables import invitations

LASTS = timedelta(days=7)
_FIRST_LASTS = timedelta(days=1)
_IS_OVER = "this link is used up or too old: ask an administrator for another one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Whom a link is for; None: whoever makes the first account."""

    account: Account | None


def invite(connection: Connection, account: Account) -> str:
    """A link's key for this account; one that was given before is worth nothing from now on."""
    return _add(connection, account.id, LASTS)


def invite_first(connection: Connection) -> str | None:
    """The key of the link that makes the first account; None if there is one."""
    if account_store.there_is_one(connection):
        return None
    return _add(connection, None, _FIRST_LASTS)


def find(connection: Connection, key: str) -> Invitation:
    """The invitation with this key. Raises Forbidden if it is not good, or not any more."""
    known = (invitations.c.digest == digest(key)) & (invitations.c.expires_at > now())
    row = connection.execute(select(invitations.c.account_id).where(known)).one_or_none()
    if row is None or (row.account_id is None and account_store.there_is_one(connection)):
        raise Forbidden(_IS_OVER)
    return Invitation(account=None if row.account_id is None else account_store.with_id(connection, row.account_id))


def use_up(connection: Connection, key: str) -> None:
    """The link with this key has served."""
    connection.execute(delete(invitations).where(invitations.c.digest == digest(key)))


def _add(connection: Connection, account_id: int | None, lasts: timedelta) -> str:
    key = new_key()
    connection.execute(delete(invitations).where(invitations.c.account_id.is_not_distinct_from(account_id)))
    values = {"digest": digest(key), "account_id": account_id, "expires_at": from_now(lasts)}
    connection.execute(insert(invitations).values(values))
    return key
