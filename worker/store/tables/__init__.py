"""The tables. Times are RFC 3339 text in UTC with milliseconds, as in Records, so that text order is time order.

Import them from here, not from the files below, so that `metadata` knows all of them. A change needs a step in
migrations/ that brings databases there: CONTRIBUTING.md says how.
"""

from worker.store.tables.accounts import accounts, invitations, sessions, tokens
from worker.store.tables.deliveries import deliveries
from worker.store.tables.jobs import artifacts, jobs, records, steps
from worker.store.tables.metadata import metadata
from worker.store.tables.outbox import outbox
from worker.store.tables.repositories import repositories, retention
from worker.store.tables.runs import approvals, removals, runs
from worker.store.tables.schedules import schedules
from worker.store.tables.sealed import credentials, secrets
from worker.store.tables.tasks import tasks

__all__ = [
    "accounts",
    "approvals",
    "artifacts",
    "credentials",
    "deliveries",
    "invitations",
    "jobs",
    "metadata",
    "outbox",
    "records",
    "removals",
    "repositories",
    "retention",
    "runs",
    "schedules",
    "secrets",
    "sessions",
    "steps",
    "tasks",
    "tokens",
]
