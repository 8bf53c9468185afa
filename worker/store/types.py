"""Column types that mean the same in SQLite and in PostgreSQL."""

from typing import Any

from sqlalchemy import Dialect, types


class Text(types.TypeDecorator[str]):
    """Text that sorts by its bytes, whatever language the database was made for: times and run ids sort by time.

    What a database can't hold is replaced, as it would be in a file: PostgreSQL knows no zero bytes, UTF-8 no halves of
    surrogate pairs, and both come with requests.
    """

    impl = types.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """SQLite sorts so by itself."""
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(types.Text(collation=collation))

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """The text as the database can hold it."""
        return value and str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


BigInteger = types.BigInteger().with_variant(types.Integer(), "sqlite")
"""A number of bytes or milliseconds: PostgreSQL's plain integers end at two billion, SQLite's don't."""
