"""`headrace runs`: the latest runs of this machine, or of a server."""

import json
from dataclasses import asdict
from typing import Any

import click
import msgspec

from pipelines.event import EventKind
from pipelines.status import Status
from runner.config import Config
from runner.remote.answers import RemoteRun
from runner.remote.options import chosen_server, connected, place_options
from runner.remote.server import Server
from runner.results.runlist import KeptRun, RunFilter, kept_runs
from runner.saying import say_table, tell


@click.command("runs")
@click.argument("repository", default="", metavar="[OWNER/NAME]")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="At most this many.")
@click.option("--branch", default="", help="Only of this branch, a pull request's target.")
@click.option("--status", type=click.Choice(list(map(str, Status))), help="Only those that stand so.")
@click.option("--event", type=click.Choice(list(map(str, EventKind))), help="Only of this kind of event.")
@click.option("--author", default="", help="Only of commits by this author.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@place_options
def command(  # noqa: PLR0913 - click gives each option by its name
    *,
    repository: str,
    limit: int,
    branch: str,
    status: str | None,
    event: str | None,
    author: str,
    output: str,
    server: str,
    local: bool,
) -> int:
    """List the latest runs of this machine; of a server, all of them, or those of one repository."""
    config = Config.read()
    wanted = RunFilter(branch=branch, status=status or "", event=event or "", author=author)
    url = chosen_server(config, server, local=local)
    if not url and repository:
        raise click.UsageError("this machine's runs belong to no repository: give --server URL, or no OWNER/NAME")
    if not url:
        kept = kept_runs(config.runs_directory, limit=limit, wanted=wanted)
        _show([asdict(run) for run in kept], [_kept_row(run) for run in kept], output)
        return 0
    with connected(config, url) as connection:
        runs = Server(connection).runs(repository, limit=limit, wanted=wanted)
    _show(msgspec.to_builtins(list(runs)), [_remote_row(run) for run in runs], output)
    return 0


def _kept_row(run: KeptRun) -> tuple[str, ...]:
    return (run.id, run.status or "unfinished", run.event, run.branch, run.started_at, run.title)


def _remote_row(run: RemoteRun) -> tuple[str, ...]:
    title = run.event.message.partition("\n")[0]
    name = f"{run.repository}#{run.number}"
    waits = f"waits {run.waits_for}" if run.waits_for else ""
    return (name, run.status, run.event.kind, run.event.tag or run.event.branch, run.created_at, title, waits)


def _show(described: list[dict[str, Any]], rows: list[tuple[str, ...]], output: str) -> None:
    if output == "json":
        click.echo(json.dumps(described))
        return
    if not rows:
        tell("no run yet")
    say_table(rows)
