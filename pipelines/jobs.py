"""Makes the jobs of a plan from drafts: what runs after what, and which variables everything sees."""

from pipelines import graph, workspace
from pipelines.details import Checkout
from pipelines.drafts import Draft
from pipelines.model import Step
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.planned import planned_step
from pipelines.variables import with_values


def planned_job(draft: Draft, running: frozenset[str], *, number: int) -> PlannedJob:
    """The job of a draft. `running` names the workflows of which any job runs; `number` is 0 for one that doesn't."""
    workflow = draft.workflow
    checkout = workspace.checkout(workflow.workspace, workflow.file, draft.repository)
    own = {"CI_WORKFLOW_NUMBER": str(number or ""), "CI_WORKSPACE": checkout}
    return PlannedJob(
        name=draft.name,
        workflow=workflow.name,
        file=workflow.file,
        matrix=dict(draft.cell),
        included=draft.verdict.included,
        reason=draft.verdict.reason,
        depends_on=_needs(draft, running),
        on=draft.verdict.on,
        labels=workflow.labels,
        variables=with_values({**draft.known, **own}),
        workspace_base=workspace.base(workflow.workspace, workflow.file),
        workspace=checkout,
        skip_clone=not draft.checks_out,
        checkout=_checkout(draft),
        concurrency=workflow.concurrency,
        params=workflow.params,
        timeout=workflow.timeout,
        services=tuple(_step(service, draft, "service", ()) for service in workflow.services),
        steps=_steps(draft),
    )


def _needs(draft: Draft, running: frozenset[str]) -> tuple[str, ...]:
    """The workflows that the job waits for, all their cells; an optional one that does not run is none."""
    return tuple(dict.fromkeys(each.name for each in draft.workflow.depends_on if each.name in running))


def _checkout(draft: Draft) -> Checkout:
    clone = draft.workflow.clone
    return clone.checkout if clone and clone.checkout else Checkout()


def _steps(draft: Draft) -> tuple[PlannedStep, ...]:
    """The steps of the clone, one after another, and then the others."""
    workflow = draft.workflow
    first = workflow.clone.steps if workflow.clone else ()
    included = frozenset(name for name, verdict in draft.steps.items() if verdict.included)
    of_clone = graph.edges(first, included)
    last = tuple(of_clone)[-1:]
    of_steps = {name: needs or last for name, needs in graph.edges(workflow.steps, included).items()}
    return (
        *(_step(step, draft, "clone", of_clone.get(step.name, ())) for step in first),
        *(_step(step, draft, _type(step), of_steps.get(step.name, ())) for step in workflow.steps),
    )


def _type(step: Step) -> str:
    return "plugin" if step.is_plugin else "commands"


def _step(step: Step, draft: Draft, kind: str, depends_on: tuple[str, ...]) -> PlannedStep:
    verdict = draft.steps[step.name]
    return planned_step(
        step,
        type=kind,
        included=verdict.included,
        reason=verdict.reason,
        depends_on=depends_on,
        on=verdict.on,
        environment={**draft.workflow.environment, **step.environment},
    )
