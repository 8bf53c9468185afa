"""What belongs to a repository itself: where it is, what its runs may do, how long what they leave is kept."""

from sqlalchemy import Column, ForeignKey, Integer, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import BigInteger, Text

repositories = Table(
    "repositories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("forge", Text, nullable=False),  # which forge's deliveries its hook takes: github, gitlab, gitea…
    Column("clone_url", Text, nullable=False),
    Column("url", Text, nullable=False),  # its page at the forge, or ""
    Column("default_branch", Text, nullable=False),
    Column("secret", Text, nullable=False),  # what deliveries are signed with
    Column("last_number", Integer, nullable=False),  # of its runs
    Column("created_at", Text, nullable=False),
    Column("trust", Text, nullable=False, server_default="none"),  # or of network,security,volumes
    Column("approval", Text, nullable=False, server_default="forks"),  # which runs wait for a person
    Column("supersede", Text, nullable=False, server_default="branches"),  # which runs a newer push ends
    Column("priority", Integer, nullable=False, server_default="0"),  # the higher, the earlier its tasks' turn
    Column("max_runs", Integer),  # so many at once; null: any number
    Column("forge_url", Text),  # where the forge is, if `url` doesn't lead there
    Column("told", Text, nullable=False, server_default="both"),  # what the forge is told of: run, jobs, both, none
    Column("badge", Text, nullable=False, server_default="auto"),  # who may see it: auto, public, private
    Column("status_trouble", Text),  # why the forge has not taken the last status
    UniqueConstraint("owner", "name"),
)

# How long what a repository's runs leave is kept, where it says more than the server's settings: null is theirs, 0 is
# for ever.
retention = Table(
    "retention",
    metadata,
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("runs_days", Integer),
    Column("runs_per_branch", Integer),
    Column("runs_count", Integer),
    Column("logs_days", Integer),
    Column("artifacts_days", Integer),
    Column("deliveries_days", Integer),
    Column("files_bytes", BigInteger),
    Column("deliveries_count", Integer),
    Column("deliveries_bytes", BigInteger),
)
