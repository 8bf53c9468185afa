"""The API's reference as a page: its OpenAPI document, rendered here, so that it needs nothing from elsewhere."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse

from worker.access.guard import Caller
from worker.api.problems import MEDIA_TYPE as PROBLEM
from worker.web.pages import render

SCHEME = "token"
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a shape."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What can be asked of one path, and with which scope. `answers` names the shapes that come back, with statuses."""

    method: str
    path: str
    description: str
    scope: str
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
    return JSONResponse(openapi_document(request.app))


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with our tokens and the type of our problems; without the answers that we don't give."""
    document = deepcopy(app.openapi())
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].pop("422", None)
            problem = operation["responses"]["default"]
            problem["content"] = {PROBLEM: problem["content"]["application/json"]}
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    return document


def show_reference(request: Request, caller: Caller) -> HTMLResponse:
    """The reference."""
    document = openapi_document(request.app)
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
        scope=_scope(operation),
        parameters=tuple(
            Field(name=each["name"], kind=_kind(each["schema"]), description=each.get("description", ""))
            for each in operation.get("parameters", [])
        ),
        answers=tuple(
            Field(name=status, kind=_content(answer), description=_said(answer))
            for status, answer in operation["responses"].items()
        ),
    )


def _scope(operation: dict[str, Any]) -> str:
    return ", ".join(scope for asked in operation.get("security", ()) for scope in asked.get(SCHEME, ()))


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
