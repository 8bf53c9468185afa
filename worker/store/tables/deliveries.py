"""What forges have posted."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import BigInteger, Text

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text),  # the forge's id of one that was accepted: the same one is taken once
    Column("event", Text, nullable=False),  # the forge's name for it
    Column("payload", LargeBinary, nullable=False),  # scrubbed; of one that was refused, the beginning
    Column("received_at", Text, nullable=False),
    Column("said_key", Text),  # the forge's id, accepted or not
    Column("verdict", Text, nullable=False, server_default="accepted"),  # ignored, malformed, refused
    Column("status_code", Integer, nullable=False, server_default="202"),  # that it was answered with
    Column("answer", Text),  # why there is no run
    Column("headers", Text, nullable=False, server_default="{}"),  # those worth keeping, as JSON
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),  # of the body as it was sent
    Column("digest", Text),  # of the body, where the same one is taken once
    UniqueConstraint("repository_id", "key"),
    Index("deliveries_by_age", "repository_id", "received_at"),
    Index("deliveries_by_repository", "repository_id", "id"),
    Index("deliveries_by_digest", "repository_id", "digest", unique=True),
    Index("deliveries_by_verdict", "repository_id", "verdict"),
)
