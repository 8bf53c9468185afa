"""`headrace run`: the working tree's workflows, here and now, through the code that the server runs."""

import logging
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import click

from pipelines.offers import Offer, Offers
from pipelines.plan import Plan, PlannedJob
from pipelines.planner import make_plan
from pipelines.records import AnyRecord, Sink, encode
from pipelines.status import Status
from pipelines.unacted import unacted
from runner.backend import Ticket
from runner.commands.event_options import event_options
from runner.config import Config
from runner.engine.configured import docker_backend
from runner.events import EventOptions, PlanOptions, local_event
from runner.excerpts import with_excerpt
from runner.execute import execute
from runner.includable import files_below
from runner.logging import configure_logging
from runner.results.history import LocalHistory
from runner.run import refuse_plan, run_plan
from runner.run_id import new_run_id
from runner.scribe import Scribe
from runner.secrets import read_secrets
from runner.signals import stop_on
from runner.source.working_tree import WorkingTree
from runner.stop import Stop
from runner.terminal import PlainConsole, Terminal
from runner.workflow_files import read_workflow_files

_EXIT_CODES = {
    Status.SUCCESS: 0,
    Status.SKIPPED: 0,
    Status.FAILURE: 1,
    Status.ERROR: 3,
    Status.TIMED_OUT: 4,
    Status.CANCELLED: 130,
}
_EXIT_BROKEN_FILE = 2
_INTERRUPTED = (Status.CANCELLED, "interrupted")
_SIGNALS = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), _INTERRUPTED)


@click.command("run")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@event_options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: Records, one a line.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME=VALUE", help="A secret; may be given often.")
@click.option("--secret-file", "secret_files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A file of NAME=VALUE lines.")  # fmt: skip
def command(
    *,
    paths: tuple[Path, ...],
    options: EventOptions,
    planning: PlanOptions,
    output: str,
    secrets: tuple[str, ...],
    secret_files: tuple[Path, ...],
) -> int:
    """Run workflows here: those of this repository, or the FILEs.

    The working tree goes into the containers as it is, with what isn't committed and without what git ignores, and
    is never written to. Exit codes: 0 success, 1 a step failed, 2 a workflow file or the usage is wrong, 3 Headrace
    or the container engine failed, 4 timed out, 130 interrupted.
    """
    configure_logging("console", level=logging.WARNING)
    values = read_secrets(secrets, secret_files)
    tree = WorkingTree.around(Path.cwd())
    files = read_workflow_files(paths, tree.root)
    includable = files_below(tree.root)
    plan = make_plan(
        files,
        local_event(options, tree.facts()),
        trust=planning.trust,
        includable=includable,
        variables=planning.variables,
        secrets=_given(values),
    )
    for problem in plan.problems:
        click.echo(with_excerpt(problem, {**includable, **files}[problem.file]), err=True)
    if plan.has_errors:
        return refuse(plan, output=output)
    for line in unacted(plan):
        click.echo(f"warning: {line}", err=True)
    return run(plan, tree, secrets=values, output=output, config=Config.read())


def _given(secrets: Iterable[str]) -> Offers:
    """What was given is for every step."""
    return Offers(each=tuple(Offer(name=name.lower()) for name in secrets), hint="give it by `--secret NAME=VALUE`")


def refuse(plan: Plan, *, output: str) -> int:
    """Say that a plan with errors is not carried out; gives the exit code."""
    refuse_plan(plan, Scribe(new_run_id(), _shown(output, Stop())))
    return _EXIT_BROKEN_FILE


def run(plan: Plan, tree: WorkingTree, *, secrets: dict[str, str], output: str, config: Config) -> int:
    """Carry out the plan with this tree's files; gives the exit code. `output` is text or json."""
    stop, abort = Stop(), Stop()
    stop_on(_SIGNALS, stop, abort=abort)
    with (
        closing(docker_backend(config)) as backend,
        closing(LocalHistory(config.runs_directory, new_run_id())) as history,
    ):
        scribe = Scribe(history.directory.name, _to_all(history, _shown(output, stop)))

        def perform(job: PlannedJob) -> Status:
            return execute(
                job,
                backend,
                scribe,
                ticket=Ticket(run=scribe.run, job=job.name),
                tree=tree.tree,
                artifacts=history.artifacts,
                secrets=secrets,
                stop=stop,
                abort=abort,
                log_limit_bytes=config.log_limit_bytes,
            )

        status = run_plan(plan, perform, scribe, jobs_at_once=config.lanes)
    if output == "text":
        click.echo(f"  logs and artifacts: {history.directory}", err=True)
    return _EXIT_CODES.get(status, _EXIT_CODES[Status.ERROR])


def _shown(output: str, stop: Stop) -> Sink:
    """What shows the run on stdout. Once nobody reads that any more (`headrace run | head`), the run is stopped."""
    show: Sink = _print_json if output == "json" else Terminal(PlainConsole(highlight=False))

    def shown(record: AnyRecord) -> None:
        try:
            show(record)
        except BrokenPipeError:
            _forget_stdout()
            stop.request(Status.CANCELLED, "nobody reads the output any more")

    return shown


def _forget_stdout() -> None:
    """Let what is still written, also by Python at its end, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(record: AnyRecord) -> None:
    sys.stdout.buffer.write(encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _to_all(*sinks: Sink) -> Sink:
    def to_all(record: AnyRecord) -> None:
        for sink in sinks:
            sink(record)

    return to_all
