"""The JSON Schema of workflow files, for editors: made from the table, so that it can't say anything else."""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.syntax.keys import Effect, Key, Keys
from pipelines.syntax.workflow import WORKFLOW_KEYS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema of one file, as JSON has it. `$defs` has one for each kind of map, such as `step`."""
    definitions: dict[str, Any] = {}
    root = _object(WORKFLOW_KEYS, definitions)
    return {
        "$schema": _DRAFT,
        "title": "Headrace workflow",
        "description": "One file is one workflow: when it runs, its steps, its services.",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(keys: Keys, definitions: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: _property(key, definitions) for key in keys.known},
        "additionalProperties": False,
    }
    required = [key.name for key in keys.known if key.required]
    if keys is WORKFLOW_KEYS:
        # A file may have its steps from what it includes, or under their old name.
        return made | {"anyOf": [{"required": [name]} for name in (*required, "include", "pipeline")]}
    return made | ({"required": required} if required else {})


def _property(key: Key, definitions: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _described(key)}
    if key.old:
        described["deprecated"] = True
    if key.default in ("true", "false"):
        described["default"] = key.default == "true"
    elif key.default and isinstance(values := key.form.schema.get("enum"), list) and key.default in values:
        described["default"] = key.default
    return {**described, **_plain(key.form.schema, definitions)}


def _described(key: Key) -> str:
    """The meaning as plain text, with what an editor should show beside it."""
    notes = [f"Old form: {key.old}." if key.old else "", "No effect yet." if key.effect is Effect.NOT_YET else ""]
    if key.default and not key.old:
        notes.append(f"Default: {key.default}.")
    return " ".join(part for part in (key.text, *notes) if part)


def _plain(part: Any, definitions: dict[str, Any]) -> Any:
    """A form's schema, in which each map of keys is a reference to its definition."""
    match part:
        case {"map": Keys() as keys}:
            return {"$ref": f"#/$defs/{_define(keys, definitions)}"}
        case Mapping():
            return {name: _plain(value, definitions) for name, value in part.items()}
        case list() | tuple():
            return [_plain(item, definitions) for item in part]
        case _:
            return part


def _define(keys: Keys, definitions: dict[str, Any]) -> str:
    name = re.sub(r"^(a|an|the) ", "", keys.owner).replace(" ", "_").lower()
    if name not in definitions:
        definitions[name] = {}  # there before its keys are looked at
        definitions[name] = _object(keys, definitions)
    return name
