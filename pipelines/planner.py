"""The planner: workflow files and an event become a Plan, in which nothing is left to decide."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines import graph, workspace
from pipelines.conditions import Verdict, judge
from pipelines.event import Event, EventKind
from pipelines.model import Step, Workflow
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.validate import check_together, read_workflows
from pipelines.variables import job_variables

_SKIP = re.compile(r"\[(?i:ci *skip|skip *ci)\]")


def skips_ci(event: Event) -> bool:
    """True if the commit message asks, by `[skip ci]` or `[ci skip]`, that a push or pull request has no run."""
    is_skippable = event.kind is EventKind.PUSH or event.kind.is_pull_request
    return is_skippable and _SKIP.search(event.message) is not None


def make_plan(files: Mapping[str, bytes], event: Event) -> Plan:
    """The plan of these workflow files (path → bytes) for an event. Never raises: problems are in the plan.

    Jobs are sorted by name, those that don't run among them. A file with errors gives no job.
    """
    readings = read_workflows(files)
    drafts = _without_filtered(_draft(reading.workflow, event) for reading in readings if reading.workflow)
    problems = [
        *(problem for reading in readings for problem in reading.problems),
        *check_together(readings),
        *(problem for draft in drafts.values() for problem in _missing_steps(draft)),
    ]
    broken = {problem.file for problem in problems if problem.level is Level.ERROR}
    jobs = (_job(draft, drafts, event) for draft in drafts.values() if draft.workflow.file not in broken)
    return Plan(event=event, jobs=tuple(jobs), problems=tuple(problems))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A workflow with the verdicts on it and on its steps and services, by name."""

    workflow: Workflow
    verdict: Verdict
    steps: dict[str, Verdict]

    def out(self, reason: str) -> "_Draft":
        """The same workflow, left out of the run."""
        return _Draft(self.workflow, Verdict(included=False, reason=reason), self.steps)


def _draft(workflow: Workflow, event: Event) -> _Draft:
    steps = {step.name: judge(step.when, event) for step in (*workflow.services, *workflow.steps)}
    draft = _Draft(workflow, judge(workflow.when, event), steps)
    if draft.verdict.included and not any(steps[step.name].included for step in workflow.steps):
        return draft.out("none of its steps runs")
    return draft


def _without_filtered(drafts: Iterable[_Draft]) -> dict[str, _Draft]:
    """The drafts by name, in which a workflow goes too if one goes that it needs, and so on."""
    by_name = {draft.workflow.name: draft for draft in drafts}
    changed = True
    while changed:
        gone = {name: missing for name, draft in by_name.items() if (missing := _missing_need(draft, by_name))}
        by_name |= {name: by_name[name].out(f"needs {missing}, which does not run") for name, missing in gone.items()}
        changed = bool(gone)
    return by_name


def _missing_need(draft: _Draft, drafts: Mapping[str, _Draft]) -> str:
    """The first workflow that an included one needs and that does not run, or `""`."""
    needs = (each.name for each in draft.workflow.depends_on if draft.verdict.included and not each.optional)
    return next((name for name in needs if name in drafts and not drafts[name].verdict.included), "")


def _missing_steps(draft: _Draft) -> tuple[Problem, ...]:
    report = Report(draft.workflow.file)
    if draft.verdict.included:
        reasons = {name: verdict.reason for name, verdict in draft.steps.items() if not verdict.included}
        graph.check_included(draft.workflow.steps, reasons, report)
    return report.problems


def _job(draft: _Draft, drafts: Mapping[str, _Draft], event: Event) -> PlannedJob:
    workflow = draft.workflow
    checkout = workspace.checkout(workflow.workspace, workflow.file, event.repository)
    return PlannedJob(
        name=workflow.name,
        workflow=workflow.name,
        file=workflow.file,
        included=draft.verdict.included,
        reason=draft.verdict.reason,
        depends_on=_job_dependencies(draft, drafts),
        on=draft.verdict.on,
        labels=workflow.labels,
        variables=job_variables(event, workflow=workflow.name, workspace=checkout),
        workspace_base=workspace.base(workflow.workspace, workflow.file),
        workspace=checkout,
        skip_clone=workflow.skip_clone,
        timeout=workflow.timeout,
        services=tuple(_step(service, draft, ()) for service in workflow.services),
        steps=_steps(draft),
    )


def _job_dependencies(draft: _Draft, drafts: Mapping[str, _Draft]) -> tuple[str, ...]:
    """What the job waits for; an optional one that does not run is nothing to wait for."""
    names = dict.fromkeys(each.name for each in draft.workflow.depends_on)
    return tuple(name for name in names if name in drafts and drafts[name].verdict.included)


def _steps(draft: _Draft) -> tuple[PlannedStep, ...]:
    included = frozenset(name for name, verdict in draft.steps.items() if verdict.included)
    edges = graph.edges(draft.workflow.steps, included)
    return tuple(_step(step, draft, edges.get(step.name, ())) for step in draft.workflow.steps)


def _step(step: Step, draft: _Draft, depends_on: tuple[str, ...]) -> PlannedStep:
    verdict = draft.steps[step.name]
    return PlannedStep(
        name=step.name,
        image=step.image,
        included=verdict.included,
        reason=verdict.reason,
        depends_on=depends_on,
        on=verdict.on,
        commands=step.commands,
        entrypoint=step.entrypoint,
        environment={**draft.workflow.environment, **step.environment},
        settings=step.settings,
        directory=step.directory,
        failure=step.failure,
        detach=step.detach,
        timeout=step.timeout,
        artifacts=step.artifacts,
    )
