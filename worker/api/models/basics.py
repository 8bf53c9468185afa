"""What several models are made of."""

from typing import Annotated

from pydantic import Field

from worker.starting import MOST_PARAMETERS, PARAMETER_PATTERN, REF_NAME_PATTERN

Time = Annotated[str, Field(description="RFC 3339 in UTC with milliseconds", examples=["2026-11-24T03:04:05.678Z"])]
Milliseconds = Annotated[int, Field(description="milliseconds", ge=0)]
Url = Annotated[str, Field(description="an absolute address")]
Parameters = Annotated[
    dict[
        Annotated[str, Field(pattern=f"^{PARAMETER_PATTERN}$")],
        Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")],
    ],
    Field(description="values by name", max_length=MOST_PARAMETERS),
]
Branch = Annotated[str, Field(pattern=f"^({REF_NAME_PATTERN})?$")]
