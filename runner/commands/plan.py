"""`headrace plan`: what would run for an event, and why, without running it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from pipelines.event import Event
from pipelines.nodes import printable
from pipelines.plan import Plan, PlannedJob, PlannedStep, encode
from pipelines.planner import make_plan, skips_ci
from runner.commands.event_options import event_options
from runner.events import EventOptions, WorkingTreeFacts, local_event
from runner.excerpts import with_excerpt
from runner.source.working_tree import WorkingTree
from runner.workflow_files import read_workflow_files, working_tree_root

_NAME_WIDTH = 24


@click.command("plan")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@event_options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Plan.")
def command(*, paths: tuple[Path, ...], options: EventOptions, output: str) -> int:
    """Show which jobs and steps an event would run, and why. Exit codes: 0, or 2 if a workflow file is wrong."""
    return plan(paths, options=options, facts=WorkingTree.around(Path.cwd()).facts(), output=output)


def plan(paths: Sequence[Path], *, options: EventOptions, facts: WorkingTreeFacts, output: str) -> int:
    """Print the plan of these files, or of the working tree's, for an event. `output` is `text` or `json`.

    Returns 2 if a file has errors, else 0. Raises UsageError if there is nothing to read or the flags don't fit.
    """
    event = local_event(options, facts)
    files = read_workflow_files(paths, facts.root or working_tree_root(Path.cwd()))
    made = make_plan(files, event)
    if output == "json":
        click.echo(encode(made))
    else:
        _show(made, files)
    return 2 if made.has_errors else 0


def _show(made: Plan, files: Mapping[str, bytes]) -> None:
    click.echo(printable(event_line(made.event)))
    for line in plan_lines(made):
        click.echo(printable(line))
    for problem in made.problems:
        click.echo(with_excerpt(problem, files[problem.file]), err=True)
    if skips_ci(made.event):
        click.echo("the commit message asks to skip CI: a server makes no run of this", err=True)


def event_line(event: Event) -> str:
    """The event in one line, such as `push · owner/name · refs/heads/main · 1a2b3c4d`."""
    parts = (event.kind.value, event.repository.full_name, event.ref or event.branch, event.sha[:8])
    return " · ".join(part for part in parts if part)


def plan_lines(made: Plan) -> Iterator[str]:
    """The tree of jobs and their services and steps, each in or out and why."""
    for job in made.jobs:
        yield ""
        yield _line(job.name, job, _after(job.depends_on), indent=0)
        for service in job.services:
            yield _line(f"{service.name} (service)", service, "", indent=2)
        for step in job.steps:
            yield _line(step.name, step, _after(step.depends_on), indent=2)


def _after(names: Sequence[str]) -> str:
    return f" · after {', '.join(names)}" if names else ""


def _line(name: str, planned: PlannedJob | PlannedStep, after: str, *, indent: int) -> str:
    word = "in " if planned.included else "out"
    return f"{' ' * indent}{name:<{_NAME_WIDTH - indent}} {word}  {planned.reason}{after if planned.included else ''}"
