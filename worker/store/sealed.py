"""Sealed columns: every one there is, so that a new key can take over all that an old one has sealed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select, update

from worker.secrets.credential import CredentialKind
from worker.secrets.scope import Scope
from worker.secrets.sealing import Keyring, key_of
from worker.secrets.secret import Kind
from worker.store import credentials as credential_store
from worker.store import secrets as secret_store
from worker.store.tables import credentials, secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """A column that holds sealed values, or null. `place` gives what the value of a row is sealed for."""

    table: Table
    column: Column[Any]
    place: Callable[[Row[Any]], str]


SEALED = (
    SealedColumn(
        table=secrets,
        column=secrets.c.value_sealed,
        place=lambda row: secret_store.place(Scope.parse(row.scope), Kind(row.kind), row.name),
    ),
    SealedColumn(
        table=credentials,
        column=credentials.c.value_sealed,
        place=lambda row: credential_store.place(row.repository_id, CredentialKind(row.kind)),
    ),
)


def seal_anew(connection: Connection, keyring: Keyring) -> int:
    """Seal with the present key all that an older one has sealed; gives how many values those were.

    Raises Unsealable, naming the place, if one can't be opened; then nothing may be committed.
    """
    present = keyring.sealing_key().id
    return sum(_seal_column_anew(connection, keyring, each, present) for each in SEALED)


def _seal_column_anew(connection: Connection, keyring: Keyring, sealed: SealedColumn, present: str) -> int:
    rows = connection.execute(select(sealed.table).where(sealed.column.is_not(None))).all()
    old = [row for row in rows if key_of(getattr(row, sealed.column.name)) != present]
    for row in old:
        place = sealed.place(row)
        value = keyring.seal(keyring.open(getattr(row, sealed.column.name), place=place), place=place)
        connection.execute(update(sealed.table).where(sealed.table.c.id == row.id).values({sealed.column: value}))
    return len(old)
