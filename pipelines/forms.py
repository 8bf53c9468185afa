"""Forms: what shape a value may have, in words for messages and as the function that reads it.

A reader returns None when there is nothing to return, and has then reported why.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.nodes import List, Map, Scalar
from pipelines.places import Place
from pipelines.suggestions import nearest

T = TypeVar("T")
S = TypeVar("S")

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """One shape of value. `expects` completes "must be …"."""

    expects: str
    read: Callable[[Place], T | None]


def _text(place: Place) -> str | None:
    if isinstance(place.node, Scalar) and not place.node.is_null:
        return place.node.text
    place.expected("text")
    return None


def _flag(place: Place) -> bool | None:
    flag = _FLAGS.get(place.node.text.lower()) if isinstance(place.node, Scalar) else None
    if flag is None:
        place.expected("true or false")
    return flag


def _duration(place: Place) -> float | None:
    text = place.node.text if isinstance(place.node, Scalar) else ""
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not total:
        place.expected(DURATION.expects, hint=f"write `{text}s`" if text.isdecimal() else "")
        return None
    return float(total)


def _ignored(_: Place) -> None:
    return None


TEXT = Form("text", _text)
FLAG = Form("true or false", _flag)
DURATION = Form("a time above zero such as 90s, 10m or 1h30m", _duration)
ANYTHING: Form[None] = Form("anything", _ignored)


def choice(*names: str) -> Form[str]:
    """One of these words."""
    expects = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def read(place: Place) -> str | None:
        if isinstance(place.node, Scalar) and place.node.text in names:
            return place.node.text
        found = place.node.text if isinstance(place.node, Scalar) else ""
        place.expected(expects, hint=nearest(found, names))
        return None

    return Form(expects, read)


def one_or_many(form: Form[T]) -> Form[tuple[T, ...]]:
    """One value, or a list of them."""

    def read(place: Place) -> tuple[T, ...]:
        values = (form.read(item) for item in place.items())
        return tuple(value for value in values if value is not None)

    return Form(f"{form.expects} or a list of that", read)


def many(form: Form[T]) -> Form[tuple[T, ...]]:
    """A list of values."""

    def read(place: Place) -> tuple[T, ...] | None:
        if isinstance(place.node, List):
            return one_or_many(form).read(place)
        place.expected(f"a list of {form.expects}")
        return None

    return Form(f"a list of {form.expects}", read)


def map_of(form: Form[T]) -> Form[dict[str, T]]:
    """A map from names to such values. Values that are null are left out."""
    expects = f"a map from names to {form.expects}"

    def read(place: Place) -> dict[str, T] | None:
        if not isinstance(place.node, Map):
            place.expected(expects)
            return None
        values = {}
        for entry in place.entries():
            is_null = isinstance(entry.value.node, Scalar) and entry.value.node.is_null
            value = None if is_null else form.read(entry.value)
            if value is not None:
                values[entry.name] = value
        return values

    return Form(expects, read)


def mapped(form: Form[S], make: Callable[[S], T]) -> Form[T]:
    """That form, with its value made into another."""

    def read(place: Place) -> T | None:
        value = form.read(place)
        return None if value is None else make(value)

    return Form(form.expects, read)


def checked(form: Form[T], complaint: Callable[[T], str]) -> Form[T]:
    """That form, with what `complaint` says about a value as a problem. It says `""` about a good one."""

    def read(place: Place) -> T | None:
        value = form.read(place)
        what = complaint(value) if value is not None else ""
        if what:
            place.problem(f"{place.name} {what}")
            return None
        return value

    return Form(form.expects, read)
