"""Conditions: whether an occasion meets a `when`, with the reason in one phrase."""

from dataclasses import dataclass

from pipelines.finding import Finding
from pipelines.findings import findings
from pipelines.model import Condition
from pipelines.occasion import Occasion
from pipelines.report import Report
from pipelines.status import Status

_SUCCESS_ONLY = (Status.SUCCESS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something runs and why. `on` says after which states of the job, which only the run can tell."""

    included: bool
    reason: str
    on: tuple[Status, ...] = _SUCCESS_ONLY


ALWAYS = Verdict(included=True, reason="no `when`: always")


def judge(when: tuple[Condition, ...], occasion: Occasion, report: Report) -> Verdict:
    """The verdict of a `when`: its maps are alternatives, the keys of one map must all hold.

    An expression without an answer is reported.
    """
    if not when:
        return ALWAYS
    judged = [(condition, list(findings(condition, occasion, report))) for condition in when]
    met = [(condition, found) for condition, found in judged if all(finding.holds for finding in found)]
    if not met:
        return Verdict(included=False, reason="; ".join(_why_not(condition, found) for condition, found in judged))
    on = _states([condition for condition, _ in met])
    return Verdict(included=True, reason=_why(*met[0]), on=on)


def _states(met: list[Condition]) -> tuple[Status, ...]:
    """After which states of the job to run: maps that hold say so, one without `status` says success."""
    listed = {status for condition in met for status in condition.status or _SUCCESS_ONLY}
    return tuple(status for status in (Status.SUCCESS, Status.FAILURE) if status in listed)


def _why(condition: Condition, found: list[Finding]) -> str:
    phrases = [finding.phrase for finding in found]
    if condition.status:
        phrases.append(f"runs after {' or '.join(condition.status)}")
    return f"{condition.label}: {', '.join(phrases) or 'no conditions'}"


def _why_not(condition: Condition, found: list[Finding]) -> str:
    return f"{condition.label}: {found[-1].phrase}"
