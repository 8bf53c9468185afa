"""`headrace plan`: what would run for an event, and why, without running it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from pipelines.plan import Plan, encode
from pipelines.planner import make_plan
from pipelines.wanted import is_asked_for, skips_ci
from runner import graphs
from runner.commands.event_options import event_options
from runner.errors import UsageError
from runner.events import NO_PLAN_OPTIONS, EventOptions, PlanOptions, WorkingTreeFacts, local_event
from runner.excerpts import with_excerpt
from runner.librarieshere import LibrariesHere
from runner.plantree import tree_lines
from runner.saying import say_text, tell, tell_text
from runner.source.working_tree import WorkingTree
from runner.workflow_files import read_workflow_files, working_tree_root

_GRAPHS = {"mermaid": graphs.mermaid, "dot": graphs.dot}


@click.command("plan")
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@event_options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="json: the Plan.")
@click.option("--graph", type=click.Choice(list(_GRAPHS)), help="Print the graph of jobs and steps instead.")
def command(
    *, paths: tuple[Path, ...], options: EventOptions, planning: PlanOptions, output: str, graph: str | None
) -> int:
    """Show which jobs and steps an event would run, in which order, and why. Exit codes: 0, or 2 with errors."""
    if graph and output == "json":
        raise UsageError("--graph and --output json are two forms of the plan: leave one out")
    facts = WorkingTree.around(Path.cwd()).facts()
    return plan(paths, options=options, planning=planning, facts=facts, output=graph or output)


def plan(
    paths: Sequence[Path],
    *,
    options: EventOptions,
    facts: WorkingTreeFacts,
    output: str,
    planning: PlanOptions = NO_PLAN_OPTIONS,
) -> int:
    """Print the plan of these files, or of the working tree's, for an event. `output` is text, json, mermaid or dot.

    Returns 2 if a file has errors, else 0. Raises UsageError if there is nothing to read or the flags don't fit.
    """
    event = local_event(options, facts)
    root = facts.root or working_tree_root(Path.cwd())
    files = read_workflow_files(paths, root)
    libraries = LibrariesHere(root)
    made = make_plan(files, event, trust=planning.trust, library=libraries.own, variables=planning.variables)
    if output == "json":
        click.echo(encode(made))
        return 2 if made.has_errors else 0
    if output in _GRAPHS:
        say_text(_GRAPHS[output](made))
    else:
        _show(made)
    _tell(made, {**libraries.texts, **files})
    return 2 if made.has_errors else 0


def _show(made: Plan) -> None:
    console = Console(highlight=False)
    for line in tree_lines(made):
        console.print(line, soft_wrap=True)


def _tell(made: Plan, sources: Mapping[str, bytes]) -> None:
    """What there is to know beside the plan, on stderr."""
    for problem in made.problems:
        tell_text(with_excerpt(problem, sources.get(problem.file, b"")))
    if skips_ci(made.event):
        tell("the commit message asks to skip CI: a server makes no run of this")
    if not is_asked_for(made.event, sources.values()):
        tell(f"no workflow file has the word {made.event.kind}: a server runs nothing of this")
