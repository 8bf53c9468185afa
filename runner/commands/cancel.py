"""`headrace cancel`: ends a server's run before its time."""

import click

from runner.config import Config
from runner.remote.options import connected, server_option
from runner.remote.server import Server
from runner.saying import tell


@click.command("cancel")
@click.argument("run", metavar="RUN")
@click.option("--reason", default="", metavar="TEXT", help="Shown with the run.")
@server_option
def command(*, run: str, reason: str, server: str) -> int:
    """End a run of a server before its time. RUN is an id, or OWNER/NAME#NUMBER."""
    with connected(Config.read(), server) as connection:
        speaker = Server(connection)
        cancelled = speaker.cancel(speaker.find(run), reason)
    tell(f"{cancelled.repository}#{cancelled.number} is to end: {cancelled.url}")
    return 0
