"""`headrace logs`: what an earlier run on this machine said, or any run of a server, live."""

import sys
from collections.abc import Iterator

import click

from pipelines.records import AnyRecord, Log, Sink, encode
from runner.config import Config
from runner.remote.following import follow
from runner.remote.options import chosen_server, connected, place_options
from runner.remote.server import Server
from runner.results.folding import command_runs, folded
from runner.results.history import find_run, replayed, without_logs
from runner.terminal import PlainConsole, Terminal
from runner.visible import visible


@click.command("logs")
@click.argument("run", default="", metavar="[RUN]")
@click.option("--step", default="", metavar="NAME", help="Just this step's output, as it was.")
@click.option("--job", default="", metavar="NAME", help="Of this job, if several have such a step.")
@click.option("--fold", is_flag=True, help="One line for each command that went well.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: Records, one a line.")
@place_options
def command(*, run: str, step: str, job: str, fold: bool, output: str, server: str, local: bool) -> int:
    """Show a run again: this machine's latest, or the one whose id begins with RUN.

    Of a server: its latest, or RUN as an id, OWNER/NAME#NUMBER, or OWNER/NAME for the latest there. One that goes on is
    followed to its end. Folded, it is shown then: each command that went well is one line with its time; of the others
    all is shown.
    """
    show = _sink(output, only_lines=bool(step))
    shown = 0
    for record in _records(Config.read(), run, server, local=local, fold=fold):
        if _is_wanted(record, step, job):
            show(record)
            shown += 1
    if step and not shown:
        raise click.UsageError(f"the run has no output of a step {step!r}")
    return 0


def _records(config: Config, run: str, server: str, *, local: bool, fold: bool) -> Iterator[AnyRecord]:
    url = chosen_server(config, server, local=local)
    if not url:
        directory = find_run(config.runs_directory, run)
        records = replayed(directory)
        yield from folded(records, command_runs(without_logs(directory))) if fold else records
        return
    with connected(config, url) as connection:
        run_id = Server(connection).find(run).id
        runs = command_runs(follow(connection, run_id, logs=False)) if fold else {}
        yield from folded(follow(connection, run_id), runs)


def _is_wanted(record: AnyRecord, step: str, job: str) -> bool:
    if not step:
        return True
    return isinstance(record, Log) and record.step == step and job in ("", record.job)


def _sink(output: str, *, only_lines: bool) -> Sink:
    if output == "json":
        return lambda record: click.echo(encode(record))
    if only_lines:
        return _print_lines
    return Terminal(PlainConsole(highlight=False))


def _print_lines(record: AnyRecord) -> None:
    """Write lines as they were; to a terminal what it is shown of any log."""
    if isinstance(record, Log):
        lines = map(visible, record.lines) if sys.stdout.isatty() else record.lines
        click.echo("\n".join(lines))
