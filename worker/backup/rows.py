"""The database's rows in a backup: the same for every kind of database, so that either can take what the other gave.

DESIGN. All are read in one transaction, so they are of one moment, and neither readers nor writers wait meanwhile. They
are kept as values, by the names of tables and columns, and come back as values: nothing that a backup holds is ever run
as SQL or opened as a database, and it needs no program of the database's that must fit its version.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, MetaData, Table, func, insert, select
from sqlalchemy.exc import DataError, IntegrityError

from worker.backup.manifest import DATABASE
from worker.errors import Malformed
from worker.store.tables import metadata

LARGEST_CHUNK_BYTES = 256 * 1024 * 1024  # one row may be large: a delivery's payload
_CHUNK_BYTES = 4 * 1024 * 1024
_AT_ONCE = 500
Row = tuple[Any, ...]
_VALUES = (str, int, float, bytes, type(None))


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


_decoder = msgspec.msgpack.Decoder(_Chunk)


def chunks(connection: Connection) -> Iterator[tuple[str, bytes, int]]:
    """All rows: the name and the bytes of each file of the backup that holds some, and how many. Parents come first."""
    for table in metadata.sorted_tables:
        for number, rows in enumerate(_gathered(connection, table)):
            chunk = _Chunk(tuple(map(str, table.columns.keys())), tuple(rows))
            yield f"{DATABASE}/{table.name}/{number:08}", msgspec.msgpack.encode(chunk), len(rows)


def _gathered(connection: Connection, table: Table) -> Iterator[list[Row]]:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_AT_ONCE)
    rows, size_bytes = list[Row](), 0
    for row in connection.execute(query):
        rows.append(tuple(row))
        size_bytes += sum(len(value) for value in row if isinstance(value, bytes | str))
        if size_bytes > _CHUNK_BYTES or len(rows) >= 20 * _AT_ONCE:
            yield rows
            rows, size_bytes = [], 0
    if rows:
        yield rows


class Loader:
    """Puts rows into the empty tables of a database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = MetaData()
        self._tables.reflect(connection)

    def load(self, name: str, content: bytes) -> int:
        """Put in what a file of the backup holds; gives how many rows. Raises Malformed if it doesn't fit."""
        table = self._table(name.split("/")[1])
        try:
            chunk = _decoder.decode(content)
            _check(chunk, table)
            rows = [dict(zip(chunk.columns, row, strict=True)) for row in chunk.rows]
            for first in range(0, len(rows), _AT_ONCE):
                self._connection.execute(insert(table), rows[first : first + _AT_ONCE])
        except (msgspec.DecodeError, ValueError, IntegrityError, DataError) as error:
            raise Malformed(f"{name} does not fit the table {table.name}: {error}") from error
        return len(rows)

    def finish(self) -> None:
        """Have new rows numbered after those that came. SQLite does so by itself."""
        if self._connection.dialect.name == "postgresql":
            for table in self._tables.tables.values():
                self._number_after(table, table.primary_key.columns.values())

    def _number_after(self, table: Table, key: Sequence[Any]) -> None:
        if len(key) == 1 and key[0].name == "id" and "nextval" in str(getattr(key[0].server_default, "arg", "")):
            last = self._connection.execute(select(func.max(key[0]))).scalar_one()
            if last is not None:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                self._connection.execute(select(func.setval(sequence, last)))

    def _table(self, name: str) -> Table:
        table = self._tables.tables.get(name)
        if table is None or name == "alembic_version":
            raise Malformed(f"there is no table {name!r} in a database of that revision")
        return table


def _check(chunk: _Chunk, table: Table) -> None:
    """Raises ValueError if these can't be rows of this table."""
    if not set(chunk.columns) <= set(table.columns.keys()):
        raise ValueError(f"its columns are {', '.join(chunk.columns)}")
    if not all(isinstance(value, _VALUES) for row in chunk.rows for value in row):
        raise ValueError("a value is no plain one")
