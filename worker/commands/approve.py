"""`headrace approve` and `headrace decline`: what becomes of a run, or of a job, that waits for a person."""

import click

from runner.remote.connection import Connection
from runner.remote.server import Decision, Server
from runner.saying import tell
from worker.commands.service_options import service_options

_RUN = click.argument("run", metavar="RUN")
_JOB = click.option("--job", default="", metavar="NAME", help="Not the run, but this job of it.")


@click.command("approve")
@_RUN
@_JOB
@service_options
def command(*, service: Connection, run: str, job: str) -> int:
    """Let a run, or a job of it, begin that waits for a person. RUN is its id, or OWNER/NAME#NUMBER.

    Look at the commits of a run before.
    """
    return decide(service, run=run, job=job, decision=Decision.APPROVE)


@click.command("decline")
@_RUN
@_JOB
@service_options
def decline_command(*, service: Connection, run: str, job: str) -> int:
    """End a run, or a job of it, that waits for a person. RUN is its id, or OWNER/NAME#NUMBER."""
    return decide(service, run=run, job=job, decision=Decision.DECLINE)


def decide(service: Connection, *, run: str, job: str, decision: Decision) -> int:
    """Decide it in the name of who asks: the token's account, or this machine's user. Raises UsageError."""
    server = Server(service)
    decided = server.decide(server.find(run), decision, job=job)
    tell(f"run {decided.number} of {decided.repository} {_done(decision, job)}")
    return 0


def _done(decision: Decision, job: str) -> str:
    if decision is Decision.APPROVE:
        return f"may begin {job}".rstrip()
    return f"goes on without {job}" if job else "is declined"
