"""Cron expressions: what they allow, and one clear line about those that can't be meant."""

from datetime import date

import pytest

from worker.errors import Malformed
from worker.schedules.cron import parse

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("*", set(range(60))),
        ("5", {5}),
        ("5,7,5", {5, 7}),
        ("10-13", {10, 11, 12, 13}),
        ("*/20", {0, 20, 40}),
        ("10-30/10", {10, 20, 30}),
        ("50/5", {50, 55}),
        ("0-2,*/30", {0, 1, 2, 30}),
    ],
)
def test_field_allows_numbers_ranges_steps_and_lists(field: str, minutes: set[int]) -> None:
    assert parse(f"{field} * * * *").minutes == minutes


def test_months_and_days_of_the_week_have_names_in_any_case() -> None:
    cron = parse("0 0 * jan,MAR-may Mon-fri")
    assert cron.months == {1, 3, 4, 5}
    assert cron.weekdays == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("field", ["0", "7", "sun", "SUN"])
def test_sunday_has_three_names(field: str) -> None:
    assert parse(f"0 0 * * {field}").weekdays == {0}


def test_week_may_end_with_sunday() -> None:
    assert parse("0 0 * * fri-sun").weekdays == {5, 6, 0}
    assert parse("0 0 * * 5-7").weekdays == {5, 6, 0}


@pytest.mark.parametrize("name", NAMED)
def test_name_stands_for_an_expression(name: str) -> None:
    assert parse(name) == parse(NAMED[name]) == parse(name.upper())


def test_either_day_is_enough_if_both_are_restricted() -> None:
    cron = parse("0 0 13 * fri")
    assert cron.is_on(date(2026, 11, 13))  # a Friday, too
    assert cron.is_on(date(2026, 11, 20)), "a Friday"
    assert cron.is_on(date(2026, 12, 13)), "a Sunday, but the 13th"
    assert not cron.is_on(date(2026, 12, 14))


@pytest.mark.parametrize("expression", ["0 0 */2 * mon", "0 0 * * mon"])
def test_both_days_are_asked_if_one_begins_with_a_star(expression: str) -> None:
    mondays = {date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16), date(2026, 11, 23), date(2026, 11, 30)}
    days = {date(2026, 11, day) for day in range(1, 31) if parse(expression).is_on(date(2026, 11, day))}
    assert days == {day for day in mondays if day.day % 2 or "*/2" not in expression}


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "has 0 fields: expected 5"),
        ("* * * *", "has 4 fields: expected 5"),
        ("0 * * * * *", "has 6 fields"),
        ("60 * * * *", "'60' is no minute: expected 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 0 0 * *", "'0' is no day of month: expected 1 to 31"),
        ("0 0 * 13 *", "'13' is no month: expected 1 to 12, or jan"),
        ("0 0 * * 8", "'8' is no day of week"),
        ("0 0 * * funday", "'funday' is no day of week"),
        ("0 0 L * *", "'L' is no day of month"),
        ("0 0 ? * *", "'?' is no day of month"),
        ("0 0 * * 1#2", "'1#2' is no day of week"),
        ("*/0 * * * *", "has the step 0, which leads nowhere"),
        ("*/60 * * * *", "has the step 60, which leads nowhere"),
        ("0 22-2 * * *", "22-2 in hour runs backwards: write 22-23,0-2"),
        ("*-5 * * * *", "'*-5' is no minute"),
        ("1,,2 * * * *", "'' is no minute"),
        ("-1 * * * *", "'-1' is no minute"),
        ("٣ * * * *", "is no minute"),
        ("0 0 30 2 *", "never comes: no such month has a day 30"),
        ("0 0 31 4,6,9 *", "never comes"),
        ("@reboot", "is unknown: there are @yearly"),
        ("@every 5m", "is unknown"),
        ("* " * 500, "fields: expected 5"),
    ],
)
def test_what_nobody_means_is_refused_in_one_line(expression: str, complaint: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(expression)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_leap_day_comes() -> None:
    assert parse("0 0 29 2 *").is_on(date(2028, 2, 29))
