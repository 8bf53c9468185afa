"""Conditions: whether an event meets a `when`, with the reason in one phrase."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines import globs
from pipelines.event import Event, EventKind
from pipelines.model import Condition, Patterns
from pipelines.status import Status

_SUCCESS_ONLY = (Status.SUCCESS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something runs and why. `on` says after which states of the job, which only the run can tell."""

    included: bool
    reason: str
    on: tuple[Status, ...] = _SUCCESS_ONLY


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one key of a condition makes of an event: `branch is main`, or `branch is dev, not main`."""

    holds: bool
    phrase: str


def judge(when: tuple[Condition, ...], event: Event) -> Verdict:
    """The verdict of a `when` on an event: its maps are alternatives, the keys of one map must all hold."""
    if not when:
        return Verdict(included=True, reason="no `when`: always")
    findings = [(condition, _findings(condition, event)) for condition in when]
    met = [(condition, found) for condition, found in findings if all(finding.holds for finding in found)]
    if not met:
        return Verdict(included=False, reason="; ".join(_why_not(c, found) for c, found in findings))
    condition, found = met[0]
    on = _states([met_condition for met_condition, _ in met])
    return Verdict(included=True, reason=_why(condition, found), on=on)


def _states(met: list[Condition]) -> tuple[Status, ...]:
    """After which states of the job to run: maps that hold say so, one without `status` says success."""
    listed = {status for condition in met for status in condition.status or _SUCCESS_ONLY}
    return tuple(status for status in (Status.SUCCESS, Status.FAILURE) if status in listed)


def _why(condition: Condition, findings: list[_Finding]) -> str:
    phrases = [finding.phrase for finding in findings]
    if condition.status:
        phrases.append(f"runs after {' or '.join(condition.status)}")
    return f"{condition.label}: {', '.join(phrases) or 'no conditions'}"


def _why_not(condition: Condition, findings: list[_Finding]) -> str:
    failed = next(finding for finding in findings if not finding.holds)
    return f"{condition.label}: {failed.phrase}"


def _findings(condition: Condition, event: Event) -> list[_Finding]:
    checks: list[Callable[[Condition, Event], _Finding | None]] = [_event, _branch, _ref, _repo]
    return [found for check in checks if (found := check(condition, event)) is not None]


def _event(condition: Condition, event: Event) -> _Finding | None:
    if condition.event is None:
        return None
    return _found("event", event.kind.value, condition.event, holds=event.kind.value in condition.event)


def _branch(condition: Condition, event: Event) -> _Finding | None:
    if condition.branch is not None and event.kind is EventKind.TAG:
        return _Finding(holds=True, phrase="branch holds for every tag")
    return _patterns("branch", condition.branch, event.branch)


def _ref(condition: Condition, event: Event) -> _Finding | None:
    return _patterns("ref", condition.ref, event.ref)


def _repo(condition: Condition, event: Event) -> _Finding | None:
    return _patterns("repo", condition.repo, event.repository.full_name)


def _patterns(name: str, patterns: Patterns | None, value: str) -> _Finding | None:
    if patterns is None:
        return None
    excluding = next((glob for glob in patterns.exclude if globs.matches(glob, value)), None)
    if excluding is not None:
        return _Finding(holds=False, phrase=f"{name} is {value or 'unknown'}, excluded by {excluding}")
    included = not patterns.include or any(globs.matches(glob, value) for glob in patterns.include)
    return _found(name, value, patterns.include, holds=included)


def _found(name: str, value: str, wanted: tuple[str, ...], *, holds: bool) -> _Finding:
    phrase = f"{name} is {value or 'unknown'}"
    return _Finding(holds=holds, phrase=phrase if holds else f"{phrase}, not {' or '.join(wanted)}")
