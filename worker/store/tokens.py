"""Tokens: what programs show instead of a password. Each belongs to an account and may do no more than that."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from runner.clock import from_now, now
from worker.access.identity import Identity, Role, Scope, least
from worker.access.keys import TOKEN_PREFIX, digest, new_key
from worker.errors import Conflict, Malformed, NotFound
from worker.store.accounts import Account
from worker.store.tables import accounts, tokens

_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is shown: never the token itself. Without `expires_at` it holds until it is revoked."""

    id: int
    account: str
    name: str
    scope: Scope
    created_at: str
    expires_at: str | None
    used_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whose token it is, and whether its use is to be noted."""

    token_id: int
    identity: Identity
    is_to_be_noted: bool


def create(connection: Connection, account: Account, name: str, *, scope: Scope, lasts: timedelta | None) -> str:
    """A new token of this account; gives the key, which nobody can be shown again.

    Raises Malformed for a scope beyond the account's, or Conflict if the account has a token of this name.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise Malformed(f"a token needs a name of up to {_LONGEST_NAME} characters that says what it is for")
    if not account.role.scope.includes(scope):
        raise Malformed(f"{account.name} is a {account.role}, whose tokens reach as far as {account.role.scope}")
    key = new_key(TOKEN_PREFIX)
    values = {"account_id": account.id, "name": name, "digest": digest(key), "scope": scope.value, "created_at": now()}
    try:
        connection.execute(insert(tokens).values(**values, expires_at=from_now(lasts) if lasts else None))
    except IntegrityError as error:
        raise Conflict(f"{account.name} has a token {name!r} already: revoke it, or choose another name") from error
    return key


def find(connection: Connection, key: str) -> Found | None:
    """The token with this key, unless it has expired. Its scope is never beyond what its account is today."""
    ours = (tokens.c.id, tokens.c.account_id, tokens.c.scope, tokens.c.used_at, tokens.c.expires_at)
    query = (
        select(accounts.c.name, accounts.c.role, *ours)
        .join(accounts, accounts.c.id == tokens.c.account_id)
        .where(tokens.c.digest == digest(key), tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now()))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    role = Role(row.role)
    scope = least(role.scope, Scope(row.scope))
    identity = Identity(account_id=row.account_id, name=row.name, role=role, scope=scope, expires_at=row.expires_at)
    return Found(token_id=row.id, identity=identity, is_to_be_noted=(row.used_at or "") < from_now(-_NOTED_EVERY))


def note_use(connection: Connection, token_id: int) -> None:
    """The token is in use."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now()))


def every(connection: Connection, *, account_id: int | None = None) -> list[Token]:
    """All tokens, or those of one account, by account and name; also those that have expired."""
    columns = (tokens.c.id, accounts.c.name.label("account"), tokens.c.name, tokens.c.scope)
    times = (tokens.c.created_at, tokens.c.expires_at, tokens.c.used_at)
    query: Select[Any] = select(*columns, *times).join(accounts, accounts.c.id == tokens.c.account_id)
    if account_id is not None:
        query = query.where(tokens.c.account_id == account_id)
    return [_token(row) for row in connection.execute(query.order_by(accounts.c.name, tokens.c.name))]


def revoke(connection: Connection, token_id: int, *, account_id: int | None = None) -> None:
    """Let this token in no more; only if it is this account's, where one is given. Raises NotFound."""
    wanted = tokens.c.id == token_id
    if account_id is not None:
        wanted &= tokens.c.account_id == account_id
    if not connection.execute(delete(tokens).where(wanted)).rowcount:
        raise NotFound(f"there is no token {token_id}; see `headrace token list`")


def _token(row: Row[Any]) -> Token:
    columns = row._mapping  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
    return Token(**{**columns, "scope": Scope(columns["scope"])})
