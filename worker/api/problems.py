"""Problems: the one place where what went wrong becomes an HTTP status and a body (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from worker.errors import (
    Conflict,
    Forbidden,
    Gone,
    Malformed,
    Misfit,
    NotFound,
    Refused,
    ServiceError,
    TooLarge,
    TooMany,
    Unavailable,
    Unidentified,
    Unsealable,
)

MEDIA_TYPE = "application/problem+json"
_MOST_FIELDS = 20
_STATUSES: dict[type[ServiceError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Gone: HTTPStatus.GONE,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.UNAUTHORIZED,
    Unidentified: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Malformed: HTTPStatus.BAD_REQUEST,
    Misfit: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unsealable: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def described(error: Exception) -> tuple[HTTPStatus, str]:
    """The status of an error, and one line for people. What is not ours to explain says nothing of our insides."""
    match error:
        case ServiceError():
            return _STATUSES.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), str(error)
        case RequestValidationError():
            return HTTPStatus.BAD_REQUEST, _first_complaint(error)
        case HTTPException():
            return HTTPStatus(error.status_code), str(error.detail)
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the server's log says what"


def problem(error: Exception) -> JSONResponse:
    """The answer to a program."""
    status, detail = described(error)
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail} | _fields(error)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers_of(error))


def headers_of(error: Exception) -> dict[str, str]:
    """What an answer to this error says in its headers."""
    match error:
        case Unidentified():
            return {"WWW-Authenticate": 'Bearer realm="headrace"'}
        case TooMany():
            return {"Retry-After": str(error.retry_after_seconds)}
        case HTTPException() if error.headers:
            return dict(error.headers)
        case _:
            return {}


def _fields(error: Exception) -> dict[str, list[dict[str, str]]]:
    """What is wrong with which part of the request, where that is known."""
    match error:
        case Misfit():
            found = list(error.fields.items())
        case RequestValidationError():
            found = [(_place(each["loc"]), _said(each)) for each in error.errors() if len(each["loc"]) > 1]
        case _:
            found = []
    return {"errors": [{"field": field, "detail": detail} for field, detail in found[:_MOST_FIELDS]]} if found else {}


def _said(complaint: Mapping[str, Any]) -> str:
    return "there is no such field" if complaint["type"] == "extra_forbidden" else str(complaint["msg"])


def _place(location: Sequence[int | str]) -> str:
    """A place below the query, the path or the body."""
    return ".".join(str(part) for part in location[1:])


def _first_complaint(error: RequestValidationError) -> str:
    """One line about the first thing that is wrong, with its place below the query, the path or the body."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"the body is no JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
    if first["loc"] == ("body",):
        return "the body must be a JSON object, sent with `Content-Type: application/json`"
    return f"{_place(first['loc'])}: {_said(first)}"
