"""Drafts: each workflow under each cell, with the verdicts on it and on all in it, before jobs are made of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipelines import graph
from pipelines.conditions import ALWAYS, Verdict, judge
from pipelines.event import EventKind, Repository
from pipelines.matrix import Cell, job_name
from pipelines.model import Condition, Step, Workflow
from pipelines.occasion import Occasion
from pipelines.problems import Problem
from pipelines.readings import CellReading, Setting
from pipelines.report import Report
from pipelines.variables import with_values

_WITHOUT_BRANCHES = frozenset({EventKind.TAG, EventKind.DEPLOYMENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One job to be. `steps` has the verdicts on steps, services and steps of the clone, by name.

    `checks_out` is false if our own checkout is not for this event; `known` are the variables without the cell's.
    """

    workflow: Workflow
    repository: Repository
    cell: Cell
    known: Mapping[str, str]
    verdict: Verdict
    steps: Mapping[str, Verdict]
    checks_out: bool
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The job's name."""
        return job_name(self.workflow.name, self.cell)


def draft(reading: CellReading, run: Setting) -> Draft:
    """The draft of a workflow as one cell has it."""
    workflow = reading.workflow
    report = Report(workflow.file, allowance=reading.allowance)
    variables = with_values({**reading.known, **reading.cell})
    occasion = Occasion(
        event=run.event,
        changes=run.changes,
        comparisons=reading.allowance.comparisons,
        matrix=reading.cell,
        variables=variables,
    )
    verdict = _of_workflow(workflow, occasion, report)
    steps = {step.name: judge(step.when, occasion, report) for step in _all_steps(workflow)}
    if verdict.included and not any(steps[step.name].included for step in workflow.steps):
        verdict = Verdict(included=False, reason="none of its steps runs")
    if verdict.included:
        reasons = {name: each.reason for name, each in steps.items() if not each.included}
        graph.check_included(workflow.steps, reasons, report)
    return Draft(
        workflow=workflow,
        repository=run.event.repository,
        cell=reading.cell,
        known=reading.known,
        verdict=verdict,
        steps=steps,
        checks_out=_checks_out(workflow, occasion, report),
        problems=report.problems,
    )


def unjudged(reading: CellReading, run: Setting) -> Draft:
    """The draft of a workflow with errors: others may wait for it, and it counts as one that runs."""
    return Draft(
        workflow=reading.workflow,
        repository=run.event.repository,
        cell=reading.cell,
        known=reading.known,
        verdict=ALWAYS,
        steps={},
        checks_out=True,
        problems=(),
    )


def _all_steps(workflow: Workflow) -> Iterator[Step]:
    yield from workflow.clone.steps if workflow.clone else ()
    yield from workflow.services
    yield from workflow.steps


def _of_workflow(workflow: Workflow, occasion: Occasion, report: Report) -> Verdict:
    verdict = judge(workflow.when, occasion, report)
    if workflow.branches is None or occasion.event.kind in _WITHOUT_BRANCHES or not verdict.included:
        return verdict
    by_branch = judge((Condition(label="branches", branch=workflow.branches),), occasion, report)
    return by_branch if not by_branch.included or verdict is ALWAYS else verdict


def _checks_out(workflow: Workflow, occasion: Occasion, report: Report) -> bool:
    if workflow.skip_clone or workflow.clone is None:
        return not workflow.skip_clone
    return workflow.clone.checkout is not None and judge(workflow.clone.when, occasion, report).included


def without_filtered(drafts: Iterable[Draft]) -> tuple[Draft, ...]:
    """The drafts, in which a job goes too if no job is left of a workflow that it needs, and so on."""
    left = list(drafts)
    while True:
        running = {each.workflow.name for each in left if each.verdict.included}
        known = {each.workflow.name for each in left}
        needs = [_missing_need(each, known - running) if each.verdict.included else "" for each in left]
        if not any(needs):
            return tuple(left)
        left = [_out(each, need) if need else each for each, need in zip(left, needs, strict=True)]


def _missing_need(each: Draft, gone: set[str]) -> str:
    """The first workflow that a job needs and of which none runs, or `""`."""
    needed = (need.name for need in each.workflow.depends_on if not need.optional)
    return next((name for name in needed if name in gone), "")


def _out(each: Draft, need: str) -> Draft:
    return replace(each, verdict=Verdict(included=False, reason=f"needs {need}, which does not run"))
