"""Schedules keep their times: each makes one run, whatever the clock does, who looks at it, and how long nobody did."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from pipelines.event import EventKind
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.errors import Conflict, Malformed, NotFound
from worker.schedules.schedule import Schedule, ScheduleState, Wanted
from worker.schedules.scheduler import Scheduler, keep_times
from worker.store import queries, repositories, schedules
from worker.store.database import Database
from worker.store.repositories import StoredRepository
from worker.store.tables import runs
from worker.store.tables import schedules as table

pytestmark = pytest.mark.usefixtures("acme_web")

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Wanted(cron="0 * * * *")


@pytest.fixture
def repository(database: Database) -> StoredRepository:
    with database.read() as connection:
        return repositories.named(connection, "acme", "web")


def add(database: Database, repository: StoredRepository, wanted: Wanted = HOURLY, now: datetime = NOON) -> Schedule:
    with database.write() as connection:
        return schedules.add(connection, repository, "nightly", wanted, now)


def shown(database: Database, repository: StoredRepository) -> Schedule:
    with database.read() as connection:
        return schedules.named(connection, repository, "nightly")


def count(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(runs.c.id)).all())


def test_time_that_has_come_makes_one_run(database: Database, repository: StoredRepository) -> None:
    add(database, repository, Wanted(cron="0 * * * *", branch="dev", params={"DRY": "true"}))
    assert keep_times(database, NOON + HOUR - timedelta(seconds=1)) == 0
    assert keep_times(database, NOON + HOUR) == 1
    assert keep_times(database, NOON + HOUR) == 0
    with database.read() as connection:
        [run] = queries.runs_of(connection, repository.id, limit=9)
    event = run.event
    assert (event.kind, event.cron, event.ref, event.branch) == (EventKind.CRON, "nightly", "refs/heads/dev", "dev")
    assert (event.params, event.sha) == ({"DRY": "true"}, "")
    schedule = shown(database, repository)
    assert (schedule.last_run_id, schedule.last_number, schedule.last_status) == (run.id, 1, run.status)
    assert schedule.next_times() == [NOON + hours * HOUR for hours in (2, 3, 4)]


def test_what_was_missed_while_no_server_ran_comes_once(database: Database, repository: StoredRepository) -> None:
    add(database, repository)
    assert keep_times(database, NOON + 10.5 * HOUR) == 1
    assert keep_times(database, NOON + 10.6 * HOUR) == 0
    assert shown(database, repository).next_at == NOON + 11 * HOUR


def test_clock_that_is_set_back_makes_nothing_come_twice(database: Database, repository: StoredRepository) -> None:
    add(database, repository)
    assert keep_times(database, NOON + 2.5 * HOUR) == 1
    for minutes in range(30, 180, 10):
        assert keep_times(database, NOON + minutes * HOUR / 60) == 0, "it has come before"
    assert keep_times(database, NOON + 3 * HOUR) == 1


def test_clock_that_is_set_forward_makes_what_was_skipped_come_once(
    database: Database, repository: StoredRepository
) -> None:
    add(database, repository)
    assert keep_times(database, NOON + HOUR) == 1
    assert keep_times(database, NOON + 3.5 * HOUR) == 1
    assert keep_times(database, NOON + 4 * HOUR) == 1


def test_clock_that_was_wrong_by_years_stops_nothing_for_years(
    database: Database, repository: StoredRepository
) -> None:
    add(database, repository)
    assert keep_times(database, NOON + timedelta(days=3650)) == 1
    assert keep_times(database, NOON + HOUR) == 0
    assert shown(database, repository).next_at == NOON + 2 * HOUR
    assert keep_times(database, NOON + 2 * HOUR) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=st.lists(st.integers(0, 24 * 60), min_size=1, max_size=8))
def test_however_the_clock_jumps_what_is_promised_only_moves_on(
    database: Database, repository: StoredRepository, looks: list[int]
) -> None:
    """Each promise is kept once at the most: it makes one run and gives way to a later one, or it stands."""
    with database.write() as connection:
        connection.execute(table.delete())
    promised = add(database, repository).next_at
    for minutes in looks:
        now = NOON + timedelta(minutes=minutes)
        made = keep_times(database, now)
        following = shown(database, repository).next_at
        assert made == (promised <= now)
        assert following == (HOURLY.next_after(now) if made else promised)
        assert following >= promised
        promised = following


def test_many_who_look_at_once_make_one_run(
    database_url: str, database: Database, repository: StoredRepository
) -> None:
    add(database, repository)
    others = [Database(database_url) for _ in range(2)]
    start, made = threading.Barrier(8), []

    def look(mine: Database) -> None:
        start.wait()
        made.append(keep_times(mine, NOON + HOUR))

    threads = [threading.Thread(target=look, args=(others[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert (sum(made), len(made), count(database)) == (1, 8, 1)


def test_disabled_schedule_makes_nothing_and_misses_nothing(database: Database, repository: StoredRepository) -> None:
    add(database, repository)
    off = Wanted(cron="0 * * * *", state=ScheduleState.DISABLED)
    with database.write() as connection:
        assert schedules.change(connection, repository, "nightly", off, NOON).next_times() == []
    assert keep_times(database, NOON + 5 * HOUR) == 0
    with database.write() as connection:
        enabled = schedules.change(connection, repository, "nightly", HOURLY, NOON + 5.5 * HOUR)
    assert enabled.next_at == NOON + 6 * HOUR
    assert keep_times(database, NOON + 5.5 * HOUR) == 0


def test_change_that_says_nothing_of_the_time_leaves_it_as_promised(
    database: Database, repository: StoredRepository
) -> None:
    add(database, repository)
    with database.write() as connection:
        wanted = Wanted(cron="0 * * * *", branch="dev")
        changed = schedules.change(connection, repository, "nightly", wanted, NOON + 5 * HOUR)
    assert (changed.next_at, changed.wanted.branch) == (NOON + HOUR, "dev")
    with database.write() as connection:
        wanted = Wanted(cron="30 * * * *")
        changed = schedules.change(connection, repository, "nightly", wanted, NOON + 5 * HOUR)
    assert changed.next_at == NOON + 5.5 * HOUR


def test_schedule_that_can_not_be_understood_any_more_is_disabled_and_stops_no_other(
    database: Database, repository: StoredRepository
) -> None:
    """A time zone may go with an upgrade of the machine's data about them."""
    add(database, repository)
    with database.write() as connection:
        schedules.add(connection, repository, "other", HOURLY, NOON)
        connection.execute(table.update().where(table.c.name == "nightly").values(time_zone="Mars/Olympus"))
    assert keep_times(database, NOON + HOUR) == 1
    schedule = shown(database, repository)
    assert (schedule.is_enabled, schedule.next_times()) == (False, [])
    assert "'Mars/Olympus' is no time zone that this server knows" in schedule.trouble


