"""`headrace deploy`: has a server deploy what an earlier run was of."""

import click

from runner.commands.newrun import follow_option, told
from runner.config import Config
from runner.events import pairs
from runner.remote.options import connected, server_option
from runner.remote.server import Server
from runner.remote.starts import deploy


@click.command("deploy")
@click.argument("run", metavar="RUN")
@click.option("--to", "environment", required=True, metavar="NAME", help="Where to: $CI_PIPELINE_DEPLOY_TARGET.")
@click.option("--task", default="", metavar="NAME", help="What to do there: $CI_PIPELINE_DEPLOY_TASK.")
@click.option(
    "--param", "params", multiple=True, metavar="K=V", help="An input that the workflow asks for; repeatable."
)
@follow_option
@server_option
def command(*, run: str, environment: str, task: str, params: tuple[str, ...], is_followed: bool, server: str) -> int:
    """Deploy the commit of a run that has ended, by the workflows of the event `deployment`; prints the new run's id.

    RUN is an id, or OWNER/NAME#NUMBER; OWNER/NAME stands for its latest.
    """
    wanted = {"environment": environment, "task": task, "params": pairs(params, flag="--param")}
    with connected(Config.read(), server) as connection:
        new = deploy(connection, Server(connection).find(run), wanted)
        return told(connection, new, is_followed=is_followed)
