"""Findings: what each key of a `when` makes of an occasion, in one phrase that names the value it met."""

from collections.abc import Callable, Iterator, Mapping

from pipelines.allowance import Budget, OverspentError
from pipelines.event import EventKind
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.expression import read
from pipelines.finding import Finding, either
from pipelines.globs import glob
from pipelines.model import Condition, Evaluation, PathFilter, Patterns
from pipelines.nodes import quoted
from pipelines.occasion import Occasion
from pipelines.report import Report


def findings(condition: Condition, occasion: Occasion, report: Report) -> Iterator[Finding]:
    """What the keys of a condition find, up to the first that does not hold.

    What has no answer, or none in good time, does not hold, and is reported.
    """
    for check in _CHECKS:
        try:
            found = check(condition, occasion)
        except OverspentError:
            report.add(condition.position, condition.where, "the globs of this file take too long to compare")
            found = Finding(holds=False, phrase="there was no time for it")
        if found is not None:
            yield found
            if not found.holds:
                return
    if condition.evaluate is not None:
        yield _evaluated(condition.evaluate, occasion, report)


def _event(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.event is None:
        return None
    kind = occasion.event.kind.value
    return _found("event", kind, condition.event, holds=kind in condition.event)


def _branch(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.branch is not None and occasion.event.kind is EventKind.TAG:
        return Finding(holds=True, phrase="branch holds for every tag")
    return _patterns("branch", condition.branch, occasion.event.branch, occasion.comparisons)


def _ref(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("ref", condition.ref, occasion.event.ref, occasion.comparisons)


def _repo(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("repo", condition.repo, occasion.event.repository.full_name, occasion.comparisons)


def _instance(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("instance", condition.instance, occasion.event.system.host, occasion.comparisons)


def _platform(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("platform", condition.platform, occasion.event.system.platform, occasion.comparisons)


def _cron(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.cron is not None and occasion.event.kind is not EventKind.CRON:
        return Finding(holds=True, phrase=f"cron holds for every {occasion.event.kind}")
    return _patterns("cron", condition.cron, occasion.event.cron, occasion.comparisons)


def _local(condition: Condition, occasion: Occasion) -> Finding | None:
    """`local: false` leaves local runs out; `true` asks for nothing."""
    if condition.local is None:
        return None
    phrase = "this run is local" if occasion.event.local else "this run is not local"
    return Finding(holds=condition.local or not occasion.event.local, phrase=phrase)


def _matrix(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.matrix is None:
        return None
    wanted = condition.matrix
    met = ", ".join(
        f"{axis} is {occasion.matrix.get(axis) or 'unset'}" for axis in {**wanted.include, **wanted.exclude}
    )
    if wanted.exclude and _all_match(wanted.exclude, occasion):
        return Finding(holds=False, phrase=f"matrix {met}, excluded by {_pairs(wanted.exclude)}")
    holds = _all_match(wanted.include, occasion)
    return Finding(holds=holds, phrase=f"matrix {met}" if holds else f"matrix {met}, not {_pairs(wanted.include)}")


def _all_match(wanted: Mapping[str, str], occasion: Occasion) -> bool:
    return all(
        _matches(pattern, occasion.matrix.get(axis, ""), occasion.comparisons) for axis, pattern in wanted.items()
    )


def _pairs(wanted: Mapping[str, str]) -> str:
    return ", ".join(f"{axis}={glob}" for axis, glob in wanted.items())


def _path(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.path is None:
        return None
    event = occasion.event
    if event.kind is not EventKind.PUSH and not event.kind.is_pull_request:
        return Finding(holds=True, phrase=f"path holds for every {event.kind}")
    ignored = condition.path.ignore_message
    if ignored and ignored.lower() in event.message.lower():
        return Finding(holds=True, phrase=f"path holds, for the message says {quoted(ignored)}")
    if not event.changed_files:
        word = "no changed files" if event.changed_files is not None else "unknown changed files"
        return Finding(
            holds=condition.path.on_empty, phrase=f"path has {word}, and on_empty is {_word(condition.path)}"
        )
    return occasion.changes.judge(condition.path, occasion.comparisons)


def _word(path: PathFilter) -> str:
    return "true" if path.on_empty else "false"


def _evaluated(expression: Evaluation, occasion: Occasion, report: Report) -> Finding:
    try:
        holds = (expression.expression or read(expression.text)).holds(occasion.variables, report.allowance.work)
    except ExpressionError as error:
        report.add(expression.position, expression.path, f"the expression {error.message}", hint=error.hint)
        return Finding(holds=False, phrase="evaluate has no answer")
    return Finding(
        holds=holds, phrase=f"evaluate is {'true' if holds else 'false'}: {' '.join(expression.text.split())}"
    )


def _patterns(name: str, patterns: Patterns | None, value: str, budget: Budget) -> Finding | None:
    if patterns is None:
        return None
    excluding = next((each for each in patterns.exclude if _matches(each, value, budget)), None)
    if excluding is not None:
        return Finding(holds=False, phrase=f"{name} is {value or 'unknown'}, excluded by {excluding}")
    included = not patterns.include or any(_matches(each, value, budget) for each in patterns.include)
    return _found(name, value, patterns.include, holds=included)


def _matches(pattern: str, text: str, budget: Budget) -> bool:
    ready = glob(pattern)
    budget.spend(ready.effort(text))
    return ready.matches(text)


def _found(name: str, value: str, wanted: tuple[str, ...], *, holds: bool) -> Finding:
    phrase = f"{name} is {value or 'unknown'}"
    return Finding(holds=holds, phrase=phrase if holds else f"{phrase}, not {either(wanted)}")


_CHECKS: tuple[Callable[[Condition, Occasion], Finding | None], ...] = (
    _event, _branch, _ref, _repo, _instance, _platform, _cron, _local, _matrix, _path,
)  # fmt: skip
