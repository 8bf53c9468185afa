"""`headrace repo turns`: when a repository's runs have their turn, how many at once, and which end for newer ones."""

import click

from runner.remote.connection import Connection
from runner.remote.starts import repository_path
from runner.saying import say
from worker.commands.answers import Repository
from worker.commands.service_options import service_options
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
@service_options
def turns_command(*, service: Connection, name: str, **given: str | int | None) -> int:
    """Say when a repository's runs have their turn; without an option, show what holds."""
    wanted = {key: value for key, value in given.items() if value is not None}
    path = repository_path(name)
    say(_told(service.patch(path, wanted, Repository) if wanted else service.get(path, Repository)))
    return 0


def _told(repository: Repository) -> str:
    runs = repository.max_runs or "any number of"
    return (
        f"priority {repository.priority}, {runs} runs at once, newer pushes end older runs of: {repository.supersede}"
    )
