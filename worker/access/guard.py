"""The guard: who calls a route must have what the route needs, before any of it runs or the body is read.

DESIGN. Routes are guarded by their class, which is made from what they need, so a route can't be added without saying
so; a test walks over all routes and tries each with everybody. A token in the header counts alone: one that is not good
is refused, whatever cookie comes with it. That a session or token is used is written down now and then, and not at all
while the database can't be written: nobody is kept out for that. An operator, who may read the data directory and has
the routes answer within their own process, proves nothing.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from worker.access.bodies import limited
from worker.access.cookie import session_key
from worker.access.identity import Identity, Scope
from worker.access.origin import SAFE_METHODS, is_own_page
from worker.context import Context
from worker.errors import Forbidden, Unavailable, Unidentified
from worker.store import sessions, tokens

_BEARER = "bearer "


class Need(Enum):
    """What a route asks of who calls it."""

    NOTHING = "nothing"  # hooks, which prove themselves, health, the page where one logs in
    OWN_PAGE = "own page"  # what that page sends: from anybody, but from there only
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    PERSON = "person"  # somebody who has logged in, with a browser: a token can't make tokens

    @property
    def scope(self) -> Scope | None:
        """The scope that a caller must have; None for anybody."""
        return _SCOPES.get(self)


_SCOPES = {Need.READ: Scope.READ, Need.WRITE: Scope.WRITE, Need.ADMIN: Scope.ADMIN, Need.PERSON: Scope.READ}


def guarded(need: Need, *, largest_body_bytes: int | None = None) -> type[APIRoute]:
    """The class of a route that asks this of its callers, and reads so much of their bodies; None: it looks itself."""

    class Guarded(APIRoute):
        """A route behind the guard."""

        needs = need

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """The route's own handler, once the guard lets the caller pass."""
            handle = super().get_route_handler()

            async def admit_and_handle(request: Request) -> Response:
                request.state.caller = await admitted(request, need)
                return await handle(limited(request, largest_body_bytes) if largest_body_bytes else request)

            return admit_and_handle

    return Guarded


async def admitted(request: Request, need: Need) -> Identity | None:
    """Who calls, if that may be; None where nobody asked. Raises Unidentified or Forbidden."""
    context: Context = request.app.state.context
    if need is Need.OWN_PAGE:
        _check_page(context, request)
    if need.scope is None:
        return None
    caller = await run_in_threadpool(_identified, context, request)
    if caller.session is not None and request.method not in SAFE_METHODS:
        _check_page(context, request)
    if need is Need.PERSON and caller.session is None:
        raise Forbidden("this takes a person who has logged in: a token can't do it")
    if not caller.scope.includes(need.scope):
        raise Forbidden(f"this takes the scope {need.scope}, and {caller.name} comes with {caller.scope}")
    return caller


def is_known(context: Context, request: Request) -> bool:
    """True if whoever calls has an account here, for routes that anybody may call."""
    try:
        return _identified(context, request).scope.includes(Scope.READ)
    except Unidentified:
        return False


def _check_page(context: Context, request: Request) -> None:
    if not is_own_page(request.headers, context.settings.url):
        raise Forbidden(
            "the request does not come from a page of this server, as browsers tell it: programs send a token, and a "
            f"server behind a proxy must know its own address (it says {context.settings.url})"
        )


def _identified(context: Context, request: Request) -> Identity:
    if context.operator is not None:
        return context.operator
    header = request.headers.get("authorization")
    if header is not None:
        return _by_token(context, header)
    return _by_session(context, session_key(request, context.settings))


def _by_token(context: Context, header: str) -> Identity:
    if not header.lower().startswith(_BEARER):
        raise Unidentified("the header Authorization must hold `Bearer` and a token")
    with context.database.read() as connection:
        found = tokens.find(connection, header[len(_BEARER) :].strip())
    if found is None:
        raise Unidentified("the token is unknown, revoked or expired")
    if found.is_to_be_noted:
        with suppress(Unavailable), context.database.write() as connection:
            tokens.note_use(connection, found.token_id)
    return found.identity


def _by_session(context: Context, key: str) -> Identity:
    if not key:
        raise Unidentified("this needs an account: log in, or send a token as `Authorization: Bearer TOKEN`")
    with context.database.read() as connection:
        found = sessions.find(connection, key)
    if found is None or found.identity.session is None:
        raise Unidentified("the session is over: log in again")
    if found.is_to_be_noted:
        with suppress(Unavailable), context.database.write() as connection:
            sessions.note_use(connection, found.identity.session)
    return found.identity


def _caller(request: Request) -> Identity:
    caller = request.state.caller
    assert isinstance(caller, Identity)  # noqa: S101 -- for the type checker: the guard put it there
    return caller


Caller = Annotated[Identity, Depends(_caller)]
"""The type of an endpoint's argument that gets who calls; for routes that need a scope."""
