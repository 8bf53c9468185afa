"""`headrace approve`: lets a run begin that waits for a person."""

import click

from worker.commands.decision import decide
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import approvals


@click.command("approve")
@click.argument("run", metavar="RUN")
@settings_options
def command(*, settings: Settings, run: str) -> int:
    """Let a run begin that waits for approval. RUN is its id, or OWNER/NAME#NUMBER. Look at its commits before."""
    return decide(settings, run=run, decision=approvals.approve, done="may begin")
