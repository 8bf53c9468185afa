"""`headrace decline`: ends a run that waits for a person."""

import click

from worker.commands.decision import decide
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import approvals


@click.command("decline")
@click.argument("run", metavar="RUN")
@settings_options
def command(*, settings: Settings, run: str) -> int:
    """End a run that waits for approval, before it has begun. RUN is its id, or OWNER/NAME#NUMBER."""
    return decide(settings, run=run, decision=approvals.decline, done="is declined")
