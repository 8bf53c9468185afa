"""Accounts: who may use the server."""

import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from runner.clock import now
from worker.access.identity import Role
from worker.errors import Conflict, Malformed, NotFound
from worker.store.tables import accounts, sessions

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody, or a robot. Without a `password` (an argon2 hash) nobody can log in as it."""

    id: int
    name: str
    role: Role
    password: str | None = field(repr=False)
    created_at: str


def checked_name(text: str) -> str:
    """The name in lower case. Raises Malformed."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise Malformed(
            f"{text[:80]!r} can't be an account's name: expected up to 64 letters, digits, '.', '_' and '-'"
        )
    return name


def add(connection: Connection, name: str, *, role: Role, password: str | None = None) -> Account:
    """Store a new account. Raises Malformed, or Conflict if its name is taken."""
    name = checked_name(name)
    try:
        connection.execute(insert(accounts).values(name=name, role=role.value, password=password, created_at=now()))
    except IntegrityError as error:
        raise Conflict(f"there is an account {name} already") from error
    return named(connection, name)


def every(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]


def find(connection: Connection, name: str) -> Account | None:
    """The account with this name, however it is written, or None."""
    row = connection.execute(select(accounts).where(accounts.c.name == name.strip().lower())).one_or_none()
    return _account(row) if row else None


def named(connection: Connection, name: str) -> Account:
    """The account with this name. Raises NotFound."""
    account = find(connection, name)
    if account is None:
        raise NotFound(f"there is no account {name[:80]!r}; see `headrace user list`")
    return account


def with_id(connection: Connection, account_id: int) -> Account:
    """The account with this id, which must exist."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def there_is_one(connection: Connection) -> bool:
    """True once anybody can be let in."""
    return connection.execute(select(accounts.c.id).limit(1)).first() is not None


def keep_password(connection: Connection, account_id: int, password: str) -> None:
    """Keep the same password in another form."""
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(password=password))


def set_password(connection: Connection, account_id: int, password: str) -> None:
    """Replace the password, an argon2 hash; whoever is logged in as this account isn't any more."""
    keep_password(connection, account_id, password)
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id))


def remove(connection: Connection, name: str) -> Account:
    """Remove an account with its sessions and tokens; gives what it was. Raises NotFound, or Conflict for the last
    administrator: without one, nobody could change the server any more.
    """
    account = named(connection, name)
    others = select(accounts.c.id).where(accounts.c.role == Role.ADMINISTRATOR.value, accounts.c.id != account.id)
    if account.role is Role.ADMINISTRATOR and connection.execute(others.limit(1)).first() is None:
        raise Conflict(f"{account.name} is the only administrator: add another one first")
    connection.execute(delete(accounts).where(accounts.c.id == account.id))
    return account


def _account(row: Row[Any]) -> Account:
    columns = row._mapping  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
    return Account(**{**columns, "role": Role(columns["role"])})
