"""The form of an `include`. What it names is in the tree before keys are read: `reading/includes` puts it there."""

from pipelines.syntax.forms import Form

_INCLUDE_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("repo", "ref", "path")},
    "required": ["repo", "path"],
    "additionalProperties": False,
}
_INCLUDE_ITEM = {"anyOf": [{"type": "string"}, _INCLUDE_SCHEMA]}
INCLUDE: Form[None] = Form(
    "a path, `{repo, ref, path}`, or a list of them",
    lambda _: None,
    {"anyOf": [*_INCLUDE_ITEM["anyOf"], {"type": "array", "items": _INCLUDE_ITEM}]},
)
