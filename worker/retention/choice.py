"""Choice: what has to go by a policy. Nothing is changed here, so that a dry run says what a real one does.

Never chosen is what has not ended, and the last run of each kind of event on a branch: what a branch is known by, and
what people look for first, stays however old it is. Nor is a run whose jobs another one is still to take over, or of
which the forge is still to be told.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, func, or_, select

from pipelines.status import Status
from runner.clock import from_now
from worker.retention.policy import Policy
from worker.storage import Files
from worker.store.outbox import LetterState
from worker.store.tables import deliveries, outbox, removals, runs

Reasons = dict[str, str]
"""The ids of runs, oldest first, each with the reason why it has to go."""


def runs_to_go(connection: Connection, repository_id: int, policy: Policy, *, limit: int) -> Reasons:
    """The runs that are not kept any more, at most `limit`."""
    found: Reasons = {}
    for unkept, reason in _rules(connection, repository_id, policy):
        query = (
            _spared(select(runs.c.id), repository_id).where(unkept).order_by(runs.c.number).limit(limit - len(found))
        )
        found |= dict.fromkeys(connection.execute(query).scalars(), reason)
        if len(found) >= limit:
            break
    return found


def files_to_go(connection: Connection, repository_id: int, policy: Policy, files: Files, *, limit: int) -> Reasons:
    """The runs whose logs, or artifacts, are not kept any more though they are, at most `limit`."""
    days = policy.logs_days if files is Files.LOGS else policy.artifacts_days
    found: Reasons = {}
    if days:
        query = _with_files(repository_id, files).where(_older(days)).order_by(runs.c.number).limit(limit)
        found |= dict.fromkeys(connection.execute(query).scalars(), f"older than {_days(days)}")
    if policy.files_bytes and len(found) < limit:
        too_much = _too_much(connection, repository_id, policy.files_bytes)
        reason = f"the repository's files took more than {policy.files_bytes} bytes"
        query = _with_files(repository_id, files).where(runs.c.number <= too_much).order_by(runs.c.number)
        found |= dict.fromkeys(connection.execute(query.limit(limit - len(found))).scalars(), reason)
    return found


def deliveries_to_go(connection: Connection, repository_id: int, policy: Policy, *, limit: int) -> list[int]:
    """The ids of deliveries whose content is not kept any more, at most `limit`; that of runs that go on is."""
    going_on = exists().where(runs.c.delivery_id == deliveries.c.id, runs.c.finished_at.is_(None))
    kept = (deliveries.c.repository_id == repository_id) & (func.length(deliveries.c.payload) > 0)
    query = select(deliveries.c.id).where(kept, ~going_on, or_(false(), *_unkept_deliveries(kept, policy)))
    return list(connection.execute(query.order_by(deliveries.c.id).limit(limit)).scalars())


def _unkept_deliveries(kept: ColumnElement[bool], policy: Policy) -> Iterator[ColumnElement[bool]]:
    """What is true of a delivery that is too old, or one too many, or from which on all together are too large."""
    if policy.deliveries_days:
        yield deliveries.c.received_at < _ago(policy.deliveries_days)
    if policy.deliveries_count:
        newest = select(deliveries.c.id).where(kept).order_by(deliveries.c.id.desc())
        yield deliveries.c.id <= newest.offset(policy.deliveries_count).limit(1).scalar_subquery()
    if policy.deliveries_bytes:
        total = func.sum(func.length(deliveries.c.payload)).over(order_by=deliveries.c.id.desc())
        sizes = select(deliveries.c.id, total.label("total")).where(kept).subquery()
        yield (
            deliveries.c.id
            <= select(func.max(sizes.c.id)).where(sizes.c.total > policy.deliveries_bytes).scalar_subquery()
        )


def unmeasured(connection: Connection, repository_id: int, *, limit: int) -> list[str]:
    """The ids of runs that have ended and whose files' size nobody knows yet, at most `limit`."""
    query = select(runs.c.id).where(
        runs.c.repository_id == repository_id, runs.c.size_bytes.is_(None), runs.c.finished_at.is_not(None)
    )
    return list(connection.execute(query.limit(limit)).scalars())


def _rules(connection: Connection, repository_id: int, policy: Policy) -> Iterator[tuple[ColumnElement[bool], str]]:
    """What each rule of the policy doesn't keep, and how it is said."""
    if policy.runs_days:
        yield _older(policy.runs_days), f"older than {_days(policy.runs_days)}"
    ours = runs.c.repository_id == repository_id
    if policy.runs_count:
        newest = select(runs.c.number).where(ours).order_by(runs.c.number.desc())
        oldest_kept = connection.execute(newest.offset(policy.runs_count - 1).limit(1)).scalar_one_or_none()
        yield runs.c.number < (oldest_kept or 0), f"not among the newest {policy.runs_count}"
    if policy.runs_per_branch:
        crowded = (
            select(runs.c.branch).where(ours).group_by(runs.c.branch).having(func.count() > policy.runs_per_branch)
        )
        for branch in connection.execute(crowded).scalars().all():
            newest = select(runs.c.number).where(ours, runs.c.branch == branch).order_by(runs.c.number.desc())
            oldest_kept = connection.execute(newest.offset(policy.runs_per_branch - 1).limit(1)).scalar_one()
            unkept = and_(runs.c.branch == branch, runs.c.number < oldest_kept)
            yield unkept, f"not among the newest {policy.runs_per_branch} of its branch"


def _spared(query: Select[Any], repository_id: int) -> Select[Any]:
    """Only runs of the repository that have ended, and are not the last of their kind on their branch."""
    later = runs.alias("later")
    has_later = exists().where(
        later.c.repository_id == runs.c.repository_id,
        later.c.branch == runs.c.branch,
        later.c.number > runs.c.number,
        later.c.kind == runs.c.kind,
    )
    ended = (runs.c.repository_id == repository_id) & runs.c.finished_at.is_not(None)
    return query.where(ended, has_later, ~_is_awaited())


def _is_awaited() -> ColumnElement[bool]:
    """True for a run that another one, or the courier, is still to read."""
    successor = runs.alias("successor")
    taken_over = select(successor.c.kept_from).where(
        successor.c.status.in_([status.value for status in Status if not status.is_terminal]),
        successor.c.kept_from.is_not(None),
    )
    letter = exists().where(outbox.c.run_id == runs.c.id, outbox.c.state == LetterState.WAITING.value)
    return runs.c.id.in_(taken_over) | letter


def _with_files(repository_id: int, files: Files) -> Select[Any]:
    gone = exists().where(removals.c.run_id == runs.c.id, removals.c.kind == files.value)
    return _spared(select(runs.c.id), repository_id).where(~gone)


def _too_much(connection: Connection, repository_id: int, files_bytes: int) -> int:
    """The number of the newest run at which all files from there on are more than this; 0 if they never are."""
    total = func.sum(runs.c.size_bytes).over(order_by=runs.c.number.desc())
    sizes = select(runs.c.number, total.label("total")).where(runs.c.repository_id == repository_id).subquery()
    query = select(func.max(sizes.c.number)).where(sizes.c.total > files_bytes)
    return connection.execute(query).scalar_one() or 0


def _older(days: int) -> ColumnElement[bool]:
    return runs.c.created_at < _ago(days)


def _ago(days: int) -> str:
    return from_now(-timedelta(days=days))


def _days(days: int) -> str:
    return f"{days} day{'s' if days != 1 else ''}"