def test_run_now_leaves_the_next_time_as_it_is(database: Database, repository: StoredRepository) -> None:
    schedule = add(database, repository)
    with database.write() as connection:
        schedules.run_now(connection, schedule, NOON, by="grace")
        [run] = queries.runs_of(connection, repository.id, limit=9)
    assert (run.event.cron, run.event.sender) == ("nightly", "grace")
    assert shown(database, repository).next_at == NOON + HOUR


def test_name_is_taken_once_and_an_unknown_one_is_said(database: Database, repository: StoredRepository) -> None:
    add(database, repository)
    with pytest.raises(Conflict, match="acme/web has a schedule nightly already"):
        add(database, repository)
    with database.write() as connection:
        schedules.remove(connection, repository, "nightly")
    with pytest.raises(NotFound, match="acme/web has no schedule nightly"):
        shown(database, repository)


def test_schedule_whose_last_run_is_gone_stays(database: Database, repository: StoredRepository) -> None:
    add(database, repository)
    keep_times(database, NOON + HOUR)
    with database.write() as connection:
        connection.execute(runs.delete())
    schedule = shown(database, repository)
    assert (schedule.last_number, schedule.last_at) == (None, NOON + HOUR)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(cron="61 * * * *"),
        Wanted(cron="@daily", time_zone="Nowhere"),
        Wanted(cron="@daily", branch="a b"),
        Wanted(cron="@daily", params={"CI_X": ""}),
    ],
)
def test_what_can_not_be_meant_is_not_stored(database: Database, repository: StoredRepository, wanted: Wanted) -> None:
    with pytest.raises(Malformed):
        add(database, repository, wanted)


@pytest.fixture
def scheduler(database: Database) -> Iterator[tuple[Scheduler, list[datetime], threading.Event]]:
    """A thread, the clock that it looks at, and whether it has told of a run."""
    clock, told = [NOON], threading.Event()
    scheduler = Scheduler(database, announce=told.set, clock=lambda: clock[0])
    yield scheduler, clock, told
    if scheduler.thread.is_alive():
        scheduler.thread.stop()


def test_thread_makes_up_for_what_was_missed_as_soon_as_it_starts_and_tells_of_it(
    database: Database, repository: StoredRepository, scheduler: tuple[Scheduler, list[datetime], threading.Event]
) -> None:
    kept, clock, told = scheduler
    add(database, repository)
    clock[0] = NOON + 3 * HOUR
    kept.thread.start()
    assert told.wait(PATIENCE_SECONDS)
    assert count(database) == 1


def test_thread_lives_on_when_a_round_of_it_breaks(
    database: Database,
    repository: StoredRepository,
    scheduler: tuple[Scheduler, list[datetime], threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, clock, told = scheduler
    add(database, repository)
    clock[0] = NOON + 3 * HOUR
    keep, broken = schedules.keep, threading.Event()

    def keep_or_break(*arguments: object) -> object:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a bug")
        return keep(*arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(schedules, "keep", keep_or_break)
    kept.thread.start()
    wait_until(told.is_set, what="the next round")
    assert (kept.thread.is_alive(), count(database)) == (True, 1)
