"""One's own account: its tokens, and its password.

SECURITY. A token is in the answer that makes it and nowhere else, and that answer is kept by no cache. Only somebody
who has logged in can make one: a token that got lost can't make another that outlives it.
"""

from datetime import timedelta

from anyio import to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from worker.access import passwords
from worker.access.guard import Caller
from worker.access.identity import Identity, Scope
from worker.api.numbers import Number
from worker.context import Context, Serving
from worker.errors import Malformed
from worker.store import accounts, tokens
from worker.web.forms import Form
from worker.web.login import let_in
from worker.web.pages import render

_LONGEST_DAYS = 3650


def show_account(caller: Caller, context: Serving) -> HTMLResponse:
    """The account of who asks."""
    return _page(caller, context)


def create_token(form: Form, caller: Caller, context: Serving) -> HTMLResponse:
    """Make a token, and show it this once."""
    scope, lasts = _scope(form.get("scope", "")), _days(form.get("days", ""))
    with context.database.write() as connection:
        account = accounts.with_id(connection, caller.account_id)
        key = tokens.create(connection, account, form.get("name", ""), scope=scope, lasts=lasts)
    return _page(caller, context, new_token=key)


def revoke_token(token_id: Number, caller: Caller, context: Serving) -> Response:
    """Let one of one's own tokens in no more."""
    with context.database.write() as connection:
        tokens.revoke(connection, token_id, account_id=caller.account_id)
    return RedirectResponse("/account", status_code=303)


async def change_password(form: Form, request: Request, caller: Caller, context: Serving) -> Response:
    """Replace the password, for whoever knows the one there is; all other sessions end."""
    address = request.client.host if request.client else ""
    context.throttle.begin(address=address, name=caller.name)
    kept = await to_thread.run_sync(_replacement, context, caller, form, limiter=context.hashing)
    if kept is None:
        return await run_in_threadpool(_page, caller, context, message="The present password is another one.")
    context.throttle.forgive(address=address, name=caller.name)
    return await run_in_threadpool(_replace, context, request, caller, kept)


def _replacement(context: Context, caller: Identity, form: dict[str, str]) -> str | None:
    with context.database.read() as connection:
        account = accounts.with_id(connection, caller.account_id)
    if not passwords.is_right(form.get("present", ""), account.password):
        return None
    return passwords.hashed(form.get("password", ""))


def _replace(context: Context, request: Request, caller: Identity, kept: str) -> Response:
    with context.database.write() as connection:
        accounts.set_password(connection, caller.account_id, kept)
        account = accounts.with_id(connection, caller.account_id)
    return let_in(context, request, account, "/account")


def _page(caller: Identity, context: Context, *, new_token: str = "", message: str = "") -> HTMLResponse:
    with context.database.read() as connection:
        stored = tokens.every(connection, account_id=caller.account_id)
    return render(
        "account.html",
        caller=caller,
        headers={"cache-control": "no-store"},
        status_code=400 if message else 200,
        tokens=stored,
        new_token=new_token,
        message=message,
        scopes=[scope.value for scope in Scope if caller.role.scope.includes(scope)],
        shortest=passwords.SHORTEST,
    )


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError as error:
        raise Malformed(f"the scope is {text[:40]!r}: expected {', '.join(Scope)}") from error


def _days(text: str) -> timedelta | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= _LONGEST_DAYS:
        raise Malformed(f"a token lasts {text[:20]!r} days: expected 1 to {_LONGEST_DAYS}, or nothing for ever")
    return timedelta(days=int(text))
