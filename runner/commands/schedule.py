"""`headrace schedule`: what a server runs at which times."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from runner.commands.newrun import follow_option, told
from runner.config import Config
from runner.events import pairs
from runner.remote.options import connected, server_option
from runner.remote.schedules import RemoteSchedule, Schedules
from runner.saying import say, say_table, tell

_REPOSITORY = click.argument("repository", metavar="OWNER/NAME")
_NAME = click.argument("name")
_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text")
_PARAM = click.option("--param", "params", multiple=True, metavar="K=V", help="An input of its runs; repeatable.")


@click.group("schedule")
def command() -> None:
    """Say what a server runs at which times. A schedule makes runs of the event `cron`."""


@command.command("add")
@_REPOSITORY
@_NAME
@click.option("--cron", required=True, metavar="EXPRESSION", help="Five fields, such as '30 2 * * 1-5', or @daily.")
@click.option("--zone", default="UTC", show_default=True, metavar="NAME", help="Whose clocks: Europe/Berlin, say.")
@click.option("--branch", default="", metavar="NAME", help="The branch; without one, the default branch.")
@_PARAM
@click.option("--disabled", is_flag=True, help="Only keep it, for later.")
@server_option
def add_command(
    *,
    repository: str,
    name: str,
    cron: str,
    zone: str,
    branch: str,
    params: tuple[str, ...],
    disabled: bool,
    server: str,
) -> int:
    """Have workflows run at certain times: those that `when: {event: cron, cron: NAME}` means."""
    wanted = {
        "name": name,
        "cron": cron,
        "time_zone": zone,
        "branch": branch,
        "params": pairs(params, flag="--param"),
        "enabled": not disabled,
    }
    with _schedules(server, repository) as schedules:
        return _tell_next(schedules.add(wanted))


@command.command("change")
@_REPOSITORY
@_NAME
@click.option("--cron", metavar="EXPRESSION", help="Other times.")
@click.option("--zone", "time_zone", metavar="NAME", help="Another time zone.")
@click.option("--branch", metavar="NAME", help="Another branch; '' for the default branch.")
@click.option("--param", "params", multiple=True, metavar="K=V", help="Other inputs, in place of all; repeatable.")
@server_option
def change_command(*, repository: str, name: str, params: tuple[str, ...], server: str, **given: str | None) -> int:
    """Change what is given of a schedule; the rest stays."""
    wanted: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    if params:
        wanted["params"] = pairs(params, flag="--param")
    with _schedules(server, repository) as schedules:
        return _tell_next(schedules.change(name, wanted))


@command.command("list")
@_REPOSITORY
@_OUTPUT
@server_option
def list_command(*, repository: str, output: str, server: str) -> int:
    """Show the schedules of a repository, each with its next time and its last run."""
    with _schedules(server, repository) as schedules:
        every = schedules.every()
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(every)))
        return 0
    say_table(map(_row, every))
    if not every:
        tell("no schedule yet: headrace schedule add OWNER/NAME NAME --cron @daily")
    return 0


@command.command("show")
@_REPOSITORY
@_NAME
@_OUTPUT
@server_option
def show_command(*, repository: str, name: str, output: str, server: str) -> int:
    """Show one schedule, with its next three times."""
    with _schedules(server, repository) as schedules:
        schedule = schedules.named(name)
    if output == "json":
        click.echo(json.dumps(msgspec.to_builtins(schedule)))
        return 0
    for title, text in _facts(schedule):
        say(f"{title:<8}  {text}")
    return 0


@command.command("remove")
@_REPOSITORY
@_NAME
@server_option
def remove_command(*, repository: str, name: str, server: str) -> int:
    """Forget a schedule; its runs stay."""
    with _schedules(server, repository) as schedules:
        schedules.remove(name)
    tell(f"{repository} has no schedule {name} any more")
    return 0


@command.command("run-now")
@_REPOSITORY
@_NAME
@follow_option
@server_option
def run_now_command(*, repository: str, name: str, is_followed: bool, server: str) -> int:
    """Run a schedule now, disabled or not; its next time stays. Prints the run's id."""
    with connected(Config.read(), server) as connection:
        run = Schedules(connection, repository).run_now(name)
        return told(connection, run, is_followed=is_followed)


def _switch(word: str, summary: str, *, enabled: bool) -> Callable[..., Any]:
    @command.command(word, help=summary)
    @_REPOSITORY
    @_NAME
    @server_option
    def switch(*, repository: str, name: str, server: str) -> int:
        with _schedules(server, repository) as schedules:
            return _tell_next(schedules.change(name, {"enabled": enabled}))

    return switch


enable_command = _switch("enable", "Let a schedule run again, beginning with its next time.", enabled=True)
disable_command = _switch("disable", "Let a schedule rest. What it misses meanwhile is not made up for.", enabled=False)


@contextmanager
def _schedules(server: str, repository: str) -> Iterator[Schedules]:
    with connected(Config.read(), server) as connection:
        yield Schedules(connection, repository)


def _tell_next(schedule: RemoteSchedule) -> int:
    tell(f"{schedule.name} {_next(schedule)}")
    return 0


def _next(schedule: RemoteSchedule) -> str:
    return f"comes next at {schedule.next_times[0]}" if schedule.next_times else "is disabled"


def _row(schedule: RemoteSchedule) -> tuple[str, ...]:
    following = schedule.next_times[0] if schedule.next_times else "disabled"
    branch = schedule.branch or "(default branch)"
    return (schedule.name, schedule.cron, schedule.time_zone, branch, following, _last(schedule))


def _facts(schedule: RemoteSchedule) -> Iterator[tuple[str, str]]:
    yield "times", f"{schedule.cron} ({schedule.time_zone})"
    yield "branch", schedule.branch or "(default branch)"
    for name, value in schedule.params.items():
        yield "param", f"{name}={value}"
    for moment in schedule.next_times or ("disabled",):
        yield "next", moment
    yield "last", f"{schedule.last_at} {_last(schedule)}" if schedule.last_at else "never"
    if schedule.trouble:
        yield "trouble", schedule.trouble


def _last(schedule: RemoteSchedule) -> str:
    return f"#{schedule.last_run.number} {schedule.last_run.status}" if schedule.last_run else "no run"
