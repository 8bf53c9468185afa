"""`headrace retention`: what is kept for how long, and what has to go."""

import click

from runner.remote.connection import Connection
from runner.remote.starts import repository_path
from runner.saying import say, tell
from worker.commands.answers import AllRetention, Removals, Removed, Retention
from worker.commands.service_options import Opened, place_given, service_options
from worker.retention.policy import Policy

_ALL = "everything for ever"


@click.group("retention", invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@place_given
def command(*, opened: Opened, dry_run: bool) -> int:
    """Have go what is not kept any more. The server does so by itself, every ten minutes."""
    if click.get_current_context().invoked_subcommand:
        return 0
    path = "/api/retention/removals"
    with opened() as service:
        found = (service.get(path, Removals) if dry_run else service.post(path, {}, Removals)).removed
    for removed in found:
        say(_told(removed))
    if not found:
        tell("headrace: all that there is, is kept")
    return 0


@command.command("show")
@service_options
def show_command(*, service: Connection) -> int:
    """Show what counts for each repository, and for all that say nothing."""
    found = service.get("/api/retention", AllRetention)
    say(f"every repository, if it says nothing else: {found.default or _ALL}")
    for kept in found.repositories:
        say(f"{kept.repository}: {kept.in_force or _ALL}")
    return 0


@command.command("set")
@click.argument("name", metavar="OWNER/NAME")
@click.argument("rules", metavar="RULE=VALUE", nargs=-1, required=True)
@service_options
def set_command(*, service: Connection, name: str, rules: tuple[str, ...]) -> int:
    """Say how long a repository's things are kept.

    Rules are runs=90d, runs_per_branch=20, runs_count=1000, logs=30d, artifacts=30d, files=20GiB, deliveries=30d,
    deliveries_count=1000 and deliveries_size=1GiB; `forever` keeps them, `default` leaves it to the server's setting.
    """
    given = Policy.parse(" ".join(rules))
    named = {rule.partition("=")[0] for rule in rules}
    path = f"{repository_path(name)}/retention"
    said = Policy.parse(service.get(path, Retention).rules)
    stored = service.put(path, {"rules": str(given.over(said.without(named)))}, Retention)
    say(f"{name}: {stored.in_force or _ALL}")
    return 0


def _told(removed: Removed) -> str:
    return (
        f"{removed.repository}: {removed.runs} runs, the logs of {removed.logs} others, the artifacts of "
        f"{removed.artifacts} others, {removed.deliveries} deliveries"
    )
