"""`headrace clean`: removes what runs that were killed have left, in the engine and on disk."""

from contextlib import closing

import click

from runner.config import Config
from runner.engine.client import Engine
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep
from runner.results.history import forget_runs


@click.command("clean")
@click.option("--keep", type=click.IntRange(min=0), metavar="N",
              help="Of the runs that have ended, keep the last N alone; all if not given.")  # fmt: skip
def command(*, keep: int | None) -> int:
    """Remove what runs on this machine left when they were killed: containers, networks, volumes, logs, artifacts.

    Nothing else is touched: what bears no label of ours, belongs to a run under way, or to another machine, stays.
    """
    config = Config.read()
    runs = forget_runs(config.runs_directory, keep=keep)
    with closing(Engine(config.engine_url, config.engine_certificates)) as engine:
        swept = sweep(engine, this_process().host)
    ours = f"{swept.containers} containers, {swept.networks} networks, {swept.volumes} volumes, {runs} runs' files"
    click.echo(f"removed {ours}", err=True)
    return 0
