"""`headrace clean`: removes what killed runs have left, in the engine and on disk, and images that were built."""

from contextlib import closing

import click

from runner.config import Config
from runner.engine.builds.outdated import UNUSED, remove_outdated
from runner.engine.client import Engine
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep
from runner.results.history import forget_runs
from runner.saying import tell
from runner.scratch import sweep_scratch
from runner.source.disuse import remove_unused


@click.command("clean")
@click.option("--keep", type=click.IntRange(min=0), metavar="N",
              help="Of the runs that have ended, keep the last N alone; all if not given.")  # fmt: skip
def command(*, keep: int | None) -> int:
    """Remove what runs on this machine left when they were killed: containers, networks, volumes, logs, artifacts.

    Images that were built for steps, and copies of repositories that workflow files include others' files of, go, too,
    unless they were used within the last hour.

    Nothing else is touched: what bears no label of ours, belongs to a run under way, or to another machine, stays.
    """
    config = Config.read()
    sweep_scratch()
    runs = forget_runs(config.runs_directory, keep=keep)
    mirrors = remove_unused(config.mirrors_directory, UNUSED)
    with closing(Engine(config.engine_url, config.engine_certificates)) as engine:
        swept = sweep(engine, this_process().host)
        images = remove_outdated(engine, UNUSED)
    ours = f"{swept.containers} containers, {swept.networks} networks, {swept.volumes} volumes"
    files = f"{runs} runs' files, {mirrors} copies of repositories"
    tell(f"removed {ours}, {images} built images, {files}")
    return 0
