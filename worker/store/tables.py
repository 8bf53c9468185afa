"""The tables. Times are RFC 3339 text in UTC with milliseconds, as in Records, so that text order is time order.

A change here needs a step in migrations/ that brings databases there: CONTRIBUTING.md says how.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from worker.store.types import BigInteger, Text

metadata = MetaData()
UNMEASURED = "size_bytes IS NULL AND finished_at IS NOT NULL"
TO_CANCEL = "cancel_reason IS NOT NULL AND finished_at IS NULL"

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

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="SET NULL")),
    Column("number", Integer, nullable=False),  # counts from 1 within its repository
    Column("event", LargeBinary, nullable=False),  # a pipelines.event.Event as JSON
    Column(
        "kind", Text, nullable=False, server_default=text("''")
    ),  # of the event, as are the next two: lists ask for them
    Column("branch", Text, nullable=False, server_default=text("''")),
    Column("author", Text, nullable=False, server_default=text("''")),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cancel_reason", Text),  # why it is to end before its time, once somebody has asked for that
    Column("last_seq", Integer, nullable=False),  # of its Records
    Column("created_at", Text, nullable=False),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    # The branch or pull request that a push was to, on which a newer one takes its place; null for other runs.
    Column("line", Text),
    Column("problems", LargeBinary),  # a list of pipelines.problems.Problem as JSON, once it has a Plan
    Column("kept_from", Text),  # the id of the run that has done for it what it doesn't do again
    Column("size_bytes", BigInteger),  # of its logs and artifacts on disk, once it has ended and they were measured
    UniqueConstraint("repository_id", "number"),
    Index("runs_by_line", "repository_id", "line", "status"),
    Index("runs_by_status", "status", "id"),
    Index("runs_by_branch", "branch", "id"),
    Index("runs_by_kind", "kind", "id"),
    Index("runs_by_author", "author", "id"),
    Index("runs_by_repository_and_status", "repository_id", "status", "number"),
    Index("runs_by_repository_and_branch", "repository_id", "branch", "number"),
    Index("runs_by_repository_and_kind", "repository_id", "kind", "number"),
    Index("runs_by_repository_and_author", "repository_id", "author", "number"),
    Index("runs_by_repository_and_age", "repository_id", "created_at"),
    Index("runs_by_delivery", "delivery_id"),
    Index("runs_unmeasured", "repository_id", sqlite_where=text(UNMEASURED), postgresql_where=text(UNMEASURED)),
    Index("runs_to_cancel", "id", sqlite_where=text(TO_CANCEL), postgresql_where=text(TO_CANCEL)),
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

# That a run's logs or artifacts are not there any more, since when and why. The run itself is.
removals = Table(
    "removals",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),  # logs or artifacts
    Column("removed_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# That somebody has looked at these commits of a pull request, or of a branch or tag, and lets them run.
approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("sha", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", Text, nullable=False),
    UniqueConstraint("repository_id", "ref", "sha"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # within the Plan, from 0
    Column("name", Text, nullable=False),
    Column("plan", LargeBinary, nullable=False),  # a pipelines.plan.PlannedJob as JSON
    Column("decide_until", Text),  # when it has waited for a person for too long, if it had to
    Column("decided_by", Text),  # who let it begin, or not
    Column("decided_at", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    UniqueConstraint("run_id", "name"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # services first, then steps in file order
    Column("kind", Text, nullable=False),  # step or service
    Column("name", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exit_code", Integer),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    UniqueConstraint("job_id", "name"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("run_id", "job", "step", "path"),
)

# Every Record save log lines, which live in log files.
records = Table(
    "records",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# What a worker can take: the planning of a run, or one attempt at one job. Its id is the fencing token.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE")),  # null: plan the run
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),  # pending, queued, running, ended
    Column("queue", Text),  # of the workers that it was given to
    Column("labels", Text, nullable=False, server_default="{}"),  # as JSON: what its worker must have
    Column("concurrency_group", Text),
    Column("concurrency_limit", Integer, nullable=False, server_default="0"),  # so many of the group at once
    Column("cancel_reason", Text),  # why it alone is to end, once it is
    Column("last_seq", Integer, nullable=False),  # of the Records taken from it: each is taken once
    Column("not_before", Text),  # when it may be given out at the earliest, if it has to wait for that
    Column("created_at", Text, nullable=False),
    Index("tasks_by_state", "state", "created_at"),
    Index("tasks_by_run", "run_id"),
    Index("tasks_by_job", "job_id"),  # without it, to remove a job is to look at every task
)

# What is to run at which times. Times are when they come due, which a clock that is set anew doesn't change.
schedules = Table(
    "schedules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("branch", Text, nullable=False),  # or "" for the default one
    Column("params", Text, nullable=False),  # a JSON map
    Column("state", Text, nullable=False),  # enabled or disabled
    Column("trouble", Text, nullable=False),  # why the server disabled it itself, or ""
    Column("next_at", Text, nullable=False),
    Column("promised_at", Text, nullable=False),  # when that was worked out
    Column("last_at", Text),  # when its last run was made
    Column("last_run_id", ForeignKey("runs.id", ondelete="SET NULL")),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("repository_id", "name"),
    Index("schedules_by_next", "state", "next_at"),
    Index("schedules_by_run", "last_run_id"),
)

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

# What forges are to be told: the newest status of each commit under each name, and whether it has got there.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # the run's: a later run's word counts more
    Column("sha", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("version", Integer, nullable=False),  # counts what was to be said under this name
    Column("state", Text, nullable=False),  # waiting, taken, refused, given_up
    Column("attempts", Integer, nullable=False),  # that failed since something was taken
    Column("changed_at", Text, nullable=False),
    Column("next_at", Text, nullable=False),  # when to try (again)
    UniqueConstraint("repository_id", "sha", "context"),
    Index("outbox_by_state", "state", "next_at"),
    Index("outbox_by_run", "run_id"),
)
