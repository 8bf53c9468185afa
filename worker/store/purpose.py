"""Purpose: what a transaction is for. Each kind of database begins it accordingly."""

from enum import Enum

from sqlalchemy import Connection

OPTION = "headrace_purpose"
"""The name of the execution option that says it."""


PATIENCE_OPTION = "headrace_patience_ms"
"""The name of the execution option that says how long a transaction waits for others, where it can't wait as usual."""


class Purpose(Enum):
    """READ sees one moment and changes nothing. Of WRITE and MIGRATE there is one at a time, over all processes."""

    READ = "read"
    WRITE = "write"
    MIGRATE = "migrate"


def purpose_of(connection: Connection) -> Purpose:
    """What the transaction that begins on this connection is for."""
    return Purpose(connection.get_execution_options().get(OPTION, Purpose.READ))


def patience_ms_of(connection: Connection) -> int | None:
    """How many milliseconds the transaction that begins on this connection waits for others; None: as usual."""
    patience: int | None = connection.get_execution_options().get(PATIENCE_OPTION)
    return patience
