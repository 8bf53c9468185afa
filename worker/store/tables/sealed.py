"""What nobody may read: secrets of workflows, and what the server itself shows others."""

from sqlalchemy import Column, ForeignKey, Integer, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import Text

# Values are sealed for their scope, kind and name: one that is copied to another row can't be opened there.
secrets = Table(
    "secrets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", Text, nullable=False),  # repository:OWNER/NAME, owner:OWNER or global
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE")),  # of a repository's own
    Column("kind", Text, nullable=False),  # secret or registry
    Column("name", Text, nullable=False),  # in lower case; a registry's is its host
    Column("value_sealed", Text, nullable=False),
    Column("events", Text, nullable=False),  # a JSON list
    Column("images", Text, nullable=False),  # a JSON list
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    UniqueConstraint("scope", "kind", "name"),
)

# What the server shows others for a repository: a token for its forge's API, a password or a key to clone with.
credentials = Table(
    "credentials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # forge_token, clone_token, clone_key
    Column("name", Text, nullable=False),  # what may be shown of it: a user's name, a public key
    Column("known_hosts", Text, nullable=False),  # of a key: whom it is shown to
    Column("value_sealed", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("repository_id", "kind"),
)
