"""`headrace start`: has a server run workflows of a branch or tag by hand."""

import click

from runner.config import Config
from runner.events import pairs
from runner.remote.answers import RemoteRun
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
@server_option
def command(
    *,
    repository: str,
    branch: str,
    tag: str,
    sha: str,
    params: tuple[str, ...],
    workflows: tuple[str, ...],
    server: str,
) -> int:
    """Start a run on a server, of the event `manual`; prints its id. `headrace logs ID` follows it."""
    wanted = {
        "branch": branch,
        "tag": tag,
        "sha": sha,
        "params": pairs(params, flag="--param"),
        "workflows": list(workflows),
    }
    with connected(Config.read(), server) as connection:
        run = start(connection, repository, wanted)
    return told(run)


def told(run: RemoteRun) -> int:
    """Print a new run's id, and for people where it is seen."""
    click.echo(run.id)
    click.echo(f"{run.repository}#{run.number}: {run.url}", err=True)
    return 0
