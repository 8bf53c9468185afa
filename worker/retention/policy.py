"""Policy: how long things are kept, as the server's setting and a repository's own say it."""

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Self

from worker.errors import Malformed

FOREVER = 0
_FORM = "RULE=VALUE …, such as runs=365d runs_per_branch=100 logs=30d files=20GiB"
_KEYS = {
    "runs": "runs_days",
    "runs_per_branch": "runs_per_branch",
    "runs_count": "runs_count",
    "logs": "logs_days",
    "artifacts": "artifacts_days",
    "deliveries": "deliveries_days",
    "deliveries_count": "deliveries_count",
    "deliveries_size": "deliveries_bytes",
    "files": "files_bytes",
}
_SIZES = ("files", "deliveries_size")
_COUNTS = ("runs_per_branch", "runs_count", "deliveries_count")
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"(\d{1,9})([kmgt]?)(?:i?b)?", re.IGNORECASE)
_LARGEST = 2**31 - 1
_LONGEST_DAYS = 36500


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is kept. None leaves it to the server's setting, 0 keeps it for ever.

    Runs are kept for `runs_days`, and the newest `runs_per_branch` of each branch and `runs_count` of the repository;
    their logs and artifacts, and what forges have delivered, for days of their own. All logs and artifacts of the
    repository together take `files_bytes`. Of deliveries the newest `deliveries_count` are kept, which together take
    `deliveries_bytes`.
    """

    runs_days: int | None = None
    runs_per_branch: int | None = None
    runs_count: int | None = None
    logs_days: int | None = None
    artifacts_days: int | None = None
    deliveries_days: int | None = None
    deliveries_count: int | None = None
    deliveries_bytes: int | None = None
    files_bytes: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """A policy from `runs=90d logs=30d files=20GiB`; `forever` keeps, `default` leaves it to the server.

        Raises Malformed, which says what was expected.
        """
        found: dict[str, int | None] = {}
        for rule in text.replace(",", " ").split():
            name, _, value = rule.partition("=")
            if name not in _KEYS or _KEYS[name] in found:
                raise Malformed(f"{rule!r} is no rule of retention: expected {_FORM}; rules are {', '.join(_KEYS)}")
            found[_KEYS[name]] = _number(name, value)
        return cls(**found)

    def over(self, other: "Policy") -> "Policy":
        """This one, and the other for what it leaves open."""
        own = {field: value for field, value in asdict(self).items() if value is not None}
        return replace(other, **own)

    def without(self, rules: Collection[str]) -> "Policy":
        """This one, which leaves these rules open."""
        return replace(self, **dict.fromkeys((_KEYS[rule] for rule in rules), None))

    def __bool__(self) -> bool:
        """True if something has to go by it, some time."""
        return any(asdict(self).values())

    def __str__(self) -> str:
        """The text that `parse` reads; `""` if it says nothing."""
        values = asdict(self)
        return " ".join(
            f"{name}={_text(name, values[field])}" for name, field in _KEYS.items() if values[field] is not None
        )


def _number(name: str, value: str) -> int | None:
    if value in ("forever", "default"):
        return FOREVER if value == "forever" else None
    size = _SIZE.fullmatch(value)
    if name in _SIZES:
        number = int(size[1]) * _UNITS[size[2].lower()] if size else 0
        expected, largest = "a size such as 20GiB", 2**62
    elif name in _COUNTS:
        number, expected, largest = _plain(value), "a number such as 100", _LARGEST
    else:
        number, expected, largest = _plain(value[:-1]) if value.endswith("d") else 0, "days such as 90d", _LONGEST_DAYS
    if not 0 < number <= largest:
        raise Malformed(f"{name} is {value!r}: expected {expected}, forever or default")
    return number


def _plain(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _text(name: str, number: int) -> str:
    if number == FOREVER:
        return "forever"
    if name in _SIZES:
        unit = next(unit for unit in "tgmk" if number % _UNITS[unit] == 0) if number % 1024 == 0 else ""
        return f"{number // _UNITS[unit]}{unit.upper()}{'iB' if unit else 'B'}"
    return f"{number}" if name in _COUNTS else f"{number}d"
