"""Forms: what shape a value may have, in words for messages, as JSON Schema, and as the function that reads it.

A reader returns None when there is nothing to return, and has then reported why. Before `${NAME}` is put in, a value
that holds one is nobody's mistake yet: readers that want more than text let it pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.nodes import List, Map, Scalar, is_null
from pipelines.places import Place

T = TypeVar("T")
S = TypeVar("S")

Schema = Mapping[str, object]
"""A JSON Schema, in which `Keys` may stand for the schema of a map with these keys."""

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """One shape of value. `expects` completes "must be …"."""

    expects: str
    read: Callable[[Place], T | None]
    schema: Schema


def _text(place: Place) -> str | None:
    if isinstance(place.node, Scalar) and not place.node.is_null:
        return place.node.text
    place.expected("text")
    return None


def _flag(place: Place) -> bool | None:
    flag = _FLAGS.get(place.node.text.lower()) if isinstance(place.node, Scalar) else None
    if flag is None and not place.is_open:
        place.expected("true or false")
    return flag


def _ignored(_: Place) -> None:
    return None


TEXT = Form("text", _text, {"type": ["string", "number", "boolean"]})
FLAG = Form("true or false", _flag, {"enum": [True, False, "true", "false", "yes", "no", "on", "off"]})
ANYTHING: Form[None] = Form("anything", _ignored, {})


def choice(*names: str) -> Form[str]:
    """One of these words."""
    expects = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def read(place: Place) -> str | None:
        if isinstance(place.node, Scalar) and place.node.text in names:
            return place.node.text
        if not place.is_open:
            found = place.node.text if isinstance(place.node, Scalar) else ""
            place.expected(expects, hint=place.report.nearest(found, names))
        return None

    return Form(expects, read, {"enum": list(names)})


def one_or_many(form: Form[T]) -> Form[tuple[T, ...]]:
    """One value, or a list of them."""

    def read(place: Place) -> tuple[T, ...]:
        values = (form.read(item) for item in place.items())
        return tuple(value for value in values if value is not None)

    schema = {"anyOf": [form.schema, {"type": "array", "items": form.schema}]}
    return Form(f"{form.expects} or a list of that", read, schema)


def many(form: Form[T]) -> Form[tuple[T, ...]]:
    """A list of values."""

    def read(place: Place) -> tuple[T, ...] | None:
        if isinstance(place.node, List):
            return one_or_many(form).read(place)
        place.expected(f"a list of {form.expects}")
        return None

    return Form(f"a list of {form.expects}", read, {"type": "array", "items": form.schema})


def map_of(form: Form[T]) -> Form[dict[str, T]]:
    """A map from names to such values. Values that are null are left out."""
    expects = f"a map from names to {form.expects}"

    def read(place: Place) -> dict[str, T] | None:
        if not isinstance(place.node, Map):
            place.expected(expects)
            return None
        values = {}
        for entry in place.node.entries:
            name = entry.key.text
            value = None if is_null(entry.value) else form.read(place.below(name, entry.value))
            if value is not None:
                values[name] = value
        return values

    return Form(expects, read, {"type": "object", "additionalProperties": form.schema})


def either(expects: str, pick: Callable[[Place], Form[T]], *forms: Form[T]) -> Form[T]:
    """One of these forms; `pick` says from the value's looks which one it means to be."""
    return Form(expects, lambda place: pick(place).read(place), {"anyOf": [form.schema for form in forms]})


def map_or(other: Form[T], whole: Form[T]) -> Form[T]:
    """The short form, or the map that says all."""
    return either(
        f"{other.expects}, or {whole.expects}",
        lambda place: whole if isinstance(place.node, Map) else other,
        other,
        whole,
    )


def mapped(form: Form[S], make: Callable[[S], T]) -> Form[T]:
    """That form, with its value made into another."""

    def read(place: Place) -> T | None:
        value = form.read(place)
        return None if value is None else make(value)

    return Form(form.expects, read, form.schema)


def checked(form: Form[T], complaint: Callable[[T], str]) -> Form[T]:
    """That form, with what `complaint` says about a value as a problem. It says `""` about a good one."""

    def read(place: Place) -> T | None:
        value = form.read(place)
        what = complaint(value) if value is not None and not place.is_open else ""
        if what:
            place.problem(f"{place.name} {what}")
            return None
        return value

    return Form(form.expects, read, form.schema)
