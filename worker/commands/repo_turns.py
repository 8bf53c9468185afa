"""`headrace repo turns`: when a repository's runs have their turn, how many at once, and which end for newer ones."""

from contextlib import closing

import click

from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import repositories
from worker.store.database import Database
from worker.store.repositories import StoredRepository
from worker.superseding import Supersede
from worker.waiting.turns import HIGHEST_PRIORITY, MOST_RUNS


@click.command("turns")
@click.argument("name", metavar="OWNER/NAME")
@click.option(
    "--priority",
    type=click.IntRange(-HIGHEST_PRIORITY, HIGHEST_PRIORITY),
    help="The higher, the earlier its jobs' turn; 0 if never set.",
)
@click.option("--max-runs", type=click.IntRange(0, MOST_RUNS), help="So many at once; 0 for any number.")
@click.option(
    "--supersede",
    type=click.Choice([policy.value for policy in Supersede]),
    help="Which runs a newer push ends: those of pull requests, also of branches but the default one, or all.",
)
@settings_options
def turns_command(
    *, settings: Settings, name: str, priority: int | None, max_runs: int | None, supersede: str | None
) -> int:
    """Say when a repository's runs have their turn; without an option, show what holds."""
    policy = Supersede(supersede) if supersede else None
    return turns(settings, name=name, priority=priority, max_runs=max_runs, supersede=policy)


def turns(
    settings: Settings,
    *,
    name: str,
    priority: int | None = None,
    max_runs: int | None = None,
    supersede: Supersede | None = None,
) -> int:
    """Set what is given, and print what holds. Raises NotFound."""
    owner, _, short_name = name.rpartition("/")
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        stored = repositories.named(connection, owner, short_name)
        if priority is not None:
            stored = repositories.set_priority(connection, owner, short_name, priority)
        if max_runs is not None:
            stored = repositories.set_max_runs(connection, owner, short_name, max_runs or None)
        if supersede is not None:
            stored = repositories.set_supersede(connection, owner, short_name, supersede)
    click.echo(_told(stored))
    return 0


def _told(repository: StoredRepository) -> str:
    runs = repository.max_runs or "any number of"
    return (
        f"priority {repository.priority}, {runs} runs at once, newer pushes end older runs of: {repository.supersede}"
    )
