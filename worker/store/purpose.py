"""Purpose: what a transaction is for. Each kind of database begins it accordingly."""

from enum import Enum

from sqlalchemy import Connection

OPTION = "headrace_purpose"
"""The name of the execution option that says it."""


class Purpose(Enum):
    """READ sees one moment and changes nothing. Of WRITE and MIGRATE there is one at a time, over all processes."""

    READ = "read"
    WRITE = "write"
    MIGRATE = "migrate"


def purpose_of(connection: Connection) -> Purpose:
    """What the transaction that begins on this connection is for."""
    return Purpose(connection.get_execution_options().get(OPTION, Purpose.READ))
