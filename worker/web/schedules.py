"""The schedules of a repository, on a page: what they are, when they come, how they went, and forms to change them."""

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import HTMLResponse, RedirectResponse, Response

from worker.access.guard import Caller
from worker.access.identity import Scope
from worker.api.schedules import check_inputs
from worker.context import Serving, path, repository_path, run_path
from worker.errors import NotFound
from worker.schedules.moments import time_zone
from worker.schedules.schedule import Schedule, ScheduleState, Wanted, checked_schedule_name
from worker.schedules.scheduler import the_time
from worker.store import repositories, schedules
from worker.web.forms import Form, lines_of_params
from worker.web.pages import render
from worker.web.views import StatusView, status_view

_STATES = {"enable": ScheduleState.ENABLED, "disable": ScheduleState.DISABLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule's line. `next_times` are as the clocks of its zone show them; `path` is where its forms go to."""

    name: str
    cron: str
    zone: str
    branch: str
    params: tuple[str, ...]
    is_enabled: bool
    trouble: str
    next_times: tuple[str, ...]
    last_number: int | None
    last_path: str
    last_status: StatusView | None
    path: str


def show_schedules(owner: str, name: str, caller: Caller, context: Serving) -> HTMLResponse:
    """All schedules of a repository."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        stored = schedules.of_repository(connection, repository)
    place = page_path(repository.full_name)
    return render(
        "schedules.html",
        caller=caller,
        repository=repository.full_name,
        repository_path=repository_path(repository.full_name),
        place=place,
        schedules=[schedule_view(schedule, place) for schedule in stored],
        may_change=caller.scope.includes(Scope.ADMIN),
    )


def add_schedule(owner: str, name: str, form: Form, context: Serving) -> Response:
    """Add a schedule as its form says."""
    wanted = Wanted(
        cron=form.get("cron", ""),
        time_zone=form.get("time_zone", "").strip() or "UTC",
        branch=form.get("branch", "").strip(),
        params=lines_of_params(form.get("others", "")),
    )
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        check_inputs(connection, repository, wanted)
        schedules.add(connection, repository, checked_schedule_name(form.get("name", "")), wanted, the_time())
    return _back(repository.full_name)


def change_schedule(owner: str, name: str, schedule: str, action: str, context: Serving) -> Response:
    """Enable, disable or remove a schedule."""
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        known = schedules.named(connection, repository, schedule)
        if action == "remove":
            schedules.remove(connection, repository, schedule)
        elif action in _STATES:
            schedules.change(connection, repository, schedule, _switched(known, action), the_time())
        else:
            raise NotFound(f"there is nothing to do with a schedule that is called {action[:40]!r}")
    return _back(repository.full_name)


def run_schedule(owner: str, name: str, schedule: str, caller: Caller, context: Serving) -> Response:
    """Run a schedule now, and show the run."""
    with context.database.write() as connection:
        known = schedules.named(connection, repositories.named(connection, owner, name), schedule)
        run = schedules.run_now(connection, known, the_time(), by=caller.name)
    context.announce()
    return RedirectResponse(run_path(known.repository, run.number), status_code=303)


def page_path(repository: str) -> str:
    """The path of the page; `repository` is `owner/name`."""
    return repository_path(repository) + path("-", "schedules")


def schedule_view(schedule: Schedule, place: str) -> ScheduleView:
    """A schedule as its page shows it."""
    wanted = schedule.wanted
    return ScheduleView(
        name=schedule.name,
        cron=wanted.cron,
        zone=wanted.time_zone,
        branch=wanted.branch,
        params=tuple(f"{name}={value}" for name, value in wanted.params.items()),
        is_enabled=schedule.is_enabled,
        trouble=schedule.trouble,
        next_times=tuple(_shown(moment, wanted.time_zone) for moment in schedule.next_times()),
        last_number=schedule.last_number,
        last_path=run_path(schedule.repository, schedule.last_number) if schedule.last_number else "",
        last_status=status_view(schedule.last_status) if schedule.last_status else None,
        path=place + path(schedule.name),
    )


def _switched(schedule: Schedule, action: str) -> Wanted:
    return replace(schedule.wanted, state=_STATES[action])


def _shown(moment: datetime, zone: str) -> str:
    return moment.astimezone(time_zone(zone)).strftime("%a %d %b %H:%M %Z")


def _back(repository: str) -> Response:
    return RedirectResponse(page_path(repository), status_code=303)
