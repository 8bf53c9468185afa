"""Cron expressions: five fields, or a name such as `@daily`, as a set of dates and a set of times of day. Pure.

DESIGN. The rules are those of the cron that everybody's crontab was written for: day of month and day of week are both
asked where one of them begins with `*`, else either is enough. What that cron takes in silence and nobody means (a
range that runs backwards, a step past the field's end, a date that never comes) is an error that says so.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from worker.errors import Malformed

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d{1,4}))?", re.ASCII)
_LONGEST = 200
_LEAP_YEAR = 2000
_SUNDAY_AT_THE_END = 7


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: what it is called, its least and greatest number, and the names that stand for numbers."""

    name: str
    least: int
    greatest: int
    names: Mapping[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field("day of week", 0, _SUNDAY_AT_THE_END, {name: number for number, name in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """When something happens. Days of the week count from 0, Sunday; `needs_both_days` is how the two fields join."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    needs_both_days: bool

    @property
    def is_every_hour(self) -> bool:
        """True if it says nothing about the hour: it is about how much time passes, not about what a clock shows."""
        return len(self.hours) == _FIELDS[1].greatest + 1

    def is_on(self, day: date) -> bool:
        """True if it happens on this date, at whatever time."""
        if day.month not in self.months:
            return False
        checks = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return all(checks) if self.needs_both_days else any(checks)

    def times(self) -> Iterator[tuple[int, int]]:
        """The hours and minutes of a day on which it happens, in order."""
        return ((hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))


def parse(text: str) -> Cron:
    """The cron expression that a person wrote. Raises Malformed with one line that says what is wrong, and where."""
    expression = _NAMED.get(text.strip().lower(), text)
    parts = expression[:_LONGEST].split()
    if expression.strip().startswith("@"):
        raise Malformed(f"cron {_shown(text)} is unknown: there are {', '.join(_NAMED)}")
    if len(parts) != len(_FIELDS) or len(expression) > _LONGEST:
        fields = ", ".join(field.name for field in _FIELDS)
        raise Malformed(f"cron {_shown(text)} has {len(parts)} fields: expected {len(_FIELDS)} ({fields}) or @daily")
    minutes, hours, days, months, weekdays = (_numbers(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    cron = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        needs_both_days=parts[2].startswith("*") or parts[4].startswith("*"),
    )
    _check_that_it_comes(cron, text)
    return cron


def _numbers(text: str, field: _Field) -> frozenset[int]:
    """What a field allows: `*`, `5`, `1-5`, `*/10`, `10-50/5`, `5/15` (to the end), or several of these with commas."""
    return frozenset(number for part in text.split(",") for number in _range(part, field))


def _range(part: str, field: _Field) -> range:
    found = _PART.fullmatch(part)
    if not found or (found["first"] == "*" and found["last"]):
        raise Malformed(f"cron: {_shown(part)} is no {field.name}: expected {_expected(field)}")
    least, last = _ends(found["first"], found["last"], found["step"], field)
    step = int(found["step"] or 1)
    if not 0 < step <= max(1, last - least):
        raise Malformed(f"cron: {_shown(part)} in {field.name} has the step {step}, which leads nowhere")
    return range(least, last + 1, step)


def _ends(first: str, last: str | None, step: str | None, field: _Field) -> tuple[int, int]:
    highest = 6 if field.names.get("sun") == 0 else field.greatest
    if first == "*":
        return field.least, highest
    begin = _number(first, field)
    if last is None:
        return begin, highest if step and begin < highest else begin
    end = _number(last, field)
    if end == 0 and field.greatest == _SUNDAY_AT_THE_END:
        end = _SUNDAY_AT_THE_END
    if end < begin:
        raise Malformed(
            f"cron: {first}-{last} in {field.name} runs backwards: write {first}-{highest},{field.least}-{last}"
        )
    return begin, end


def _number(text: str, field: _Field) -> int:
    number = field.names.get(text.lower(), int(text) if text.isdecimal() and len(text) < 4 else -1)
    if not field.least <= number <= field.greatest:
        raise Malformed(f"cron: {_shown(text)} is no {field.name}: expected {_expected(field)}")
    return number


def _expected(field: _Field) -> str:
    names = f", or {', '.join(field.names)}" if field.names else ""
    return f"{field.least} to {field.greatest}{names}; with ranges, lists and steps, or *"


def _check_that_it_comes(cron: Cron, text: str) -> None:
    """In some year: `0 0 30 2 *` never does."""
    if not cron.needs_both_days:
        return  # a day of the week always comes
    longest = max(monthrange(_LEAP_YEAR, month)[1] for month in cron.months)
    if min(cron.days) > longest:
        raise Malformed(f"cron {_shown(text)} never comes: no such month has a day {min(cron.days)}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
