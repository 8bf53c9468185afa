"""What several models are made of."""

import json
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from worker.starting import MOST_PARAMETERS, PARAMETER_PATTERN, REF_NAME_PATTERN

Time = Annotated[str, Field(description="RFC 3339 in UTC with milliseconds", examples=["2026-11-24T03:04:05.678Z"])]
Milliseconds = Annotated[int, Field(description="milliseconds", ge=0)]
Url = Annotated[str, Field(description="an absolute address")]
_LONGEST_VALUE = 10_000
_NO_NUL = r"^[^\x00]*$"


def _as_text(value: object) -> object:
    """A number or a truth value as it is written, which is what steps get to see."""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


_Value = Annotated[
    str,
    Field(max_length=_LONGEST_VALUE, pattern=_NO_NUL),
    BeforeValidator(_as_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": _LONGEST_VALUE, "pattern": _NO_NUL},
                {"type": "number"},
                {"type": "boolean"},
            ]
        }
    ),
]
Parameters = Annotated[
    dict[Annotated[str, Field(pattern=f"^{PARAMETER_PATTERN}$")], _Value],
    Field(description="values by name", max_length=MOST_PARAMETERS),
]
Branch = Annotated[str, Field(pattern=f"^({REF_NAME_PATTERN})?$")]
After = Annotated[str | None, Field(description="asks for the next page; null after the last")]
