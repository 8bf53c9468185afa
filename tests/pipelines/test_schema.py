"""The JSON Schema takes what Headrace takes: every example, and every golden workflow that has no errors."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import pipelines
from pipelines.nodes import List, Map, Node, Scalar
from pipelines.reading.document import read_document
from pipelines.report import Report
from pipelines.syntax.conditions import WHEN_KEYS
from pipelines.syntax.schema import schema
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS
from pipelines.validate import read_workflow

SCHEMA = schema()
GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLES = Path(pipelines.__file__).parent / "examples"
FILES = sorted([*GOLDEN.glob("*.yaml"), *EXAMPLES.rglob("*.yaml")])
TABLE = [key for keys in (WORKFLOW_KEYS, STEP_KEYS, SERVICE_KEYS, WHEN_KEYS) for key in keys.known if key.example]

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def complaints(value: Any, part: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """What JSON Schema says against a value, in the few words that our schema is made of."""
    unknown = part.keys() - CHECKS.keys() - {"$schema", "$defs", "title", "description", "default", "deprecated"}
    assert not unknown, f"teach this test {unknown}"
    for word in part.keys() & CHECKS.keys():
        yield from CHECKS[word](value, part, path)


def check_reference(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from complaints(value, SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")], path)


def check_any(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    tried = [list(complaints(value, choice, path)) for choice in part["anyOf"]]
    if all(tried):
        yield f"{path}: none of {[found[0] for found in tried]}"


def check_type(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    names = part["type"] if isinstance(part["type"], list) else [part["type"]]
    right = any(isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names)
    if not right:
        yield f"{path}: {value!r} is no {names}"


def check_object(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    known = part.get("properties", {})
    more = part.get("additionalProperties", {})
    for name, each in value.items() if isinstance(value, dict) else ():
        if name in known:
            yield from complaints(each, known[name], f"{path}.{name}")
        elif more is False:
            yield f"{path}: {name} is unknown"
        elif "properties" in part or more:
            yield from complaints(each, more, f"{path}.{name}")


def check_items(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    for index, item in enumerate(value) if isinstance(value, list) else ():
        yield from complaints(item, part["items"], f"{path}[{index}]")


def check_required(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path}: {name} is missing" for name in part["required"] if name not in value)


def check_enum(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    if value not in part["enum"]:
        yield f"{path}: {value!r} is not among {part['enum']}"


def check_pattern(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(part["pattern"], value):
        yield f"{path}: {value!r} does not match {part['pattern']}"


def check_size(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict | list) and len(value) < max(part.get("minItems", 0), part.get("minProperties", 0)):
        yield f"{path}: too few"


def check_bounds(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    lowest, highest = part.get("minimum", part.get("exclusiveMinimum", 0)), part.get("maximum", float("inf"))
    if isinstance(value, int | float) and not lowest <= value <= highest:
        yield f"{path}: {value} is not between {lowest} and {highest}"


def check_additional(value: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    """Where there are `properties`, it is checked with them."""
    yield from () if "properties" in part else check_object(value, part, path)


CHECKS: dict[str, Callable[[Any, Mapping[str, Any], str], Iterator[str]]] = {
    "$ref": check_reference,
    "anyOf": check_any,
    "type": check_type,
    "properties": check_object,
    "additionalProperties": check_additional,
    "items": check_items,
    "required": check_required,
    "enum": check_enum,
    "pattern": check_pattern,
    "minItems": check_size,
    "minProperties": check_size,
    "minimum": check_bounds,
    "exclusiveMinimum": check_bounds,
    "maximum": check_bounds,
}


def as_json(node: Node) -> Any:
    """The value that an editor's YAML 1.2 parser makes of a node."""
    match node:
        case Map():
            return {entry.key.text: as_json(entry.value) for entry in node.entries}
        case List():
            return [as_json(item) for item in node.items]
        case Scalar():
            return as_value(node)


def as_value(scalar: Scalar) -> Any:
    if not scalar.plain:
        return scalar.text
    if scalar.is_null:
        return None
    if scalar.text in ("true", "false"):
        return scalar.text == "true"
    if re.fullmatch(r"-?\d+", scalar.text):
        return int(scalar.text)
    return float(scalar.text) if re.fullmatch(r"-?\d+\.\d+", scalar.text) else scalar.text


def said_against(text: bytes) -> list[str]:
    root = read_document(text, Report("a.yaml"))
    assert root is not None
    return list(complaints(as_json(root), SCHEMA))


@pytest.mark.parametrize("key", TABLE, ids=lambda key: key.name)
def test_example_of_a_key_fits_the_schema(key: Any) -> None:
    assert said_against(key.example.encode()) == []


def texts_of(path: Path) -> list[bytes]:
    """The workflows of a file of the tests, one of which may stand for several."""
    parts = re.split(r"^(?=# file: )", path.read_text(), flags=re.MULTILINE)
    return [part.encode() for part in parts if part.strip()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_that_lints_fits_the_schema(path: Path) -> None:
    for text in texts_of(path):
        reading = read_workflow(text, f".headrace/{path.name}")
        if not reading.problems:
            assert said_against(text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps: {a: {image: x, imgae: y}}", "imgae is unknown"),
        ("steps: []", "too few"),
        ("when: {event: push}", "steps is missing"),
        ("steps: [{image: x, failure: maybe}]", "'maybe' is not among"),
        ("steps: [{image: x, timeout: 5 minutes}]", "does not match"),
        ("steps: [{image: x, retry: 99}]", "is not between 1 and 10"),
        ("steps: [{image: x, artifacts: {name: n}}]", "paths is missing"),
    ],
)
def test_schema_shows_a_mistake(text: str, complaint: str) -> None:
    assert any(complaint in each for each in said_against(text.encode()))
