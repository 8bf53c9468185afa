"""What a run asks for and doesn't get: keys that have no effect yet, or none in a local run.

A plan says so of each, once a file, so that nothing is ignored in silence. So does `lint`, of those that have no effect
in any run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from pipelines.drafts import Draft
from pipelines.event import Event
from pipelines.model import Step, Workflow
from pipelines.nodes import Position
from pipelines.problems import Level, Problem
from pipelines.report import Report
from pipelines.syntax.keys import Effect, Key, Keys
from pipelines.syntax.results import EXPIRE
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS

_WHY = {
    Effect.NOT_YET: ("has no effect yet", ""),
    Effect.ON_SERVERS: ("has no effect in a local run", "a server minds it; here it runs all the same"),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A key that a file has: its path, and where it stands."""

    key: str
    effect: Effect
    path: str
    position: Position


def unacted(drafts: Iterable[Draft], event: Event) -> Iterator[Problem]:
    """A warning for each key of what will run that does nothing for this event, at the first place that has it."""
    by_file: dict[str, dict[str, list[_Asked]]] = {}
    for draft in drafts:
        if draft.verdict.included:
            of_file = by_file.setdefault(draft.workflow.file, {})
            for asked in _asked(draft, event):
                of_file.setdefault(asked.key, []).append(asked)
    for file, found in by_file.items():
        yield from _warnings(file, found.values())


def never_acted(workflow: Workflow) -> Iterator[Problem]:
    """A warning for each key of a file that does nothing in any run yet, at the first place that has it."""
    found: dict[str, list[_Asked]] = {}
    for key in _OF_WORKFLOWS[False]:
        if _asks(workflow, key.name):
            found[key.name] = [_Asked(key.name, key.effect, key.name, workflow.place_of(key.name))]
    for steps, keys in ((workflow.services, _OF_SERVICES), (workflow.steps, _OF_STEPS)):
        for step in steps:
            for asked in _asked_by_step(step, keys, local=False):
                found.setdefault(asked.key, []).append(asked)
    yield from _warnings(workflow.file, found.values())


def is_idle(effect: Effect, *, local: bool) -> bool:
    """True if a key of this effect does nothing in a run, which may be a local one."""
    return effect is Effect.NOT_YET or (effect is Effect.ON_SERVERS and local)


def _warnings(file: str, found: Iterable[list[_Asked]]) -> tuple[Problem, ...]:
    report = Report(file)
    for asked in found:
        first, others = asked[0], len({each.path for each in asked}) - 1
        what, hint = _WHY[first.effect]
        more = f", nor at {others} more places" if others > 1 else ", nor at one more place" if others else ""
        report.add(first.position, first.path, f"`{first.path}` {what}{more}", hint=hint, level=Level.WARNING)
    return report.problems


def _asked(draft: Draft, event: Event) -> Iterator[_Asked]:
    workflow = draft.workflow
    for key in _OF_WORKFLOWS[event.local]:
        if _asks(workflow, key.name) and not _is_met(workflow, key, event):
            yield _Asked(key.name, key.effect, key.name, workflow.place_of(key.name))
    for steps, keys in ((workflow.services, _OF_SERVICES), (workflow.steps, _OF_STEPS)):
        for step in steps:
            if draft.steps[step.name].included:
                yield from _asked_by_step(step, keys, local=event.local)


def _asked_by_step(step: Step, keys: Mapping[bool, Iterable[Key]], *, local: bool) -> Iterator[_Asked]:
    for key in keys[local]:
        if _asks(step, key.name):
            yield _Asked(key.name, key.effect, f"{step.path}.{key.name}", step.place_of(key.name))
    if is_idle(EXPIRE.effect, local=local) and any(rule.expire for rule in step.artifacts):
        yield _Asked("artifacts.expire", EXPIRE.effect, f"{step.path}.artifacts.expire", step.place_of("artifacts"))


def _is_met(workflow: Workflow, key: Key, event: Event) -> bool:
    """True for `labels` that ask for no more than the platform that the run has anyway."""
    return key.name == "labels" and workflow.labels == {"platform": event.system.platform}


def _asks(part: Workflow | Step, key: str) -> bool:
    """True if the part has another value there than it has without the key."""
    return bool(getattr(part, key) != _DEFAULTS[type(part)].get(key))


def _defaults(model: type[Workflow] | type[Step]) -> dict[str, Any]:
    return {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(model)
    }


def _idle(keys: Keys) -> dict[bool, tuple[Key, ...]]:
    """The keys that do nothing, by whether the run is local."""
    return {local: tuple(key for key in keys.known if is_idle(key.effect, local=local)) for local in (False, True)}


_OF_WORKFLOWS, _OF_STEPS, _OF_SERVICES = _idle(WORKFLOW_KEYS), _idle(STEP_KEYS), _idle(SERVICE_KEYS)
_DEFAULTS: dict[type, dict[str, Any]] = {Workflow: _defaults(Workflow), Step: _defaults(Step)}
