"""Schedules: what is to run at which times, as the API tells of it and lets it be changed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Response
from sqlalchemy import Connection

from worker.access.guard import Caller
from worker.api import models
from worker.api.paging import Paged
from worker.api.runs import summary_of
from worker.api.starts import check_params
from worker.context import Context, Serving
from worker.schedules.schedule import NAME_PATTERN, Schedule, ScheduleState, Wanted, as_text
from worker.schedules.scheduler import the_time
from worker.starting import cron_event
from worker.store import declared, repositories, schedules
from worker.store.repositories import StoredRepository

Name = Annotated[str, Path(pattern=f"^{NAME_PATTERN}$")]


def list_schedules(owner: str, name: str, context: Serving, paging: Paged) -> models.Schedules:
    """The schedules of a repository, by name."""
    with context.database.read() as connection:
        stored = schedules.of_repository(connection, repositories.named(connection, owner, name))
    found, after = paging.page(stored, lambda each: (each.name,))
    return models.Schedules(schedules=[_described(context, each) for each in found], after=after)


def show_schedule(owner: str, name: str, schedule: Name, context: Serving) -> models.Schedule:
    """One schedule."""
    with context.database.read() as connection:
        stored = schedules.named(connection, repositories.named(connection, owner, name), schedule)
    return _described(context, stored)


def add_schedule(owner: str, name: str, wanted: models.NewSchedule, context: Serving) -> models.Schedule:
    """Have something run at certain times from now on."""
    fields = wanted.model_dump(exclude={"name"})
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        asked = _wanted(fields)
        check_inputs(connection, repository, asked)
        stored = schedules.add(connection, repository, wanted.name, asked, the_time())
    return _described(context, stored)


def change_schedule(
    owner: str, name: str, schedule: Name, wanted: models.ScheduleChange, context: Serving
) -> models.Schedule:
    """Change what is given of a schedule. One that is enabled again begins with its next time."""
    fields = wanted.model_dump(exclude_none=True)
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        known = schedules.named(connection, repository, schedule)
        changed = _wanted(_fields(known.wanted) | fields)
        if wanted.params is not None or wanted.branch is not None:
            check_inputs(connection, repository, changed)
        stored = schedules.change(connection, repository, schedule, changed, the_time())
    return _described(context, stored)


def check_inputs(connection: Connection, repository: StoredRepository, wanted: Wanted) -> None:
    """Raises Misfit if the workflow files that the branch's last run has found take no such values."""
    branch = wanted.branch or repository.default_branch
    event = cron_event(name="", branch=branch, params=wanted.params, default_branch="")
    check_params(connection, declared.run_at_tip(connection, repository.id, branch), event)


def remove_schedule(owner: str, name: str, schedule: Name, context: Serving) -> Response:
    """Forget a schedule; its runs stay."""
    with context.database.write() as connection:
        schedules.remove(connection, repositories.named(connection, owner, name), schedule)
    return Response(status_code=204)


def run_schedule(owner: str, name: str, schedule: Name, caller: Caller, context: Serving) -> models.RunSummary:
    """Run a schedule now, in the caller's name. Its next time stays."""
    with context.database.write() as connection:
        stored = schedules.named(connection, repositories.named(connection, owner, name), schedule)
        run = schedules.run_now(connection, stored, the_time(), by=caller.name)
    context.announce()
    return summary_of(context, run.id)


def _wanted(fields: dict[str, Any]) -> Wanted:
    is_enabled = fields.pop("enabled")
    return Wanted(**fields, state=ScheduleState.ENABLED if is_enabled else ScheduleState.DISABLED)


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {
        "cron": wanted.cron,
        "time_zone": wanted.time_zone,
        "branch": wanted.branch,
        "params": dict(wanted.params),
        "enabled": wanted.state is ScheduleState.ENABLED,
    }


def _described(context: Context, schedule: Schedule) -> models.Schedule:
    return models.Schedule(
        name=schedule.name,
        **_fields(schedule.wanted),
        trouble=schedule.trouble,
        next_times=[as_text(moment) for moment in schedule.next_times()],
        last_at=_text(schedule.last_at),
        last_run=_last_run(context, schedule),
        created_at=schedule.created_at,
    )


def _last_run(context: Context, schedule: Schedule) -> models.LastRun | None:
    if schedule.last_run_id is None or schedule.last_number is None or schedule.last_status is None:
        return None
    return models.LastRun(
        id=schedule.last_run_id,
        number=schedule.last_number,
        status=schedule.last_status,
        url=context.run_url(schedule.repository, schedule.last_number),
    )


def _text(moment: datetime | None) -> str | None:
    return as_text(moment) if moment else None
