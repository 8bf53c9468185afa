"""`headrace approve`: lets a run begin that waits for a person."""

from functools import partial

import click

from worker.commands.decision import decide
from worker.commands.settings_options import settings_options
from worker.settings import Settings
from worker.store import approvals, decisions


@click.command("approve")
@click.argument("run", metavar="RUN")
@click.option("--job", default="", metavar="NAME", help="Not the run, but this job of it.")
@settings_options
def command(*, settings: Settings, run: str, job: str) -> int:
    """Let a run, or a job of it, begin that waits for a person. RUN is its id, or OWNER/NAME#NUMBER.

    Look at the commits of a run before.
    """
    if job:
        return decide(settings, run=run, decision=partial(decisions.approve_job, job=job), done=f"may begin {job}")
    return decide(settings, run=run, decision=approvals.approve, done="may begin")
