"""Retention: how long a repository's runs, logs, artifacts and deliveries are kept."""

from worker.api import models
from worker.context import Context, Serving
from worker.retention.policy import Policy
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


def _told(context: Context, policy: Policy) -> models.Retention:
    return models.Retention(rules=str(policy), in_force=str(policy.over(context.settings.retention)))
