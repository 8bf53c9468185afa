"""`headrace clean`: removes what runs that were killed have left in the engine."""

from contextlib import closing

import click

from runner.config import Config
from runner.engine.client import Engine
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep


@click.command("clean")
def command() -> int:
    """Remove containers, networks and volumes that runs on this machine left when they were killed.

    Nothing else is touched: what bears no label of ours, belongs to a run under way, or to another machine, stays.
    """
    config = Config.read()
    with closing(Engine(config.engine_url, config.engine_certificates)) as engine:
        swept = sweep(engine, this_process().host)
    click.echo(f"removed {swept.containers} containers, {swept.networks} networks, {swept.volumes} volumes", err=True)
    return 0
