"""Who may use the server, and the keys that they show: sessions, tokens, invitations."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import Text

# Who may use the server. A name is in lower case; without a password nobody can log in as it (robots have tokens).
accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # administrator, member
    Column("password", Text),  # its argon2 hash
    Column("created_at", Text, nullable=False),
    UniqueConstraint("name"),
)

# A browser that somebody has logged in with. Of its cookie, like of all keys, only the SHA-256 is kept.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Index("sessions_by_account", "account_id"),
)

# What a program shows instead of a password.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),  # what it is for
    Column("digest", Text, nullable=False),
    Column("scope", Text, nullable=False),  # read, write, admin
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("used_at", Text),
    UniqueConstraint("digest"),
    UniqueConstraint("account_id", "name"),
)

# Links by which somebody chooses their password, once. Without an account: the link that makes the first one.
invitations = Table(
    "invitations",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE")),
    Column("expires_at", Text, nullable=False),
)
