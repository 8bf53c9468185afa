"""`headrace start`: has a server run workflows of a branch or tag by hand."""

import click

from runner.commands.newrun import follow_option, told
from runner.config import Config
from runner.events import pairs
from runner.remote.options import connected, server_option
from runner.remote.starts import start


@click.command("start")
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--branch", default="", metavar="NAME", help="The branch; without one, the default branch.")
@click.option("--tag", default="", metavar="NAME", help="A tag instead.")
@click.option("--sha", default="", metavar="HASH", help="A commit of the branch, instead of its last.")
@click.option(
    "--param", "params", multiple=True, metavar="K=V", help="An input that the workflow asks for; repeatable."
)
@click.option("--workflow", "workflows", multiple=True, metavar="NAME",
              help="Only this workflow and those that it needs; repeatable.")  # fmt: skip
@follow_option
@server_option
def command(
    *,
    repository: str,
    branch: str,
    tag: str,
    sha: str,
    params: tuple[str, ...],
    workflows: tuple[str, ...],
    is_followed: bool,
    server: str,
) -> int:
    """Start a run on a server, of the event `manual`; prints its id, or with --follow all of it."""
    wanted = {
        "branch": branch,
        "tag": tag,
        "sha": sha,
        "params": pairs(params, flag="--param"),
        "workflows": list(workflows),
    }
    with connected(Config.read(), server) as connection:
        return told(connection, start(connection, repository, wanted), is_followed=is_followed)
