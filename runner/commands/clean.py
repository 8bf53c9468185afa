"""`headrace clean`: removes what runs that were killed have left in the engine, and the images that were built."""

from contextlib import closing

import click

from runner.config import Config
from runner.engine.builds.outdated import UNUSED, remove_outdated
from runner.engine.client import Engine
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep


@click.command("clean")
def command() -> int:
    """Remove containers, networks and volumes that runs on this machine left when they were killed.

    Images that were built for steps go, too, unless a step has used them within the last hour.

    Nothing else is touched: what bears no label of ours, belongs to a run under way, or to another machine, stays.
    """
    config = Config.read()
    with closing(Engine(config.engine_url, config.engine_certificates)) as engine:
        swept = sweep(engine, this_process().host)
        images = remove_outdated(engine, UNUSED)
    found = f"{swept.containers} containers, {swept.networks} networks, {swept.volumes} volumes, {images} built images"
    click.echo(f"removed {found}", err=True)
    return 0
