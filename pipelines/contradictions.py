"""Contradictions: conditions that no event can meet. Only what is certain counts: in doubt, a condition can be met.

Conditions are as they were written: a `${NAME}` in them may become anything.
"""

import re
from collections.abc import Iterable, Mapping

from pipelines import globs
from pipelines.event import EventKind
from pipelines.matrix import Cell
from pipelines.model import Condition, MatrixFilter, Patterns

Kinds = frozenset[str]
ALL_KINDS: Kinds = frozenset(kind.value for kind in EventKind)
NO_MATRIX: tuple[Cell, ...] = ({},)

_REF_BEGINNINGS = {"push": "refs/heads/", "tag": "refs/tags/"}
_MAX_PAIRS = 1_000  # looked at for one condition: past that, it is left in doubt
_SPECIAL = re.compile(r"[*?\[{\\$]")


def possible_kinds(when: Iterable[Condition], within: Kinds = ALL_KINDS, cells: tuple[Cell, ...] = NO_MATRIX) -> Kinds:
    """The kinds of event, out of these, that may meet a `when`."""
    conditions = tuple(when)
    if not conditions:
        return within
    return frozenset().union(*(_kinds(each, within) for each in conditions if not contradiction(each, within, cells)))


def contradiction(condition: Condition, within: Kinds = ALL_KINDS, cells: tuple[Cell, ...] = NO_MATRIX) -> str:
    """Why no event of these kinds can meet the condition in any cell, in one phrase; `""` if one may."""
    kinds = _kinds(condition, within)
    if not kinds:
        return f"it is for {_either(condition.event or ())}, and the workflow for {_either(within)}"
    return (
        _impossible_ref(condition, kinds)
        or _impossible_branch(condition, kinds)
        or _impossible_cell(condition.matrix, cells)
        or _impossible_names(condition)
    )


def _kinds(condition: Condition, within: Kinds) -> Kinds:
    if not condition.event or any("${" in kind for kind in condition.event):
        return within
    return within & frozenset(condition.event)


def _impossible_ref(condition: Condition, kinds: Kinds) -> str:
    """A push is to `refs/heads/`, a tag is in `refs/tags/`; of other events' refs nothing is certain."""
    if condition.ref is None or not condition.ref.include:
        return ""
    include = condition.ref.include
    if any(_may_match(glob, _REF_BEGINNINGS.get(kind, "")) for kind in kinds for glob in include):
        return ""
    beginnings = _either(_REF_BEGINNINGS[kind] for kind in kinds)
    return f"the ref of a {_either(kinds)} begins with {beginnings}, not as in {_either(include)}"


def _may_match(glob: str, beginning: str) -> bool:
    """True unless the glob's text up to its first special character shows that it can't match such a ref."""
    special = _SPECIAL.search(glob)
    literal = glob[: special.start()] if special else glob
    return literal.startswith(beginning) or (special is not None and beginning.startswith(literal))


def _impossible_branch(condition: Condition, kinds: Kinds) -> str:
    """`branch` holds for every tag, so that it can be impossible for other kinds only."""
    is_for_tags = EventKind.TAG.value in kinds
    excluded = _excluded(condition.branch) if condition.branch and not is_for_tags else ""
    return f"branch: {excluded}" if excluded else ""


def _impossible_cell(wanted: MatrixFilter | None, cells: tuple[Cell, ...]) -> str:
    if wanted is None or len(cells) * len(wanted.include) > _MAX_PAIRS or any(_is_met(wanted, cell) for cell in cells):
        return ""
    return "no cell of the matrix has such values" if cells != NO_MATRIX else "the workflow has no matrix"


def _is_met(wanted: MatrixFilter, cell: Cell) -> bool:
    if wanted.exclude and _all_match(wanted.exclude, cell, in_doubt=False):
        return False
    return _all_match(wanted.include, cell, in_doubt=True)


def _all_match(wanted: Mapping[str, str], cell: Cell, *, in_doubt: bool) -> bool:
    return all(in_doubt if "${" in glob else globs.matches(glob, cell.get(axis, "")) for axis, glob in wanted.items())


def _impossible_names(condition: Condition) -> str:
    """`cron` holds for all other events, so that it is not among these."""
    named = {
        "ref": condition.ref,
        "repo": condition.repo,
        "instance": condition.instance,
        "platform": condition.platform,
    }
    found = ((name, _excluded(patterns)) for name, patterns in named.items() if patterns)
    return next((f"{name}: {excluded}" for name, excluded in found if excluded), "")


def _excluded(patterns: Patterns) -> str:
    """Why nothing can be in, or `""`: all that is included is excluded again."""
    if "**" in patterns.exclude:
        return "`exclude: **` leaves nothing"
    if len(patterns.include) * len(patterns.exclude) > _MAX_PAIRS:
        return ""
    if patterns.include and all(_is_excluded(glob, patterns.exclude) for glob in patterns.include):
        return f"{_either(patterns.include)} is both included and excluded"
    return ""


def _is_excluded(glob: str, exclude: tuple[str, ...]) -> bool:
    return glob in exclude or (not _SPECIAL.search(glob) and any(globs.matches(each, glob) for each in exclude))


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
