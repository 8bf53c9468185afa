"""Rules that hold between the keys of one workflow, and between the workflows of one run."""

from collections.abc import Iterable, Mapping, Sequence

from pipelines import graph
from pipelines.allowance import MAX_VARIABLES
from pipelines.model import Step, Workflow
from pipelines.nodes import quoted
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.syntax.trusted import TRUST_BY_KEY

_HOST_SHELLS = frozenset({"bash", "cmd", "fish", "powershell", "pwsh", "sh", "zsh"})


def check(workflow: Workflow, report: Report) -> None:
    """Report what is wrong between keys that are each right."""
    _check_size(workflow, report)
    _check_names((*workflow.services, *_clone_steps(workflow), *workflow.steps), report)
    _check_images((*workflow.services, *workflow.steps), report)
    for step in (*workflow.services, *workflow.steps):
        _check_settings(step, report)
        _check_detached(step, report)
        _check_shell(step, report)


def check_graph(workflow: Workflow, report: Report) -> None:
    """Report dependencies on unknown steps, and circles. Every step of the file must have been readable."""
    names = frozenset(step.name for step in workflow.steps)
    for step in workflow.steps:
        graph.check_names(step.depends_on or (), names, "step", report)
    steps = {step.name: step for step in workflow.steps}
    needs = {step.name: [each.name for each in step.depends_on or ()] for step in workflow.steps}
    for cycle in graph.cycles(needs):
        need = next(each for each in steps[cycle[0]].depends_on or () if each.name == cycle[1])
        report.add(need.position, need.path, f"these steps wait for each other: {' → '.join(cycle)}")


def _check_size(workflow: Workflow, report: Report) -> None:
    """Every step carries the workflow's environment in the plan, so that a small file could make a huge one."""
    count = len(workflow.services) + len(workflow.steps)
    size = sum(1 + (len(name) + len(str(value))) // 80 for name, value in workflow.environment.items())
    if not report.allowance.variables.take(count * size) and workflow.steps:
        message = f"the workflow's `environment` makes more than {MAX_VARIABLES:,} variables, for each step its own"
        report.add(workflow.steps[0].position, "environment", message)


def _clone_steps(workflow: Workflow) -> tuple[Step, ...]:
    return workflow.clone.steps if workflow.clone else ()


def _check_names(steps: Iterable[Step], report: Report) -> None:
    first: dict[str, Step] = {}
    for step in steps:
        if step.name in first:
            message = f"the name {quoted(step.name)} is taken"
            hint = f"`{first[step.name].path}` on line {first[step.name].position.line} has it"
            report.add(step.position, step.path, message, hint=hint)
        else:
            first[step.name] = step


def _check_images(steps: Iterable[Step], report: Report) -> None:
    """Tell once of images that are called as shells are: who takes the one for the other does so all over the file."""
    step = next((each for each in steps if each.image in _HOST_SHELLS), None)
    if step is not None:
        message = f"`{step.path}` runs the container image {quoted(step.image)}, not a shell of the machine"
        hint = "name an image that has one, such as `alpine`"
        report.add(step.place_of("image"), f"{step.path}.image", message, hint=hint, level=Level.WARNING)


def _check_settings(step: Step, report: Report) -> None:
    if not step.settings:
        return
    if step.commands or step.entrypoint is not None:
        message = f"`{step.path}` has `settings`, which only the image's own program reads"
        report.add(step.position, step.path, message, hint="leave out `commands` and `entrypoint`, or `settings`")
    if not step.is_plugin and not step.commands and step.entrypoint is None:
        message = f"`{step.path}` has `settings` and `environment`, so it is no plugin"
        hint = "put what the plugin needs below `settings`"
        report.add(step.position, step.path, message, hint=hint, level=Level.WARNING)


def _check_detached(step: Step, report: Report) -> None:
    for key, value in (("retry", step.retry), ("outputs", step.outputs)):
        if step.detach and value:
            message = f"`{step.path}.{key}` has no meaning with `detach`: it starts once, and ends with the job"
            report.add(step.place_of(key), f"{step.path}.{key}", message, hint="leave out one of them")


def _check_shell(step: Step, report: Report) -> None:
    if step.shell and (step.entrypoint is not None or not step.commands):
        message = f"`{step.path}.shell` reads the `commands` of a step without `entrypoint`, and there are none"
        report.add(step.place_of("shell"), f"{step.path}.shell", message, hint="write `commands`, or leave out `shell`")


def check_trust(workflow: Workflow, trust: frozenset[str], report: Report) -> None:
    """Report keys that reach out of a container in a repository without that trust."""
    for step in (*workflow.services, *_clone_steps(workflow), *workflow.steps):
        for key, needed in TRUST_BY_KEY.items():
            asks = getattr(step, key) and not (key == "network_mode" and step.network_mode == "none")
            if asks and needed not in trust:
                path = f"{step.path}.{key}"
                hint = f"an administrator can allow it; `headrace run` and `plan` take `--trust {needed}`"
                report.add(
                    step.place_of(key), path, f"`{path}` needs a repository that is trusted with {needed}", hint=hint
                )


def check_together(workflows: Sequence[Workflow], files: Mapping[str, str]) -> tuple[Problem, ...]:
    """What is wrong between the workflows of one run. `files` gives each file's workflow name, broken or not."""
    return (*_name_problems(files), *_need_problems(workflows, files), *_circle_problems(workflows))


def _name_problems(files: Mapping[str, str]) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for file, name in files.items():
        if first.setdefault(name, file) != file:
            message = f"the workflow name {quoted(name)} is taken by {first[name]}"
            problems.append(Problem(file=file, line=1, column=1, message=message, hint="rename one of the files"))
    return problems


def _need_problems(workflows: Sequence[Workflow], files: Mapping[str, str]) -> Iterable[Problem]:
    for workflow in workflows:
        report = Report(workflow.file)
        graph.check_names(workflow.depends_on, files.values(), "workflow", report)
        yield from report.problems


def _circle_problems(workflows: Sequence[Workflow]) -> Iterable[Problem]:
    by_name = {workflow.name: workflow for workflow in workflows}
    needs = {workflow.name: [each.name for each in workflow.depends_on] for workflow in workflows}
    for cycle in graph.cycles(needs):
        workflow = by_name[cycle[0]]
        report = Report(workflow.file)
        need = next(each for each in workflow.depends_on if each.name == cycle[1])
        report.add(need.position, need.path, f"these workflows wait for each other: {' → '.join(cycle)}")
        yield from report.problems
