"""The facts from which `waiting/turns` decides: the tasks that wait, and what is under way."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from pipelines.status import Status
from runner.clock import now
from worker.store.tables import repositories, runs, tasks
from worker.store.tasks import TaskState
from worker.waiting.turns import UnderWay, WaitingTask

_EACH = 64
"""So many at the most of those that are alike can have their turn in one round."""

_OUT = (TaskState.QUEUED.value, TaskState.RUNNING.value)


def next_waiting(connection: Connection) -> list[WaitingTask]:
    """The tasks that may be next: of those that are alike, and so wait for the same, only the first."""
    alike = (runs.c.repository_id, tasks.c.labels, tasks.c.concurrency_group, tasks.c.job_id.is_(None))
    age = func.row_number().over(partition_by=alike, order_by=(tasks.c.run_id, tasks.c.created_at, tasks.c.job_id))
    ranked = _waiting().where(~_is_held_back()).add_columns(age.label("age")).subquery()
    return [_task(row) for row in connection.execute(select(ranked).where(ranked.c.age <= _EACH))]


def holds_any_back(connection: Connection) -> bool:
    """True if there are tasks whose time has not come."""
    return connection.execute(_waiting().where(_is_held_back()).limit(1)).first() is not None


def waiting_of(connection: Connection, run_ids: Sequence[str]) -> list[tuple[int | None, WaitingTask]]:
    """The tasks of these runs that are in no queue, each with the id of its job; None for a planning."""
    query = _waiting().where(tasks.c.run_id.in_(run_ids))
    return [(row.job_id, _task(row)) for row in connection.execute(query)]


def runs_ahead(connection: Connection, task: WaitingTask) -> int:
    """How many other runs have a job before this task in its concurrency group, waiting or under way."""
    created_at, job_id = task.came
    earlier = (tasks.c.created_at < created_at) | ((tasks.c.created_at == created_at) & (tasks.c.job_id < job_id))
    query = (
        select(func.count(tasks.c.run_id.distinct()))
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(tasks.c.state != TaskState.ENDED.value, tasks.c.concurrency_group == task.group)
        .where(runs.c.repository_id == task.repository, earlier | tasks.c.state.in_(_OUT))
        .where(tasks.c.run_id != task.run)
    )
    return int(connection.execute(query).scalar_one())


def under_way(connection: Connection) -> UnderWay:
    """What has been given out and not ended."""
    query = (
        select(runs.c.repository_id, tasks.c.run_id, tasks.c.job_id, tasks.c.concurrency_group)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(tasks.c.state.in_(_OUT))
    )
    out = connection.execute(query).all()
    limited = select(repositories.c.id, repositories.c.max_runs).where(repositories.c.max_runs.is_not(None))
    max_runs = {row.id: row.max_runs for row in connection.execute(limited)}
    active = select(runs.c.repository_id, runs.c.id).where(runs.c.status == Status.RUNNING.value)
    open_runs = {(row.repository_id, row.id) for row in connection.execute(active)} if max_runs else set()
    open_runs |= {(row.repository_id, row.run_id) for row in out}
    return UnderWay(
        tasks=Counter(row.repository_id for row in out),
        groups=Counter((row.repository_id, row.concurrency_group) for row in out if row.concurrency_group),
        runs=Counter(repository for repository, _ in open_runs),
        max_runs=max_runs,
    )


def _waiting() -> Select[Any]:
    """Tasks in no queue. Those that are to be cancelled wait for nothing."""
    return (
        select(
            tasks.c.id,
            tasks.c.run_id,
            tasks.c.job_id,
            tasks.c.created_at,
            tasks.c.labels,
            tasks.c.concurrency_group,
            tasks.c.concurrency_limit,
            case((_is_held_back(), tasks.c.not_before), else_="").label("not_before"),
            runs.c.repository_id,
            repositories.c.priority,
        )
        .join(runs, runs.c.id == tasks.c.run_id)
        .join(repositories, repositories.c.id == runs.c.repository_id)
        .where(tasks.c.state == TaskState.PENDING.value)
        .where(runs.c.cancel_reason.is_(None), tasks.c.cancel_reason.is_(None))
    )


def _is_held_back() -> ColumnElement[bool]:
    return and_(tasks.c.not_before.is_not(None), tasks.c.not_before > now())


def _task(row: Row[Any]) -> WaitingTask:
    return WaitingTask(
        id=row.id,
        repository=row.repository_id,
        run=row.run_id,
        is_planning=row.job_id is None,
        priority=row.priority,
        labels=json.loads(row.labels),
        group=row.concurrency_group or "",
        limit=row.concurrency_limit,
        not_before=row.not_before,
        came=(row.created_at, row.job_id or 0),
    )
