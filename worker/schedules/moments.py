"""Moments: when, on the time line that all clocks share, a cron expression means in a time zone. Pure.

DESIGN. Clocks that are changed skip some times of day and show others twice. A time that is skipped counts at the
moment of the change, and all that are skipped then count once together. A time that comes twice counts the first
time. So something nightly happens once a night. Where the expression allows every hour it is about time that passes:
it goes on through the hour that comes twice, as cron does, rather than to pause for it.
"""

import difflib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from worker.errors import Malformed
from worker.schedules.cron import Cron

_DAY = timedelta(days=1)
_LONGEST_OVERLAP = timedelta(hours=3)  # by how much a clock is set back at most
_LONGEST_SEARCH = timedelta(days=366 * 50)


def time_zone(name: str) -> tzinfo:
    """The time zone of this name, such as `Europe/Berlin`. Raises Malformed."""
    if name == "UTC":
        return UTC  # needs no data about zones
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        close = difflib.get_close_matches(name[:60], available_timezones(), n=1)
        hint = f"did you mean {close[0]}?" if close else "expected a name such as UTC or Europe/Berlin"
        raise Malformed(f"{name[:60]!r} is no time zone that this server knows: {hint}") from error


def next_moment(cron: Cron, zone: tzinfo, after: datetime) -> datetime:
    """The first moment after this one. Both are in UTC. Raises Malformed if none comes within 50 years."""
    local = after.astimezone(zone).replace(tzinfo=None, fold=0)
    for wall in _wall_times(cron, _floor(local)):
        if (moment := _first_moment(wall, zone)) > after:
            return min([moment, *_second_moments(cron, zone, local, wall, after)])
    raise Malformed("the cron expression's next time is more than 50 years away")


def next_moments(cron: Cron, zone: tzinfo, after: datetime, *, count: int) -> list[datetime]:
    """The first so many moments after this one."""
    return list(islice(_moments(cron, zone, after), count))


def _moments(cron: Cron, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    while True:
        after = next_moment(cron, zone, after)
        yield after


def _wall_times(cron: Cron, since: datetime) -> Iterator[datetime]:
    """What a clock on the wall shows then, in order. A clock that nobody changes, so no time is skipped."""
    for day in _days(cron, since.date()):
        for hour, minute in cron.times():
            wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 -- the zone is the caller's
            if wall >= since:
                yield wall


def _days(cron: Cron, since: date) -> Iterator[date]:
    for distance in range(_LONGEST_SEARCH.days):
        day = since + distance * _DAY
        if cron.is_on(day):
            yield day


def _first_moment(wall: datetime, zone: tzinfo) -> datetime:
    """When the clock shows this for the first time; if it skips it, when it is changed."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return moment
    return _change_between(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def _change_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The moment at which the clock is changed, to the second. It is, between these two."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _second_moments(cron: Cron, zone: tzinfo, local: datetime, wall: datetime, after: datetime) -> Iterator[datetime]:
    """When the clock shows a time again, after it was set back, if that counts."""
    if not cron.is_every_hour:
        return
    for again in _wall_times(cron, _floor(local - _LONGEST_OVERLAP)):
        if again > wall:
            return
        moment = again.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if moment > after and moment != _first_moment(again, zone) and _shows(moment, zone, again):
            yield moment


def _shows(moment: datetime, zone: tzinfo, wall: datetime) -> bool:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
