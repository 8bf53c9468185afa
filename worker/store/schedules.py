"""Schedules in the database, and the one place where the time of one is kept.

DESIGN. A time is kept in one transaction: the run is made and the next time promised together, or neither. Writers take
turns, in both kinds of database, and whoever comes second finds the time moved on. So however many servers and threads
look at the clock, and wherever one of them dies, each time makes one run.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.status import Status
from runner.clock import now as now_text
from worker.errors import Conflict, Malformed, NotFound
from worker.schedules.schedule import Schedule, ScheduleState, Wanted, as_text
from worker.starting import cron_event
from worker.store import repositories as repository_store
from worker.store.inbox import AcceptedRun, add_run
from worker.store.repositories import StoredRepository
from worker.store.tables import repositories, runs, schedules

log = structlog.get_logger()


def add(connection: Connection, repository: StoredRepository, name: str, wanted: Wanted, now: datetime) -> Schedule:
    """Store a new schedule. Raises Malformed, or Conflict if its name is taken."""
    values = _columns(wanted.checked()) | _promise(wanted, now)
    try:
        connection.execute(
            insert(schedules).values(
                repository_id=repository.id, name=name, trouble="", created_at=now_text(), **values
            )
        )
    except IntegrityError as error:
        raise Conflict(f"{repository.full_name} has a schedule {name} already") from error
    return named(connection, repository, name)


def change(connection: Connection, repository: StoredRepository, name: str, wanted: Wanted, now: datetime) -> Schedule:
    """Have a schedule be like this from now on. Raises NotFound or Malformed.

    Its next time stays as promised if nothing that says when has changed.
    """
    known = named(connection, repository, name)
    values = _columns(wanted.checked()) | {"trouble": ""}
    if _says_when(known.wanted) != _says_when(wanted):
        values |= _promise(wanted, now)
    _update(connection, known.id, values)
    return named(connection, repository, name)


def remove(connection: Connection, repository: StoredRepository, name: str) -> None:
    """Forget a schedule; its runs stay. Raises NotFound."""
    connection.execute(delete(schedules).where(schedules.c.id == named(connection, repository, name).id))


def named(connection: Connection, repository: StoredRepository, name: str) -> Schedule:
    """The schedule of this name. Raises NotFound."""
    query = _query().where(schedules.c.repository_id == repository.id, schedules.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"{repository.full_name} has no schedule {name}; see `headrace schedule list`")
    return _stored(row)


def of_repository(connection: Connection, repository: StoredRepository) -> list[Schedule]:
    """The schedules of a repository, by name."""
    query = _query().where(schedules.c.repository_id == repository.id).order_by(schedules.c.name)
    return [_stored(row) for row in connection.execute(query)]


def enabled(connection: Connection) -> list[Schedule]:
    """All that may come due, the next one first."""
    is_enabled = schedules.c.state == ScheduleState.ENABLED.value
    return [_stored(row) for row in connection.execute(_query().where(is_enabled).order_by(schedules.c.next_at))]


def keep(connection: Connection, schedule_id: int, now: datetime) -> AcceptedRun | None:
    """Make the run of a schedule whose time has come, and promise the next; None if it has not, or not any more.

    Times that were missed since make no run of their own. One whose zone isn't known any more is disabled.
    """
    row = connection.execute(_query().where(schedules.c.id == schedule_id)).one_or_none()
    schedule = _stored(row) if row else None
    if schedule is None or not schedule.is_enabled or schedule.next_at > now:
        return None
    try:
        promise = _promise(schedule.wanted, now)
    except Malformed as error:
        log.warning("a schedule is disabled", error=str(error), **_named_for_log(schedule))
        _update(connection, schedule_id, {"state": ScheduleState.DISABLED.value, "trouble": str(error)})
        return None
    if schedule.wanted.next_after(schedule.next_at) <= now:
        log.warning("times of a schedule were missed: it runs once for all", **_named_for_log(schedule))
    _update(connection, schedule_id, promise)
    return run_now(connection, schedule, now)


def run_now(connection: Connection, schedule: Schedule, now: datetime, *, by: str = "") -> AcceptedRun:
    """Make a run of a schedule, whether its time has come or not: its next time stays."""
    repository = repository_store.with_id(connection, schedule.repository_id)
    event = cron_event(
        name=schedule.name,
        branch=schedule.wanted.branch,
        params=schedule.wanted.params,
        default_branch=repository.default_branch,
        by=by,
    )
    run = add_run(connection, repository, event)
    _update(connection, schedule.id, {"last_at": as_text(now), "last_run_id": run.id})
    return run


def count_anew(connection: Connection, schedule: Schedule, now: datetime) -> None:
    """Promise the next time by the clock as it is now, which must have been far ahead when the last was promised."""
    log.warning("the clock was far ahead: a schedule is counted anew", **_named_for_log(schedule))
    _update(connection, schedule.id, _promise(schedule.wanted, now))


def _promise(wanted: Wanted, now: datetime) -> dict[str, str]:
    """The next time as it is promised now. Raises Malformed."""
    return {"next_at": as_text(wanted.next_after(now)), "promised_at": as_text(now)}


def _named_for_log(schedule: Schedule) -> dict[str, str]:
    return {
        "repository": schedule.repository,
        "schedule": schedule.name,
        "due": as_text(schedule.next_at),
    }


def _says_when(wanted: Wanted) -> tuple[str, str, ScheduleState]:
    return wanted.cron, wanted.time_zone, wanted.state


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "cron": wanted.cron,
        "time_zone": wanted.time_zone,
        "branch": wanted.branch,
        "params": json.dumps(dict(wanted.params)),
        "state": wanted.state.value,
    }


def _update(connection: Connection, schedule_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(update(schedules).where(schedules.c.id == schedule_id).values(dict(values)))


def _query() -> Select[Any]:
    return (
        select(
            schedules,
            repositories.c.owner,
            repositories.c.name.label("repository_name"),
            runs.c.number.label("last_number"),
            runs.c.status.label("last_status"),
        )
        .join(repositories, repositories.c.id == schedules.c.repository_id)
        .outerjoin(runs, runs.c.id == schedules.c.last_run_id)
    )


def _stored(row: Row[Any]) -> Schedule:
    wanted = Wanted(
        cron=row.cron,
        time_zone=row.time_zone,
        branch=row.branch,
        params=json.loads(row.params),
        state=ScheduleState(row.state),
    )
    return Schedule(
        id=row.id,
        repository_id=row.repository_id,
        repository=f"{row.owner}/{row.repository_name}",
        name=row.name,
        wanted=wanted,
        trouble=row.trouble,
        next_at=_moment(row.next_at),
        promised_at=_moment(row.promised_at),
        last_at=_moment(row.last_at) if row.last_at else None,
        last_run_id=row.last_run_id,
        last_number=row.last_number,
        last_status=Status(row.last_status) if row.last_status else None,
        created_at=row.created_at,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
