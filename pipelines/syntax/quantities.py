"""Quantities: whole numbers, fractions, times and sizes."""

import re
from collections.abc import Callable
from typing import TypeVar

from pipelines.nodes import Scalar
from pipelines.places import Place
from pipelines.syntax.forms import Form

T = TypeVar("T")

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
_SECONDS = (86_400, 3_600, 60, 1)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([kmgt]?)(?:i?b)?", re.IGNORECASE)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    parts = [int(part or 0) for part in match.groups()] if match else []
    return float(sum(part * seconds for part, seconds in zip(parts, _SECONDS, strict=False))) or None


def _size(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return (int(float(match[1]) * _BYTES[match[2].lower()]) or None) if match else None


def _fraction(text: str) -> float | None:
    return (float(text) or None) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else None


def _quantity(expects: str, parse: Callable[[str], T | None], schema: dict[str, object], *, unit: str = "") -> Form[T]:
    """A scalar that `parse` makes something of. `unit` is what to write behind a bare number, for the hint."""

    def read(place: Place) -> T | None:
        text = place.node.text if isinstance(place.node, Scalar) else ""
        value = parse(text)
        if value is None and not place.is_open:
            is_bare = unit and text.isdecimal() and text.strip("0")
            place.expected(expects, hint=f"write `{text}{unit}`" if is_bare else "")
        return value

    return Form(expects, read, schema)


def whole(*, lowest: int, highest: int) -> Form[int]:
    """A whole number between these two."""

    def parse(text: str) -> int | None:
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
        return number if lowest <= number <= highest else None

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    return _quantity(f"a whole number from {lowest} to {highest:,}", parse, schema)


DURATION: Form[float] = _quantity(
    "a time above zero such as 90s, 10m or 1h30m", _duration, {"type": "string", "pattern": "^[0-9dhms]+$"}, unit="s"
)
SIZE: Form[int] = _quantity("a size such as 512M or 2G", _size, {"type": ["string", "integer"]})
FRACTION: Form[float] = _quantity(
    "a number above zero such as 1.5", _fraction, {"type": "number", "exclusiveMinimum": 0}
)
