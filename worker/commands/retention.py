"""`headrace retention`: what is kept for how long, and what has to go."""

from contextlib import closing

import click

from worker.commands.settings_options import settings_options
from worker.retention.policy import Policy
from worker.retention.removal import Removed, Retention, policies, would_remove
from worker.settings import Settings
from worker.storage import Storage
from worker.store import repositories
from worker.store.database import Database
from worker.store.retained import policy_of, set_policy


@click.group("retention", invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@settings_options
@click.pass_context
def command(context: click.Context, *, settings: Settings, dry_run: bool) -> int:
    """Have go what is not kept any more. The server does so by itself, every ten minutes."""
    if context.invoked_subcommand:
        return 0
    with closing(Database(settings.database_url)) as database:
        if dry_run:
            found = would_remove(database, settings.retention)
        else:
            storage = Storage(settings.runs_directory)
            found = Retention(database, storage, settings.retention, pause=lambda: False).remove()
    for removed in found:
        click.echo(_told(removed))
    if not found:
        click.echo("headrace: all that there is, is kept", err=True)
    return 0


@command.command("show")
@settings_options
def show_command(*, settings: Settings) -> int:
    """Show what counts for each repository, and for all that say nothing."""
    click.echo(f"every repository, if it says nothing else: {settings.retention or 'everything for ever'}")
    with closing(Database(settings.database_url)) as database:
        for repository, policy in policies(database, settings.retention):
            click.echo(f"{repository.full_name}: {policy or 'everything for ever'}")
    return 0


@command.command("set")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("rules", metavar="RULE=VALUE", nargs=-1, required=True)
@settings_options
def set_command(*, settings: Settings, name: str, rules: tuple[str, ...]) -> int:
    """Say how long a repository's things are kept.

    Rules are runs=90d, runs_per_branch=20, runs_count=1000, logs=30d, artifacts=30d, files=20GiB, deliveries=30d,
    deliveries_count=1000 and deliveries_size=1GiB; `forever` keeps them, `default` leaves it to the server's setting.
    """
    given = Policy.parse(" ".join(rules))
    named = {rule.partition("=")[0] for rule in rules}
    owner, _, last = name.rpartition("/")
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        repository = repositories.named(connection, owner, last)
        policy = given.over(policy_of(connection, repository.id).without(named))
        set_policy(connection, repository.id, policy)
    click.echo(f"{name}: {policy.over(settings.retention) or 'everything for ever'}")
    return 0


def _told(removed: Removed) -> str:
    return (
        f"{removed.repository}: {removed.runs} runs, the logs of {removed.logs} others, the artifacts of "
        f"{removed.artifacts} others, {removed.deliveries} deliveries"
    )
