"""When a cron expression comes in a time zone, where clocks are changed above all; held to a slow and obvious model."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import Malformed
from worker.schedules.cron import Cron, parse
from worker.schedules.moments import next_moment, next_moments, time_zone

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def in_zone(expression: str, zone: tzinfo, start: str, count: int = 3) -> list[str]:
    """The next moments as clocks there show them, with their distance from UTC."""
    after = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    moments = next_moments(parse(expression), zone, after, count=count)
    return [moment.astimezone(zone).strftime("%d %H:%M%z") for moment in moments]


def test_time_of_day_stays_when_clocks_change() -> None:
    assert in_zone("0 8 * * *", BERLIN, "2026-03-28 00:00") == ["28 08:00+0100", "29 08:00+0200", "30 08:00+0200"]


def test_time_that_does_not_exist_comes_once_when_the_clock_is_changed() -> None:
    assert in_zone("30 2 * * *", BERLIN, "2026-03-28 12:00") == ["29 03:00+0200", "30 02:30+0200", "31 02:30+0200"]
    assert in_zone("*/15 2 * * *", BERLIN, "2026-03-29 00:00", 2) == ["29 03:00+0200", "30 02:00+0200"]
    assert in_zone("30 2,3 * * *", BERLIN, "2026-03-29 00:00", 2) == ["29 03:00+0200", "29 03:30+0200"]
    assert in_zone("0 2,3 * * *", BERLIN, "2026-03-29 00:00", 2) == ["29 03:00+0200", "30 02:00+0200"]


def test_time_that_comes_twice_counts_once() -> None:
    assert in_zone("30 2 * * *", BERLIN, "2026-10-24 12:00") == ["25 02:30+0200", "26 02:30+0100", "27 02:30+0100"]
    assert in_zone("*/30 2 * * *", BERLIN, "2026-10-25 00:00") == ["25 02:00+0200", "25 02:30+0200", "26 02:00+0100"]


def test_what_comes_every_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    assert in_zone("0 * * * *", BERLIN, "2026-10-25 01:30") == ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]


def test_midnight_that_does_not_exist_comes_with_the_change() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # whose clocks go from 00:00 to 01:00
    assert in_zone("@daily", cairo, "2026-04-23 12:00", 2) == ["24 01:00+0300", "25 00:00+0300"]


def test_day_that_does_not_exist_comes_with_the_change() -> None:
    apia = ZoneInfo("Pacific/Apia")  # which went from the 29th to the 31st of December 2011
    assert in_zone("0 12 * * *", apia, "2011-12-29 11:00") == ["29 12:00-1000", "31 00:00+1400", "31 12:00+1400"]


def test_leap_day_is_found_across_a_century_without_one() -> None:
    [moment] = next_moments(parse("0 0 29 2 *"), UTC, datetime(2096, 3, 1, tzinfo=UTC), count=1)
    assert moment == datetime(2104, 2, 29, tzinfo=UTC)


def test_rare_day_is_found_years_ahead() -> None:
    """Of the days of February's end, the first that falls on a weekend."""
    assert next_moment(parse("0 0 29 2 */6"), UTC, datetime(2026, 1, 1, tzinfo=UTC)).year == 2032


@pytest.mark.parametrize(
    "name", ["Europe/Berln", "", "../../etc/passwd", "Europe", "a\0b", "/etc/localtime", "x" * 999]
)
def test_unknown_time_zone_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(Malformed) as refused:
        time_zone(name)
    assert "no time zone that this server knows" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_misspelt_time_zone_is_suggested() -> None:
    with pytest.raises(Malformed, match="did you mean Europe/Berlin"):
        time_zone("Europe/Berln")


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "UTC")
# Days around which clocks were changed in one of them.
STARTS = st.sampled_from(["2026-03-07", "2026-03-28", "2026-04-04", "2026-04-23", "2026-10-03", "2026-10-24",
                          "2026-10-29", "2026-10-31", "2026-12-31", "2028-02-28"])  # fmt: skip


@st.composite
def fields(draw: st.DrawFn, least: int, greatest: int) -> str:
    numbers = st.integers(least, greatest)
    form = draw(st.sampled_from(["*", "one", "list", "range", "step"]))
    if form == "range":
        first, last = sorted((draw(numbers), draw(numbers)))
        return f"{first}-{last}"
    if form == "step":
        return f"*/{draw(st.integers(1, greatest - least - 1))}"
    chosen = draw(st.lists(numbers, min_size=1, max_size=1 if form == "one" else 3))
    return "*" if form == "*" else ",".join(map(str, chosen))


expressions = st.tuples(fields(0, 59), fields(0, 23), st.just("*"), st.just("*"), st.just("*") | fields(0, 6))


def obvious_moments(cron: Cron, zone: tzinfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """Look at the clock every minute."""
    moment = after.replace(second=0, microsecond=0)
    while moment <= until:
        if moment > after and _comes_now(cron, zone, moment):
            yield moment
        moment += MINUTE


def _comes_now(cron: Cron, zone: tzinfo, moment: datetime) -> bool:
    shown, before = moment.astimezone(zone), (moment - MINUTE).astimezone(zone)
    walls = [shown.replace(tzinfo=None)] if shown.fold == 0 or len(cron.hours) == 24 else []
    skipped = before.replace(tzinfo=None) + MINUTE
    while skipped < shown.replace(tzinfo=None):
        walls.append(skipped)
        skipped += MINUTE
    return any(cron.is_on(wall) and wall.hour in cron.hours and wall.minute in cron.minutes for wall in walls)


@settings(max_examples=60, deadline=None)
@given(fields=expressions, zone=st.sampled_from(ZONES), day=STARTS, minutes=st.integers(0, 1440))
def test_moments_are_those_of_a_clock_that_is_looked_at_every_minute(
    fields: tuple[str, ...], zone: str, day: str, minutes: int
) -> None:
    cron, place = parse(" ".join(fields)), time_zone(zone)
    after = datetime.fromisoformat(day).replace(tzinfo=UTC) + minutes * MINUTE
    until = after + timedelta(hours=36)
    expected = list(obvious_moments(cron, place, after, until))
    found = next_moments(cron, place, after, count=len(expected) + 1)
    assert found[:-1] == expected
    assert found[-1] > until
