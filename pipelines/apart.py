"""Keeps names apart: a step that has the name of a service, which Woodpecker allows, gets another one."""

from collections.abc import Mapping
from dataclasses import replace

from pipelines.files import is_lenient
from pipelines.model import Step, Workflow
from pipelines.nodes import quoted
from pipelines.problems import Level
from pipelines.report import Report


def names_apart(workflow: Workflow, report: Report) -> Workflow:
    """The workflow of a Woodpecker file, in which a step that is called as a service is has another name."""
    services = {service.name: service for service in workflow.services}
    if not is_lenient(workflow.file) or not any(step.name in services for step in workflow.steps):
        return workflow
    taken = {*services, *(step.name for step in workflow.steps)}
    names: dict[str, str] = {}
    for step in workflow.steps:
        if step.name in services and step.name not in names:
            names[step.name] = _free_name(step.name, taken)
            taken.add(names[step.name])
            _tell(step, names[step.name], services[step.name], report)
    return replace(workflow, steps=tuple(_renamed(step, names) for step in workflow.steps))


def _free_name(name: str, taken: set[str]) -> str:
    return next(each for n in range(2, len(taken) + 3) if (each := f"{name}-{n}") not in taken)


def _tell(step: Step, name: str, service: Step, report: Report) -> None:
    message = f"a service has the name {quoted(step.name)}, so this step is called {quoted(name)}"
    hint = f"`{service.path}` on line {service.position.line} has it"
    report.add(step.position, step.path, message, hint=hint, level=Level.WARNING)


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    """The step under its new name, waiting for others under theirs."""
    needs = step.depends_on
    if needs is not None:
        needs = tuple(replace(each, name=names.get(each.name, each.name)) for each in needs)
    return replace(step, name=names.get(step.name, step.name), depends_on=needs)
