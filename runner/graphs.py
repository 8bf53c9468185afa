"""Graphs: a plan as Mermaid or DOT text, jobs as boxes of steps, with an arrow to each from what it waits for."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.nodes import printable
from pipelines.plan import Plan, PlannedJob, PlannedStep

_MERMAID_ESCAPES = {ord(c): f"#{ord(c)};" for c in '"#&<>`\\'}
_DOT_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"'}


@dataclass(frozen=True, slots=True)
class _Box:
    """A job with the ids that it and its steps have in the text: the author's names may hold anything."""

    id: str
    job: PlannedJob
    steps: dict[str, str]


def mermaid(plan: Plan) -> str:
    """A Mermaid flowchart. What does not run is dashed."""
    return "\n".join(("flowchart LR", *_mermaid_lines(_boxes(plan)))) + "\n"


def _mermaid_lines(boxes: dict[str, _Box]) -> Iterator[str]:
    for box in boxes.values():
        yield f'  subgraph {box.id}["{_mermaid_text(box.job.name)}"]'
        yield "    direction LR"
        yield from (f'    {box.steps[step.name]}["{_mermaid_text(step.name)}"]' for step in box.job.steps)
        yield from (f"    {before} --> {after}" for before, after in _step_arrows(box))
        yield "  end"
    for before, after in _job_arrows(boxes):
        yield f"  {before.id} --> {after.id}"
    if out := _left_out(boxes):
        yield "  classDef out stroke-dasharray: 4 4,color:#888"
        yield f"  class {','.join(out)} out"


def dot(plan: Plan) -> str:
    """A digraph for Graphviz. What does not run is dashed."""
    return "\n".join(("digraph plan {", *_dot_lines(_boxes(plan)), "}")) + "\n"


def _dot_lines(boxes: dict[str, _Box]) -> Iterator[str]:
    yield "  rankdir=LR; compound=true; node [shape=box, style=rounded];"
    out = _left_out(boxes)
    for box in boxes.values():
        yield f"  subgraph cluster_{box.id} {{"
        yield f"    label={_dot_text(box.job.name)};{' style=dashed;' if box.id in out else ''}"
        for step in box.job.steps:
            style = ', style="rounded,dashed"' if box.steps[step.name] in out else ""
            yield f"    {box.steps[step.name]} [label={_dot_text(step.name)}{style}];"
        yield from (f"    {before} -> {after};" for before, after in _step_arrows(box))
        yield "  }"
    for before, after in _job_arrows(boxes):
        # Graphviz draws arrows between steps only, and cuts them off at the boxes.
        ends = f"{list(before.steps.values())[-1]} -> {next(iter(after.steps.values()))}"
        yield f"  {ends} [ltail=cluster_{before.id}, lhead=cluster_{after.id}];"


def _boxes(plan: Plan) -> dict[str, _Box]:
    """By job name. Each job has a step at least: a workflow without any is a problem and makes no job."""
    return {job.name: _box(f"j{number}", job) for number, job in enumerate(plan.jobs)}


def _box(identifier: str, job: PlannedJob) -> _Box:
    return _Box(identifier, job, {step.name: f"{identifier}s{number}" for number, step in enumerate(job.steps)})


def _step_arrows(box: _Box) -> Iterator[tuple[str, str]]:
    for step in box.job.steps:
        yield from ((box.steps[name], box.steps[step.name]) for name in step.depends_on if name in box.steps)


def _job_arrows(boxes: dict[str, _Box]) -> Iterator[tuple[_Box, _Box]]:
    """A job waits for all jobs, one a matrix cell, of the workflows that it depends on."""
    for box in boxes.values():
        yield from ((other, box) for other in boxes.values() if other.job.workflow in box.job.depends_on)


def _left_out(boxes: dict[str, _Box]) -> list[str]:
    jobs = (box.id for box in boxes.values() if not box.job.included)
    steps = (box.steps[step.name] for box in boxes.values() for step in box.job.steps if _is_out(box.job, step))
    return [*jobs, *steps]


def _is_out(job: PlannedJob, step: PlannedStep) -> bool:
    return not (job.included and step.included)


def _mermaid_text(text: str) -> str:
    return printable(text).translate(_MERMAID_ESCAPES)


def _dot_text(text: str) -> str:
    return f'"{printable(text).translate(_DOT_ESCAPES)}"'
