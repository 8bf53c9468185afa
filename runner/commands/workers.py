"""`headrace workers`: the workers of a server."""

import json

import click
import msgspec

from runner.config import Config
from runner.remote.answers import RemoteWorker
from runner.remote.options import connected, server_option
from runner.remote.server import Server
from runner.saying import say, tell


@click.command("workers")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@server_option
def command(*, output: str, server: str) -> int:
    """List the workers of a server: their labels, and what they do."""
    with connected(Config.read(), server) as connection:
        answer = Server(connection).workers()
    if not answer.redis:
        tell("headrace: Redis does not answer; this is how it was before")
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(list(answer.workers))))
        return 0
    for worker in answer.workers:
        say(_line(worker))
    if not answer.workers:
        tell("no worker is connected: runs wait")
    return 0


def _line(worker: RemoteWorker) -> str:
    labels = ",".join(f"{name}={value}" for name, value in sorted(worker.labels.items()))
    return f"{worker.name}  {labels}  {worker.run or 'waits for work'}"
