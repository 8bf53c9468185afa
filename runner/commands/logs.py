"""`headrace logs`: what an earlier run on this machine said."""

import click

from pipelines.records import AnyRecord, Log, Sink, encode
from runner.config import Config
from runner.results.folding import command_runs, folded
from runner.results.history import find_run, replayed, without_logs
from runner.terminal import PlainConsole, Terminal


@click.command("logs")
@click.argument("run", default="", metavar="[RUN]")
@click.option("--step", default="", metavar="NAME", help="Just this step's output, as it was.")
@click.option("--job", default="", metavar="NAME", help="Of this job, if several have such a step.")
@click.option("--fold", is_flag=True, help="One line for each command that went well.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: Records, one a line.")
def command(*, run: str, step: str, job: str, fold: bool, output: str) -> int:
    """Show a run of this machine again: the latest, or the one whose id begins with RUN.

    Folded, each command that went well is one line with its time; of the others all is shown.
    """
    directory = find_run(Config.read().runs_directory, run)
    show = _sink(output, only_lines=bool(step))
    shown = 0
    records = replayed(directory)
    for record in folded(records, command_runs(without_logs(directory))) if fold else records:
        if _is_wanted(record, step, job):
            show(record)
            shown += 1
    if step and not shown:
        raise click.UsageError(f"the run {directory.name} has no output of a step {step!r}")
    return 0


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
    if isinstance(record, Log):
        click.echo("\n".join(record.lines))
