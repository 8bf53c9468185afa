"""`headrace clean`: removes what runs that were killed have left in the engine."""

import click

from runner.config import Config
from runner.engine.containers import DockerBackend
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep


@click.command("clean")
def command() -> int:
    """Remove containers, networks and volumes that runs on this machine left when they were killed.

    Nothing else is touched: what bears no label of ours, belongs to a run under way, or to another machine, stays.
    """
    config = Config.read()
    backend = DockerBackend(config.engine_url, certificates=config.engine_certificates)
    swept = sweep(backend.engine, this_process().host)
    backend.close()
    click.echo(f"removed {swept.containers} containers, {swept.networks} networks, {swept.volumes} volumes", err=True)
    return 0
