"""The API's reference as a page: its OpenAPI document, rendered here, so that it needs nothing from elsewhere."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse

from worker.access.guard import Caller
from worker.web.pages import render

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a shape."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What can be asked of one path. `answers` names the shapes that can come back, with their statuses."""

    method: str
    path: str
    description: str
    parameters: tuple[Field, ...]
    answers: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A JSON object of an answer."""

    name: str
    description: str
    fields: tuple[Field, ...]


def show_openapi(request: Request) -> JSONResponse:
    """The OpenAPI document itself."""
    return JSONResponse(request.app.openapi())


def show_reference(request: Request, caller: Caller) -> HTMLResponse:
    """The reference."""
    document = request.app.openapi()
    return render(
        "reference.html",
        caller=caller,
        description=document["info"]["description"],
        operations=operations(document),
        shapes=shapes(document),
    )


def operations(document: dict[str, Any]) -> list[Operation]:
    """All operations of an OpenAPI document, in its order."""
    return [
        _operation(method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]


def shapes(document: dict[str, Any]) -> list[Shape]:
    """All objects that the document describes."""
    return [
        Shape(name=name, description=schema.get("description", ""), fields=_fields(schema))
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema and schema.get("description")
    ]


def _operation(method: str, path: str, operation: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        description=operation.get("description", ""),
        parameters=tuple(
            Field(name=each["name"], kind=_kind(each["schema"]), description=each.get("description", ""))
            for each in operation.get("parameters", [])
        ),
        answers=tuple(
            Field(name=status, kind=_content(answer), description=_said(answer))
            for status, answer in operation["responses"].items()
            if status != "422"  # FastAPI's own; ours come as problems
        ),
    )


def _fields(schema: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, kind=_kind(each), description=each.get("description", ""))
        for name, each in schema["properties"].items()
    )


def _said(answer: dict[str, Any]) -> str:
    description = str(answer.get("description", ""))
    return "" if description == "Successful Response" else description  # what FastAPI says of all


def _content(answer: dict[str, Any]) -> str:
    return ", ".join(_kind(content.get("schema", {})) for content in answer.get("content", {}).values())


def _kind(schema: dict[str, Any]) -> str:
    """The type that a JSON schema says, in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("type", ""))
