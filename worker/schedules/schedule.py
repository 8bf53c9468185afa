"""A schedule: what is to run at which times, as it is stored and as it is wanted. Pure.

DESIGN. `next_at` is the promise: it is worked out when a run is made or the schedule is changed, and stands until it is
kept. So whatever the clock does meanwhile, nothing comes twice; what a server that was down has missed comes once, as
soon as it looks; and a clock that is set back waits for the next promise instead of repeating. Only one that was wrong
by more than a day would make schedules wait for a time that never was meant: they are counted anew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from pipelines.status import Status
from worker.errors import Malformed
from worker.schedules.cron import Cron, parse
from worker.schedules.moments import next_moment, next_moments, time_zone
from worker.starting import checked_branch, checked_params

NAME_PATTERN = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
SHOWN_AHEAD = 3
_LONGEST_CLOCK_CHANGE = timedelta(days=1)


class ScheduleState(StrEnum):
    """Whether a schedule's time means anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants a schedule to be. `branch` is `""` for the default one."""

    cron: str
    time_zone: str = "UTC"
    branch: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    state: ScheduleState = ScheduleState.ENABLED

    def checked(self) -> "Wanted":
        """Itself. Raises Malformed, with one line about the first thing that is wrong."""
        _when(self.cron, self.time_zone)
        checked_branch(self.branch)
        checked_params(self.params)
        return self

    def next_after(self, moment: datetime) -> datetime:
        """The first time after this moment. Raises Malformed."""
        return next_moment(*_when(self.cron, self.time_zone), moment)

    def next_times(self, first: datetime) -> list[datetime]:
        """The next times, of which this is the first. Raises Malformed."""
        return [first, *next_moments(*_when(self.cron, self.time_zone), first, count=SHOWN_AHEAD - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule of a repository. `next_at` was worked out at `promised_at`. `last_at` is when its last run was made,
    the rest of `last_…` is about that run.

    `trouble` says why the server disabled it by itself, or is `""`.
    """

    id: int
    repository_id: int
    repository: str
    name: str
    wanted: Wanted
    trouble: str
    next_at: datetime
    promised_at: datetime
    last_at: datetime | None
    last_run_id: str | None
    last_number: int | None
    last_status: Status | None
    created_at: str

    @property
    def is_enabled(self) -> bool:
        """True if it is to run when its time comes."""
        return self.wanted.state is ScheduleState.ENABLED

    def next_times(self) -> list[datetime]:
        """When it comes next; never, while it is disabled or can't be understood any more."""
        try:
            return self.wanted.next_times(self.next_at) if self.is_enabled else []
        except Malformed:
            return []

    def was_promised_in_a_future(self, now: datetime) -> bool:
        """True if the clock must have been wrong when its next time was worked out."""
        return self.promised_at > now + _LONGEST_CLOCK_CHANGE


def checked_schedule_name(text: str) -> str:
    """A schedule's name, which `when: cron` looks at. Raises Malformed."""
    if not re.fullmatch(NAME_PATTERN, text):
        raise Malformed(f"{text[:80]!r} can't be a schedule's name: expected letters, digits, '_', '.' and '-'")
    return text


def as_text(moment: datetime) -> str:
    """A moment in the form that the database and the API have: RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _when(cron: str, zone: str) -> tuple[Cron, tzinfo]:
    return parse(cron), time_zone(zone)
