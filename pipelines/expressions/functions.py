"""The functions that an expression may call, each with what it takes."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.nodes import Value


@dataclass(frozen=True, slots=True)
class Function:
    """A function of values. `gives` is the kind of its result, `""` if that depends on the arguments."""

    call: Callable[..., Value]
    counts: tuple[int, ...]
    gives: str = ""


def _length(value: Value) -> Value:
    if isinstance(value, str | list | dict):
        return len(value)
    raise ExpressionError(f"asks for the length of {kind(value)}", "give `len` text, a list or a map")


def _from_json(value: Value) -> Value:
    try:
        decoded: Value = msgspec.json.decode(_text("fromJSON", value))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ExpressionError("gives `fromJSON` a text that isn't JSON") from error
    return decoded


def _split(value: Value, separator: Value) -> Value:
    by = _text("split", separator)
    return list(_text("split", value).split(by) if by else _text("split", value))


def _number(value: Value, make: Callable[[str], int | float]) -> Value:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return make(str(value)) if make is float else int(value)
    try:
        return make(_text("int", value)[:40])
    except ValueError as error:
        raise ExpressionError(f"asks for the number in a text that is none: {str(value)[:40]!r}") from error


def _text(function: str, value: Value) -> str:
    if isinstance(value, str):
        return value
    raise ExpressionError(f"gives `{function}` {kind(value)}, and it takes text")


def kind(value: Value) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nil"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a map"


FUNCTIONS = {
    "len": Function(_length, (1,), "a number"),
    "fromJSON": Function(_from_json, (1,)),
    "lower": Function(lambda value: _text("lower", value).lower(), (1,), "text"),
    "upper": Function(lambda value: _text("upper", value).upper(), (1,), "text"),
    "trim": Function(lambda value: _text("trim", value).strip(), (1,), "text"),
    "split": Function(_split, (2,), "a list"),
    "int": Function(lambda value: _number(value, int), (1,), "a number"),
    "float": Function(lambda value: _number(value, float), (1,), "a number"),
    "hasPrefix": Function(lambda a, b: _text("hasPrefix", a).startswith(_text("hasPrefix", b)), (2,), "true or false"),
    "hasSuffix": Function(lambda a, b: _text("hasSuffix", a).endswith(_text("hasSuffix", b)), (2,), "true or false"),
}

PREDICATES = {
    "all": "true or false",
    "any": "true or false",
    "none": "true or false",
    "one": "true or false",
    "count": "a number",
    "filter": "a list",
    "map": "a list",
}
"""The functions that take a list and a predicate over its items, with the kind of their result."""
