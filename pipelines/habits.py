"""Habits: what works and is rarely meant. `headrace lint` warns of it; a run does not.

An image without a tag is left alone, since most files have one on purpose; `latest` in full is not.
"""

import re
from collections.abc import Iterable, Sequence

from pipelines.anchors import unused_anchors
from pipelines.contradictions import ALL_KINDS, NO_MATRIX, Kinds, contradiction, possible_kinds
from pipelines.matrix import Cell, cells
from pipelines.model import Condition, Dependency, Step, Workflow
from pipelines.needs import secrets_of
from pipelines.nodes import Position, quoted
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.status import Status

_ANYBODYS = (
    "CI_COMMIT_MESSAGE", "CI_COMMIT_AUTHOR", "CI_COMMIT_AUTHOR_EMAIL", "CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_REFSPEC",
    "CI_PIPELINE_FILES", "CI_PREV_COMMIT_MESSAGE", "CI_PREV_COMMIT_AUTHOR", "CI_PREV_COMMIT_AUTHOR_EMAIL",
    "CI_PREV_COMMIT_SOURCE_BRANCH",
)  # fmt: skip
_PUT_IN = re.compile(rf"(?<!\$)\$\{{({'|'.join(_ANYBODYS)})(?![\w-])")


def bad_habits(workflow: Workflow, text: bytes) -> tuple[Problem, ...]:
    """Warnings about one workflow, which was read from this text without errors."""
    report = Report(workflow.file)
    for step in (*workflow.services, *workflow.steps):
        _check_image(step, report)
        _check_secrets(step, workflow, report)
        _check_commands(step, report)
    _check_conditions(workflow, cells(workflow.matrix, Report(workflow.file)), report)
    _check_anchors(text, report)
    return report.problems


def _check_image(step: Step, report: Report) -> None:
    """An image's `latest` is another one every time."""
    if step.image.endswith(":latest"):
        message = f"`{step.path}` runs whatever {quoted(step.image)} is on that day"
        _warn(step.position, f"{step.path}.image", message, report, hint="name a version")


def _check_secrets(step: Step, workflow: Workflow, report: Report) -> None:
    """Pull requests get no secrets unless an administrator says so, and such a step is an error there."""
    secrets = secrets_of(step)
    if secrets and not (_says_which_events(workflow.when) or _says_which_events(step.when)):
        message = f"`{step.path}` needs secrets on every event, pull requests among them: {', '.join(secrets)}"
        _warn(step.position, step.path, message, report, hint="say for which: `when: {event: push}`")


def _check_commands(step: Step, report: Report) -> None:
    """What anybody may write, in a commit or a fork's branch, must not become part of a script."""
    found = dict.fromkeys(name for command in step.commands for name in _PUT_IN.findall(command))
    for name in found:
        path = f"{step.path}.commands"
        message = f"`${{{name}}}` becomes part of the script, whatever somebody has written there"
        hint = f'let the shell fill it in: write `"${name}"`'
        _warn(step.place_of("commands"), path, message, report, hint=hint)


def _check_conditions(workflow: Workflow, found: tuple[Cell, ...], report: Report) -> None:
    """A `when` that no event can meet, and what waits for a step that has one."""
    _check_when(workflow.when, ALL_KINDS, NO_MATRIX, report)
    _check_status(workflow, report)
    kinds = possible_kinds(workflow.when)
    if not kinds:
        return
    never: set[str] = set()
    for step in (*workflow.services, *workflow.steps):
        _check_when(step.when, kinds, found, report)
        if not possible_kinds(step.when, kinds, found):
            never.add(step.name)
    for step, need in _unreachable(workflow.steps, never):
        message = f"`{step.path}` can never run: it needs {quoted(need.name)}, which never does"
        _warn(need.position, need.path, message, report)


def _check_when(when: Sequence[Condition], kinds: Kinds, found: tuple[Cell, ...], report: Report) -> None:
    for condition in when:
        if why := contradiction(condition, kinds, found):
            _warn(condition.position, condition.where, f"`{condition.where}` can never hold: {why}", report)


def _check_status(workflow: Workflow, report: Report) -> None:
    """A workflow's status is that of the workflows it waits for, and without any it is success."""
    if workflow.depends_on:
        return
    for condition in workflow.when:
        if condition.status and Status.SUCCESS not in condition.status:
            what = f"`{condition.where or 'when'}` can never hold: the workflow waits for no other that could fail"
            hint = "name the others in `depends_on`"
            _warn(condition.position, condition.where, what, report, hint=hint)


def _check_anchors(text: bytes, report: Report) -> None:
    """An anchor that nothing uses is often a slip of the name."""
    for name, position in unused_anchors(text):
        _warn(position, "", f"nothing uses the anchor &{name}", report, hint=f"write *{name} where it is meant")


def _warn(position: Position, path: str, message: str, report: Report, *, hint: str = "") -> None:
    report.add(position, path, message, hint=hint, level=Level.WARNING)


def _unreachable(steps: Sequence[Step], never: set[str]) -> Iterable[tuple[Step, Dependency]]:
    """Steps that need one that never runs, or one of these, each with the first such need."""
    gone = set(never)
    met: dict[str, tuple[Step, Dependency]] = {}
    changed = True
    while changed:
        more = {step.name: (step, need) for step in steps if step.name not in gone and (need := _need(step, gone))}
        met |= more
        gone |= more.keys()
        changed = bool(more)
    return met.values()


def _need(step: Step, gone: set[str]) -> Dependency | None:
    return next((each for each in step.depends_on or () if each.name in gone and not each.optional), None)


def _says_which_events(when: Sequence[Condition]) -> bool:
    """True if every alternative names events; or refs, which pull requests have of their own; or asks in its way."""
    return bool(when) and all(
        condition.event or (condition.ref and condition.ref.include) or _asks_for_the_event(condition)
        for condition in when
    )


def _asks_for_the_event(condition: Condition) -> bool:
    return condition.evaluate is not None and "CI_PIPELINE_EVENT" in condition.evaluate.text
