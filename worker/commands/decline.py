"""`headrace decline`: ends a run that waits for a person."""

from functools import partial

import click

from worker.commands.decision import decide
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import approvals, decisions


@click.command("decline")
@click.argument("run", metavar="RUN")
@click.option("--job", default="", metavar="NAME", help="Not the run, but this job of it.")
@settings_options
def command(*, settings: Settings, run: str, job: str) -> int:
    """End a run, or a job of it, that waits for a person. RUN is its id, or OWNER/NAME#NUMBER."""
    if job:
        return decide(
            settings, run=run, decision=partial(decisions.decline_job, job=job), done=f"goes on without {job}"
        )
    return decide(settings, run=run, decision=approvals.decline, done="is declined")
