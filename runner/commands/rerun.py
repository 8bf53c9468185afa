"""`headrace rerun`: has a server run something again."""

import click

from runner.commands.server_options import connected, server_option
from runner.config import Config
from runner.remote.server import Server


@click.command("rerun")
@click.argument("run", metavar="RUN")
@server_option
def command(*, run: str, server: str) -> int:
    """Run a run's event again, at the same commit; prints the new run's id. RUN is an id, or OWNER/NAME#NUMBER."""
    with connected(Config.read(), server) as connection:
        speaker = Server(connection)
        again = speaker.run_again(speaker.find(run))
    click.echo(again.id)
    click.echo(f"{again.repository}#{again.number}: {again.url}", err=True)
    return 0
