"""The plan as a tree for people: jobs and their steps in order, with what each needs and why it is in or out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from pipelines.event import Event
from pipelines.needs import common_variables, images, secrets, secrets_of
from pipelines.nodes import printable
from pipelines.plan import Plan, PlannedJob, PlannedStep
from runner.order import places

_OUT, _SERVICE = "-", "·"
_LEGEND = "Numbers are the order; those with the same number run side by side."
_MAX_COLUMN = 40


def tree_lines(plan: Plan) -> Iterator[Text]:
    """Line by line: the event, each job with its services and steps, and what the whole plan needs."""
    yield Text(printable(event_line(plan.event)), style="bold")
    for each in plan.event.included:
        yield Text(printable(f"includes {each}"), style="dim")
    order = _job_order(plan)
    is_numbered = len(plan.jobs) > 1
    for job in plan.jobs:
        yield Text()
        yield _job_line(job, _place(order, job.name, is_in=job.included) if is_numbered else "")
        yield from _step_lines(job)
    yield from _footer(plan)


def event_line(event: Event) -> str:
    """The event in one line, such as `push · owner/name · refs/heads/main · 1a2b3c4d`."""
    parts = (event.kind.value, event.repository.full_name, event.ref or event.branch, event.sha[:8])
    return " · ".join(part for part in parts if part)


def _job_order(plan: Plan) -> dict[str, int]:
    """A job waits for all jobs, one a matrix cell, of the workflows that it depends on."""
    jobs = plan.included_jobs
    return places({job.name: [each.name for each in jobs if each.workflow in job.depends_on] for job in jobs})


def _job_line(job: PlannedJob, place: str) -> Text:
    number = f"{place} " if place else ""
    name = Text(number + printable(job.name), style="bold cyan" if job.included else "dim")
    return name + _why(job)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A step or service as the tree shows it. `place` is its number in the order."""

    step: PlannedStep
    name: str
    place: str
    is_in: bool


def _step_lines(job: PlannedJob) -> Iterator[Text]:
    common = common_variables(job)
    if job.included and common:
        yield Text(f"│  every step has {_names(common)}", style="dim")
    rows = list(_rows(job))
    widths = (_width(row.name for row in rows), _width(printable(row.step.image) for row in rows))
    for number, row in enumerate(rows, start=1):
        branch, stem = ("└─", " ") if number == len(rows) else ("├─", "│")
        yield _step_line(row, branch, widths)
        if row.is_in and (needs := _needs(row.step, common)):
            yield Text(f"{stem}     {needs}", style="dim")


def _rows(job: PlannedJob) -> Iterator[_Row]:
    order = places({step.name: step.depends_on for step in job.included_steps})
    for service in job.services:
        is_in = job.included and service.included
        yield _Row(step=service, name=f"{printable(service.name)} (service)", place=_SERVICE, is_in=is_in)
    for step in job.steps:
        is_in = job.included and step.included
        place = _place(order, step.name, is_in=is_in)
        yield _Row(step=step, name=printable(step.name), place=place, is_in=is_in)


def _step_line(row: _Row, branch: str, widths: tuple[int, int]) -> Text:
    image = printable(row.step.image)
    line = Text(f"{branch} {row.place:>2} {row.name:<{widths[0]}}  {image:<{widths[1]}}") + _why(row.step)
    return line if row.is_in else Text(line.plain, style="dim")


def _why(planned: PlannedJob | PlannedStep) -> Text:
    if not planned.included:
        return Text(f"  out: {printable(planned.reason)}", style="yellow")
    after = f" · after {_names(planned.depends_on)}" if planned.depends_on else ""
    return Text(f"  {printable(planned.reason)}{after}", style="green")


def _needs(step: PlannedStep, common: Sequence[str]) -> str:
    variables = [name for name in step.environment if name not in common]
    parts = (
        f"secrets {_names(secrets_of(step))}" if secrets_of(step) else "",
        f"sets {_names(variables)}" if variables else "",
        f"settings {_names(step.settings)}" if step.settings else "",
    )
    return " · ".join(part for part in parts if part)


def _footer(plan: Plan) -> Iterator[Text]:
    needed = (("images", images(plan)), ("secrets", secrets(plan)))
    if any(names for _, names in needed):
        yield Text()
    for word, names in needed:
        if names:
            yield Text(f"{word:<8}") + Text(_names(names), style="bold")
    if any(_is_parallel(job) for job in plan.included_jobs) or len(plan.included_jobs) > 1:
        yield Text(_LEGEND, style="dim")


def _is_parallel(job: PlannedJob) -> bool:
    order = places({step.name: step.depends_on for step in job.included_steps})
    return len(set(order.values())) < len(order)


def _place(order: Mapping[str, int], name: str, *, is_in: bool) -> str:
    return str(order[name]) if is_in else _OUT


def _width(texts: Iterable[str]) -> int:
    return min(max((len(text) for text in texts), default=0), _MAX_COLUMN)


def _names(names: Iterable[str]) -> str:
    return printable(", ".join(names))
