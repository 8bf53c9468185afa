"""`headrace rerun`: has a server run something again."""

import click

from runner.commands.newrun import follow_option, told
from runner.config import Config
from runner.remote.options import connected, server_option
from runner.remote.server import Server


@click.command("rerun")
@click.argument("run", metavar="RUN")
@click.option("--failed", is_flag=True, help="Only what has not succeeded; the rest counts as done.")
@follow_option
@server_option
def command(*, run: str, failed: bool, is_followed: bool, server: str) -> int:
    """Run a run's event again, at the same commit; prints the new run's id. RUN is an id, or OWNER/NAME#NUMBER."""
    with connected(Config.read(), server) as connection:
        speaker = Server(connection)
        again = speaker.run_again(speaker.find(run), jobs="failed" if failed else "all")
        return told(connection, again, is_followed=is_followed)
