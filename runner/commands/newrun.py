"""A run that a command has just made on a server: where it is seen, and how it goes."""

from collections.abc import Callable
from typing import Any

import click

from pipelines.problems import Problem
from pipelines.records import RunFinished, RunStarted
from pipelines.status import Status
from runner.exits import exit_code_of
from runner.remote.answers import RemoteRun
from runner.remote.connection import Connection
from runner.remote.following import follow
from runner.remote.server import Server
from runner.saying import say, tell
from runner.terminal import PlainConsole, Terminal

follow_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--follow", "is_followed", is_flag=True, help="Show the run until it ends; the exit code is then the run's."
)


def told(connection: Connection, run: RemoteRun, *, is_followed: bool = False) -> int:
    """Print a new run's id, and for people where it is seen; then all of it, if that is wanted.

    Gives 0, or the exit code that the run has come to. Whoever interrupts this leaves the run as it is.
    """
    if not is_followed:
        say(run.id)
    tell(f"{run.repository}#{run.number}: {run.url}")
    if run.waits_for:
        tell(f"waits {run.waits_for}")
    return _followed(connection, run) if is_followed else 0


def _followed(connection: Connection, run: RemoteRun) -> int:
    show = Terminal(PlainConsole(highlight=False))
    problems: tuple[Problem, ...] = ()
    status = Status.ERROR
    for record in follow(connection, run.id):
        if isinstance(record, RunStarted):
            problems = _shown(record.plan.problems)
        elif isinstance(record, RunFinished):
            status = record.status
            problems = problems or _shown(Server(connection).find(run.id).problems)  # it ended before it started
        show(record)
    return exit_code_of(status, problems)


def _shown(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    for problem in problems:
        tell(f"{problem.level}: {problem}")
    return problems
