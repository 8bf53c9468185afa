"""Findings: what each key of a `when` makes of an occasion, in one phrase that names the value it met."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipelines import globs
from pipelines.event import EventKind
from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.expression import evaluate
from pipelines.model import Condition, Evaluation, PathFilter, Patterns
from pipelines.nodes import quoted
from pipelines.occasion import Occasion
from pipelines.report import Report

_SHOWN_GLOBS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one key makes of an occasion: `branch is main`, or `branch is dev, not main`."""

    holds: bool
    phrase: str


def findings(condition: Condition, occasion: Occasion, report: Report) -> Iterator[Finding]:
    """What the keys of a condition find, up to the first that does not hold.

    An expression that has no answer does not hold, and is reported.
    """
    for check in _CHECKS:
        found = check(condition, occasion)
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
    return _patterns("branch", condition.branch, occasion.event.branch)


def _ref(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("ref", condition.ref, occasion.event.ref)


def _repo(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("repo", condition.repo, occasion.event.repository.full_name)


def _instance(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("instance", condition.instance, occasion.event.system.host)


def _platform(condition: Condition, occasion: Occasion) -> Finding | None:
    return _patterns("platform", condition.platform, occasion.event.system.platform)


def _cron(condition: Condition, occasion: Occasion) -> Finding | None:
    if condition.cron is not None and occasion.event.kind is not EventKind.CRON:
        return Finding(holds=True, phrase=f"cron holds for every {occasion.event.kind}")
    return _patterns("cron", condition.cron, occasion.event.cron)


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
    return all(globs.matches(glob, occasion.matrix.get(axis, "")) for axis, glob in wanted.items())


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
    return _files(condition.path, event.changed_files)


def _word(path: PathFilter) -> str:
    return "true" if path.on_empty else "false"


def _files(path: PathFilter, files: tuple[str, ...]) -> Finding:
    if path.exclude and all(_first_match(path.exclude, file) for file in files):
        excluding = _first_match(path.exclude, files[0])
        which = files[0] if len(files) == 1 else f"{files[0]}, as all {len(files)} changed files,"
        return Finding(holds=False, phrase=f"path {which} is excluded by {excluding}")
    if not path.include:
        left = next((file for file in files if not _first_match(path.exclude, file)), files[0])
        return Finding(holds=True, phrase=f"path {left} is not excluded")
    met = next(((file, glob) for file in files if (glob := _first_match(path.include, file))), None)
    if met is None:
        which = f"{files[0]} does not match" if len(files) == 1 else f"none of {len(files)} changed files matches"
        return Finding(holds=False, phrase=f"path {which} {_listed(path.include)}")
    return Finding(holds=True, phrase=f"path {met[0]} matches {met[1]}")


def _first_match(patterns: tuple[str, ...], file: str) -> str:
    """The first of the globs that matches, or `""`."""
    return next((glob for glob in patterns if globs.matches(glob, file)), "")


def _evaluated(expression: Evaluation, occasion: Occasion, report: Report) -> Finding:
    try:
        holds = evaluate(expression.text, occasion.variables, occasion.work)
    except ExpressionError as error:
        report.add(expression.position, expression.path, f"the expression {error.message}", hint=error.hint)
        return Finding(holds=False, phrase="evaluate has no answer")
    return Finding(
        holds=holds, phrase=f"evaluate is {'true' if holds else 'false'}: {' '.join(expression.text.split())}"
    )


def _patterns(name: str, patterns: Patterns | None, value: str) -> Finding | None:
    if patterns is None:
        return None
    excluding = next((glob for glob in patterns.exclude if globs.matches(glob, value)), None)
    if excluding is not None:
        return Finding(holds=False, phrase=f"{name} is {value or 'unknown'}, excluded by {excluding}")
    included = not patterns.include or any(globs.matches(glob, value) for glob in patterns.include)
    return _found(name, value, patterns.include, holds=included)


def _found(name: str, value: str, wanted: tuple[str, ...], *, holds: bool) -> Finding:
    phrase = f"{name} is {value or 'unknown'}"
    return Finding(holds=holds, phrase=phrase if holds else f"{phrase}, not {_listed(wanted)}")


def _listed(globs_: tuple[str, ...]) -> str:
    more = f" or {len(globs_) - _SHOWN_GLOBS} more" if len(globs_) > _SHOWN_GLOBS else ""
    return " or ".join(globs_[:_SHOWN_GLOBS]) + more


_CHECKS: tuple[Callable[[Condition, Occasion], Finding | None], ...] = (
    _event, _branch, _ref, _repo, _instance, _platform, _cron, _local, _matrix, _path,
)  # fmt: skip
