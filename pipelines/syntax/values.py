"""Values of `settings` and `environment`: how they become text."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from pipelines.details import SecretReference, Value
from pipelines.nodes import List, Map, Node, Scalar, entries_of, quoted
from pipelines.places import Place
from pipelines.problems import Level
from pipelines.syntax.forms import Form, map_of

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_SECRET_KEY = "from_secret"  # noqa: S105 (the name of a key, not a secret)

Piece = str | SecretReference


def _value(place: Place) -> Value | None:
    if isinstance(place.node, Scalar):
        return _scalar_text(place.node)
    return as_value(place.node) if _secrets_are_right(place) else None


def as_value(node: Node) -> Value:
    """A value as a program sees it: text where all is known, else with the secrets in their places.

    Scalars are as written, a list of scalars is joined by commas, anything else is compact JSON with sorted keys.
    """
    pieces = [piece for piece in _joined(_pieces(node)) if piece != ""]
    if not pieces:
        return ""
    return pieces[0] if len(pieces) == 1 else tuple(pieces)


def _pieces(node: Node) -> Iterator[Piece]:
    if _is_single(node):
        yield _single(node)
    elif isinstance(node, List) and all(_is_single(item) for item in node.items):
        yield from _between(",", [(_single(item),) for item in node.items])
    else:
        yield from _json(node)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces, in which neighbours that are text have become one."""
    for is_text, group in groupby(pieces, lambda piece: isinstance(piece, str)):
        if is_text:
            yield "".join(piece for piece in group if isinstance(piece, str))
        else:
            yield from group


def _between(separator: str, parts: Iterable[Iterable[Piece]]) -> Iterator[Piece]:
    for index, part in enumerate(parts):
        if index:
            yield separator
        yield from part


def _secret_name(node: Node) -> str | None:
    """The name of the secret that a node stands for; None for any other node."""
    name = node.get(_SECRET_KEY) if isinstance(node, Map) else None
    return name.text if isinstance(name, Scalar) else None


def _is_single(node: Node) -> bool:
    return isinstance(node, Scalar) or _secret_name(node) is not None


def _single(node: Node) -> Piece:
    name = _secret_name(node)
    if name is not None:
        return SecretReference(name)
    return _scalar_text(node) if isinstance(node, Scalar) else ""


def _scalar_text(scalar: Scalar) -> str:
    if scalar.is_null:
        return ""
    return scalar.text.lower() if scalar.plain and scalar.text in _BOOLEANS else scalar.text


def _json(node: Node) -> Iterator[Piece]:
    name = _secret_name(node)
    match node:
        case _ if name is not None:
            yield SecretReference(name, as_json=True)
        case Map():
            yield "{"
            entries = sorted(node.entries, key=lambda entry: entry.key.text)
            yield from _between(",", ([_text(e.key.text), ":", *_json(e.value)] for e in entries))
            yield "}"
        case List():
            yield "["
            yield from _between(",", (_json(item) for item in node.items))
            yield "]"
        case Scalar():
            yield _json_scalar(node)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_scalar(scalar: Scalar) -> str:
    if scalar.is_null:
        return "null"
    if scalar.plain and scalar.text in _BOOLEANS:
        return scalar.text.lower()
    if scalar.plain and len(scalar.text) < 16 and _JSON_NUMBER.fullmatch(scalar.text):
        return _number(scalar.text)
    return _text(scalar.text)


def _number(text: str) -> str:
    """The number as Woodpecker's JSON has it: 1.10 is 1.1, and 2.0 is 2."""
    number = float(text)
    if number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    return _text(number) if abs(number) != float("inf") else _text(text)


def _secrets_are_right(place: Place) -> bool:
    """False, and reported, if a `from_secret` anywhere in the value isn't the name of a secret and all there is."""
    if isinstance(place.node, List):
        return _all_right(place.items())
    if not isinstance(place.node, Map):
        return True
    name = place.node.get(_SECRET_KEY)
    if name is None:
        return _all_right(entry.value for entry in place.entries())
    if len(place.node.entries) == 1 and isinstance(name, Scalar) and not name.is_null and name.text:
        return True
    place.problem(f"{place.name} must be {{{_SECRET_KEY}: NAME}} and nothing else")
    return False


def _all_right(places: Iterable[Place]) -> bool:
    return sum(not _secrets_are_right(place) for place in places) == 0  # each is asked, so that all problems show


VALUE: Form[Value] = Form(f"text, a list, a map or {{{_SECRET_KEY}: NAME}}", _value, {})
_VALUES = map_of(VALUE)


def _variables(place: Place) -> dict[str, Value] | None:
    if isinstance(place.node, List):
        return _listed(place)
    values = _VALUES.read(place)
    for entry in entries_of(place.node):
        name = entry.key.text
        if not name or "=" in name or "\0" in name:
            place.entry(entry).key.problem(f"{quoted(name)} can't be the name of a variable")
    return values


def _listed(place: Place) -> dict[str, Value]:
    """The old form, a list of `NAME=value`."""
    values: dict[str, Value] = {}
    for item in place.items():
        text = item.node.text if isinstance(item.node, Scalar) else ""
        name, _, value = text.partition("=")
        if name:
            values[name] = value
        else:
            item.expected("NAME=value")
    hint = "write a map: " + ", ".join(f"`{name}: {value}`" for name, value in list(values.items())[:1])
    place.problem(f"{place.name} as a list is an old form", hint=hint if values else "", level=Level.WARNING)
    return values


SETTINGS: Form[dict[str, Value]] = _VALUES
ENVIRONMENT: Form[dict[str, Value]] = Form(_VALUES.expects, _variables, {"type": ["object", "array"]})
