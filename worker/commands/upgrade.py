"""`headrace upgrade`: what a server has done to its database before it starts, by a process that ends. Hidden."""

import signal

import click

from worker.commands.settings_options import settings_options
from worker.logging import configure_logging
from worker.parent import signal_when_parent_dies
from worker.settings import Settings
from worker.store.schema import upgrade


@click.command("upgrade")
@settings_options
def command(*, settings: Settings) -> int:
    """Make the tables of the database, or bring them up to date. A server that starts has this done."""
    signal_when_parent_dies(signal.SIGTERM)
    configure_logging(settings.log_format)
    upgrade(settings.database_url)
    return 0
