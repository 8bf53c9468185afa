"""Logging in and out, and the page where somebody who was invited chooses a password.

SECURITY. Logging in always draws a new session and ends the one that the browser had. What is wrong, name or password,
is never said, and takes the same time. Attempts are throttled, and passwords are hashed on a few threads of their own,
so that a crowd of guesses takes neither the memory nor the threads that hooks need. The key of a set-up link is in the
page's address, which is sent to no other site (Referrer-Policy) and is worth nothing once it has served.
"""

from urllib.parse import quote

from anyio import to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from worker.access import passwords
from worker.access.cookie import forget_session, session_key, set_session
from worker.access.guard import Caller
from worker.access.identity import Role
from worker.access.keys import digest
from worker.access.origin import SAFE_METHODS, safe_path
from worker.context import Context, Serving
from worker.store import accounts, invitations, sessions
from worker.store.accounts import Account
from worker.store.invitations import Invitation
from worker.web.forms import Form
from worker.web.pages import render

_NO_STORE = {"cache-control": "no-store"}


def show_login(context: Serving, next: str = "/") -> HTMLResponse:  # noqa: A002 -- the query's name
    """Where one logs in, to go on to `next`."""
    with context.database.read() as connection:
        is_new = not accounts.there_is_one(connection)
    return _login_page(next, is_new=is_new)


async def log_in(form: Form, request: Request, context: Serving) -> Response:
    """Log in: a new session, and on to where the reader wanted to go."""
    name, onward = form.get("name", "").strip().lower()[:64], safe_path(form.get("next", ""))
    address = request.client.host if request.client else ""
    context.throttle.begin(address=address, name=name)
    password = form.get("password", "")
    account = await to_thread.run_sync(_proved, context, name, password, limiter=context.hashing)
    if account is None:
        return _login_page(onward, message="Name or password is wrong.", name=name, status_code=401)
    context.throttle.forgive(address=address, name=name)
    return await run_in_threadpool(let_in, context, request, account, onward)


def log_out(caller: Caller, context: Serving) -> Response:
    """End the session, here and in the browser."""
    with context.database.write() as connection:
        sessions.end(connection, caller.session or "")
    answer = _onward("/login")
    forget_session(answer, context.settings)
    return answer


def send_to_login(request: Request) -> Response:
    """The answer to somebody unknown who asked for a page: where to log in, and to go on from there."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    onward = safe_path(path) if request.method in SAFE_METHODS else "/"
    return _onward("/login" if onward == "/" else f"/login?next={quote(onward, safe='/')}")


def show_setup(context: Serving, key: str = "") -> HTMLResponse:
    """Where somebody who was invited chooses a password."""
    return _setup_page(key, _invitation(context, key))


async def set_up(form: Form, request: Request, context: Serving) -> Response:
    """Take the password, and the name if this is the first account; log in. The link has served."""
    key = form.get("key", "")
    await run_in_threadpool(_invitation, context, key)  # before anything is worked out for a stranger
    kept = await to_thread.run_sync(passwords.hashed, form.get("password", ""), limiter=context.hashing)
    account = await run_in_threadpool(_accept, context, key, form.get("name", ""), kept)
    return await run_in_threadpool(let_in, context, request, account, "/")


def let_in(context: Context, request: Request, account: Account, onward: str) -> Response:
    """Begin a session, end the one that the browser had, and send it on."""
    with context.database.write() as connection:
        sessions.end(connection, digest(session_key(request, context.settings)))
        key = sessions.begin(connection, account.id)
    answer = _onward(onward)
    set_session(answer, key, context.settings)
    return answer


def _proved(context: Context, name: str, password: str) -> Account | None:
    with context.database.read() as connection:
        account = accounts.find(connection, name)
    if not passwords.is_right(password, account.password if account else None) or account is None:
        return None
    if passwords.is_outdated(account.password or ""):
        with context.database.write() as connection:
            accounts.keep_password(connection, account.id, passwords.hashed(password))
    return account


def _invitation(context: Context, key: str) -> Invitation:
    with context.database.read() as connection:
        return invitations.find(connection, key)


def _accept(context: Context, key: str, name: str, kept: str) -> Account:
    with context.database.write() as connection:
        invited = invitations.find(connection, key).account
        account = invited or accounts.add(connection, name, role=Role.ADMINISTRATOR)
        accounts.set_password(connection, account.id, kept)
        invitations.use_up(connection, key)
        return account


def _onward(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers=_NO_STORE)


def _login_page(
    onward: str, *, is_new: bool = False, message: str = "", name: str = "", status_code: int = 200
) -> HTMLResponse:
    return render(
        "login.html",
        status_code=status_code,
        headers=_NO_STORE,
        onward=safe_path(onward),
        is_new=is_new,
        message=message,
        name=name,
    )


def _setup_page(key: str, invitation: Invitation) -> HTMLResponse:
    name = invitation.account.name if invitation.account else ""
    return render("setup.html", headers=_NO_STORE, key=key, name=name, shortest=passwords.SHORTEST)
