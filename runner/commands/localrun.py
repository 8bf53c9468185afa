"""A local run, from the working tree over its plan to the exit code."""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.offers import Offer, Offers
from pipelines.outputs import with_outputs, written_by
from pipelines.plan import Plan, PlannedJob
from pipelines.planner import make_plan
from pipelines.records import AnyRecord, Sink, StepFinished, encode
from pipelines.status import Status
from runner.backend import Backend, Ticket
from runner.config import Config
from runner.display import Display
from runner.errors import SinkError, SourceError
from runner.events import EventOptions, PlanOptions, local_event
from runner.excerpts import with_excerpt
from runner.execute import execute
from runner.exits import BROKEN_FILE, exit_code_of
from runner.librarieshere import LibrariesHere
from runner.logging import log_to_console
from runner.results.history import LocalHistory
from runner.run import refuse_plan, run_plan
from runner.saying import tell, tell_text
from runner.scribe import Scribe
from runner.source.clonesettings import clone_settings
from runner.source.working_tree import WorkingTree
from runner.stop import Stop
from runner.terminal import PlainConsole, Terminal
from runner.workflow_files import read_workflow_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a local run is carried out with. `output` is text or json; `backend` may wait, and raises BackendError."""

    config: Config
    run: str
    backend: Callable[[], Backend]
    secrets: Mapping[str, str]
    output: str
    stop: Stop
    abort: Stop


def plan_and_run(paths: tuple[Path, ...], options: EventOptions, planning: PlanOptions, means: Means) -> int:
    """Plan what this event runs, of these workflow files or the repository's, and run it; gives the exit code."""
    log_to_console()
    tree = WorkingTree.around(Path.cwd())
    files = read_workflow_files(paths, tree.root)
    libraries = LibrariesHere(tree.root, stop=means.stop)
    try:
        plan = make_plan(
            files,
            local_event(options, tree.facts()),
            trust=planning.trust,
            library=libraries.own,
            variables=planning.variables,
            secrets=_given(means.secrets),
        )
    except SourceError:
        if not means.stop.requested:
            raise
        return exit_code_of(means.stop.status)
    sources = {**libraries.texts, **files}
    for problem in plan.problems:
        tell_text(with_excerpt(problem, sources.get(problem.file, b"")))
    for each in plan.event.included:
        tell(f"includes {each}")
    if plan.has_errors:
        refuse_plan(plan, Scribe(means.run, _shown(means)))
        return BROKEN_FILE
    return _run(plan, tree, means)


def _given(secrets: Iterable[str]) -> Offers:
    """What was given is for every step."""
    return Offers(each=tuple(Offer(name=name.lower()) for name in secrets), hint="give it by `--secret NAME=VALUE`")


def _run(plan: Plan, tree: WorkingTree, means: Means) -> int:
    backend = means.backend()
    with closing(LocalHistory(means.config.runs_directory, means.run)) as history, _display(means) as display:
        ends: list[StepFinished] = []
        scribe = Scribe(means.run, _to_all(history, _noted(ends), display))

        def perform(job: PlannedJob) -> Status:
            return execute(
                with_outputs(job, plan.jobs, written_by(tuple(ends))),
                backend,
                scribe,
                ticket=Ticket(run=scribe.run, job=job.name),
                tree=partial(tree.tree, clone_settings(job.checkout, plan.event)),
                artifacts=history.artifacts,
                secrets=means.secrets,
                stop=means.stop,
                abort=means.abort,
                log_limit_bytes=means.config.log_limit_bytes,
            )

        status = run_plan(plan, perform, scribe, jobs_at_once=means.config.lanes)
    if means.output == "text":
        tell(f"  logs and artifacts: {history.directory}")
    return exit_code_of(status)


@contextmanager
def _display(means: Means) -> Iterator[Display]:
    """What shows the run on stdout. At the end it waits for who reads that, unless it is to end at once."""
    display = Display(_shown(means), stop=means.stop, abort=means.abort)
    try:
        yield display
    finally:
        if not display.close():
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - to the end: the other one is stuck in a write
    if display.failure:
        _forget_stdout()
        raise SinkError(f"the run can't be shown: {display.failure}") from display.failure
    if display.left_out:
        tell(f"headrace: {display.left_out} lines were not read and are left out above")


def _shown(means: Means) -> Sink:
    """What shows the run on stdout. Once nobody reads that any more (`headrace run | head`), the run is stopped."""
    show: Sink = _print_json if means.output == "json" else Terminal(PlainConsole(highlight=False))

    def shown(record: AnyRecord) -> None:
        try:
            show(record)
        except OSError as error:
            if not _is_unread(error):
                raise
            _forget_stdout()
            means.stop.request(Status.CANCELLED, "nobody reads the output any more")

    return shown


def _is_unread(error: OSError) -> bool:
    """True of a pipe that is closed, and of a terminal that is gone."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EIO


def _forget_stdout() -> None:
    """Let what is still written, also by Python at its end, go nowhere; to a terminal that is gone by stderr, too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    try:
        os.write(sys.stderr.fileno(), b"")
    except OSError:
        os.dup2(nowhere, sys.stderr.fileno())


def _noted(ends: list[StepFinished]) -> Sink:
    """Keeps the ends of steps that have written something for later jobs."""

    def note(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.outputs:
            ends.append(record)

    return note


def _print_json(record: AnyRecord) -> None:
    sys.stdout.buffer.write(encode(record) + b"\n")
    sys.stdout.buffer.flush()


def _to_all(*sinks: Sink) -> Sink:
    def to_all(record: AnyRecord) -> None:
        for sink in sinks:
            sink(record)

    return to_all
