"""The graph of a workflow's steps, and of a run's workflows: who waits for whom, and what is wrong with that."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pipelines.model import Dependency, Step
from pipelines.nodes import quoted
from pipelines.report import Report

Edges = Mapping[str, Sequence[str]]
"""From each name to the names it waits for."""


def is_graph(steps: Iterable[Step]) -> bool:
    """True once any step has `depends_on`, even an empty one."""
    return any(step.depends_on is not None for step in steps)


def edges(steps: Sequence[Step], included: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """What each included step waits for: its own dependencies in a graph, otherwise all of the stage before it."""
    running = [step for step in steps if step.name in included]
    if is_graph(steps):
        return {step.name: _names(step.depends_on or (), included) for step in running}
    stages = [tuple(step.name for step in stage) for _, stage in groupby(running, key=_stage)]
    return {name: before for before, stage in zip([(), *stages], stages, strict=False) for name in stage}


def _stage(step: Step) -> tuple[str, str]:
    """What neighbours of one stage have in common: their group, or else nothing but themselves."""
    return (step.group, "") if step.group else ("", step.name)


def _names(dependencies: Iterable[Dependency], included: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.name for each in dependencies if each.name in included))


def check_names(dependencies: Iterable[Dependency], known: Iterable[str], kind: str, report: Report) -> None:
    """Report dependencies on what doesn't exist and those named twice. `kind` is `step` or `workflow`."""
    names = frozenset(known)
    seen: set[str] = set()
    for each in dependencies:
        if each.name not in names:
            message = f"there is no {kind} {quoted(each.name)} to depend on"
            report.add(each.position, each.path, message, hint=report.nearest(each.name, names))
        elif each.name in seen:
            report.add(each.position, each.path, f"the {kind} {quoted(each.name)} is named twice")
        seen.add(each.name)


def check_included(steps: Sequence[Step], reasons: Mapping[str, str], report: Report) -> None:
    """Report required dependencies of included steps that are filtered out. `reasons` has why, for each that is out."""
    for step in steps:
        for each in step.depends_on or () if step.name not in reasons else ():
            if each.name in reasons and not each.optional:
                message = f"{quoted(step.name)} needs the step {quoted(each.name)}, which does not run"
                hint = f"{reasons[each.name]}; write {{name: {each.name}, optional: true}} if it may be left out"
                report.add(each.position, each.path, message, hint=hint)


def cycles(graph: Edges) -> list[tuple[str, ...]]:
    """Each knot of a graph by one path that leads back to its start, as `("a", "b", "a")`."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in graph:
        path = _path_back(graph, start, done)
        if path:
            found.append(path)
    return found


def _path_back(graph: Edges, start: str, done: set[str]) -> tuple[str, ...]:
    """The first cycle met on a walk from `start` through names that aren't done; walked names become done."""
    path: dict[str, None] = {}  # in order, and quick to look up
    waiting = [iter((start,))]
    while waiting:
        name = next(waiting[-1], None)
        if name is None:
            waiting.pop()
            if path:
                done.add(path.popitem()[0])
        elif name in path:
            done.update(path)
            names = list(path)
            return (*names[names.index(name) :], name)
        elif name not in done and name in graph:
            path[name] = None
            waiting.append(iter(graph[name]))
    return ()
