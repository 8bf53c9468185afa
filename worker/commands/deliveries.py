"""`headrace deliveries`: what forges have posted to the service, what became of it, and having it taken again."""

import json
from typing import Any

import click
import msgspec

from runner.remote.answers import RemoteDelivery
from runner.remote.connection import Connection
from runner.remote.server import Server
from runner.saying import say, say_text, tell
from worker.commands.service_options import service_options

_number = click.argument("number", type=click.IntRange(min=1), metavar="N")
_repository = click.argument("repository", metavar="OWNER/NAME")
_output = click.option("--output", type=click.Choice(["text", "json"]), default="text")


@click.group("deliveries")
def command() -> None:
    """See what forges have posted to a repository's hook, and have it taken again."""


@command.command("list")
@_repository
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="At most this many.")
@click.option("--before", type=click.IntRange(min=1), metavar="N", help="Only those with a lower number.")
@_output
@service_options
def list_command(*, service: Connection, repository: str, limit: int, before: int | None, output: str) -> int:
    """List the latest deliveries, latest first: number, time, event, what became of it."""
    found = Server(service).deliveries(repository, limit=limit, before=before)
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return 0
    if not found.deliveries:
        tell("no delivery yet")
    for delivery in found.deliveries:
        say(_line(delivery))
    if found.before is not None:
        tell(f"there are more: --before {found.before}")
    return 0


@command.command("show")
@_repository
@_number
@_output
@service_options
def show_command(*, service: Connection, repository: str, number: int, output: str) -> int:
    """Show a delivery. As json it has headers and body, and `headrace run --delivery FILE` takes it."""
    delivery = Server(service).delivery(repository, number)
    if output == "json":
        click.echo(json.dumps(delivery, indent=2))
        return 0
    say(_line(msgspec.convert(delivery, RemoteDelivery)))
    for name, value in delivery["headers"].items():
        say(f"{name}: {value}")
    say("")
    say_text(_body(delivery["body"]))
    return 0


@command.command("redeliver")
@_repository
@_number
@service_options
def redeliver_command(*, service: Connection, repository: str, number: int) -> int:
    """Have a delivery taken again, as if it came now; prints the ids of the new runs."""
    made = Server(service).redeliver(repository, number)
    for run in made.runs:
        say(run.id)
        tell(f"{repository}#{run.number}: {run.url}")
    return 0


def _line(delivery: RemoteDelivery) -> str:
    runs = " ".join(f"#{run.number}" for run in delivery.runs)
    what = f"{delivery.verdict} {delivery.status_code}"
    return f"{delivery.id}  {delivery.received_at}  {delivery.event or '-'}  {what}  {runs or delivery.answer}"


def _body(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, indent=2)
