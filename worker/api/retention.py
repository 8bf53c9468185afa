"""Retention: how long runs, logs, artifacts and deliveries are kept, and having go what is not kept any more."""

from collections.abc import Iterable
from dataclasses import asdict

from worker.api import models
from worker.context import Context, Serving
from worker.retention.policy import Policy
from worker.retention.removal import Removed, Retention, policies, would_remove
from worker.store import repositories
from worker.store.retained import policy_of, set_policy


def show_retention(owner: str, name: str, context: Serving) -> models.Retention:
    """What a repository says about itself, and what counts."""
    with context.database.read() as connection:
        policy = policy_of(connection, repositories.named(connection, owner, name).id)
    return _told(context, policy)


def put_retention(owner: str, name: str, wanted: models.NewRetention, context: Serving) -> models.Retention:
    """Have a repository say this and nothing else. What is not kept any more goes within ten minutes."""
    policy = Policy.parse(wanted.rules)
    with context.database.write() as connection:
        set_policy(connection, repositories.named(connection, owner, name).id, policy)
    return _told(context, policy)


def show_all_retention(context: Serving) -> models.ServerRetention:
    """How long things are kept: of each repository, and of those that say nothing."""
    default = context.settings.retention
    found = [
        models.Kept(repository=repository.full_name, in_force=str(policy))
        for repository, policy in policies(context.database, default)
    ]
    return models.ServerRetention(default=str(default), repositories=found)


def show_removals(context: Serving) -> models.Removals:
    """What is not kept any more and would go now."""
    return _removals(would_remove(context.database, context.settings.retention))


def remove_now(_: models.Decision, context: Serving) -> models.Removals:
    """Have it go at once: the server does so by itself, every ten minutes."""
    retention = Retention(context.database, context.storage, context.settings.retention, pause=lambda: False)
    return _removals(retention.remove())


def _removals(found: Iterable[Removed]) -> models.Removals:
    return models.Removals(removed=[models.Removed(**asdict(removed)) for removed in found])


def _told(context: Context, policy: Policy) -> models.Retention:
    return models.Retention(rules=str(policy), in_force=str(policy.over(context.settings.retention)))
