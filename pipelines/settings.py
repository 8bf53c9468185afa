"""Values of `settings` and `environment`: how they become text, and the names plugins see them by."""

import json
import re
from collections.abc import Mapping

from pipelines.forms import Form, map_of
from pipelines.nodes import List, Map, Node, Scalar, quoted
from pipelines.places import Place
from pipelines.plan import SecretReference, Value

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_BOOLEANS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_SECRET_KEY = "from_secret"  # noqa: S105 (the name of a key, not a secret)


def plugin_variables(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Settings by the names that plugins read: `.` and `-` become `_`, upper case, after `PLUGIN_`."""
    return {f"PLUGIN_{re.sub('[.-]', '_', name).upper()}": value for name, value in settings.items()}


def _value(place: Place) -> Value | None:
    if isinstance(place.node, Map) and place.node.get(_SECRET_KEY) is not None:
        return _secret(place)
    if (inner := _secret_inside(place)) is not None:
        inner.problem("a secret inside a list or map is not supported yet", hint="give it a key of its own")
        return None
    return as_text(place.node)


def _secret(place: Place) -> SecretReference | None:
    names = {entry.name: entry.value for entry in place.entries()}
    name = names.pop(_SECRET_KEY).node
    if names or not isinstance(name, Scalar) or name.is_null or not name.text:
        place.problem(f"{place.name} must be {{{_SECRET_KEY}: NAME}} and nothing else")
        return None
    return SecretReference(name.text)


def _secret_inside(place: Place) -> Place | None:
    children = [entry.value for entry in place.entries()]
    if isinstance(place.node, List):
        children = list(place.items())
    for child in children:
        if isinstance(child.node, Map) and child.node.get(_SECRET_KEY) is not None:
            return child
        if (found := _secret_inside(child)) is not None:
            return found
    return None


def as_text(node: Node) -> str:
    """A value as the text a program sees: scalars as written, a list of scalars by commas, anything else as JSON."""
    match node:
        case Scalar():
            return _scalar_text(node)
        case List() if all(isinstance(item, Scalar) for item in node.items):
            return ",".join(_scalar_text(item) for item in node.items if isinstance(item, Scalar))
        case _:
            return json.dumps(_json(node), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _scalar_text(scalar: Scalar) -> str:
    if scalar.is_null:
        return ""
    return scalar.text.lower() if scalar.plain and scalar.text in _BOOLEANS else scalar.text


def _json(node: Node) -> object:
    match node:
        case Map():
            return {entry.key.text: _json(entry.value) for entry in node.entries}
        case List():
            return [_json(item) for item in node.items]
        case _:
            return _json_scalar(node)


def _json_scalar(scalar: Scalar) -> object:
    if scalar.is_null:
        return None
    if scalar.plain and scalar.text in _BOOLEANS:
        return scalar.text.lower() == "true"
    if scalar.plain and len(scalar.text) < 16 and _JSON_NUMBER.fullmatch(scalar.text):
        return json.loads(scalar.text)
    return scalar.text


VALUE: Form[Value] = Form(f"text, a list, a map or {{{_SECRET_KEY}: NAME}}", _value)
_VALUES = map_of(VALUE)


def _variables(place: Place) -> dict[str, Value] | None:
    values = _VALUES.read(place)
    for entry in place.entries():
        if not entry.name or "=" in entry.name or "\0" in entry.name:
            entry.key.problem(f"{quoted(entry.name)} can't be the name of a variable")
    return values


SETTINGS = _VALUES
ENVIRONMENT: Form[dict[str, Value]] = Form(_VALUES.expects, _variables)
