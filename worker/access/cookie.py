"""The cookie that a browser shows its session with.

SECURITY. No program in a page can read it (HttpOnly), no other site's page can make a browser change something with it
(SameSite=Lax, and origin.py), and where the server is reached by https it crosses no other connection (Secure, with the
prefix that keeps others from setting it). The browser forgets it no later than we do.
"""

from fastapi import Request
from starlette.responses import Response

from worker.settings import Settings
from worker.store import sessions

_NAME = "headrace"


def session_key(request: Request, settings: Settings) -> str:
    """The key of the session that the browser has; `""` without one."""
    return request.cookies.get(_name(settings), "")


def set_session(response: Response, key: str, settings: Settings) -> None:
    """Have the browser keep this key."""
    age = int(sessions.LONGEST.total_seconds())
    response.set_cookie(
        _name(settings), key, max_age=age, path="/", secure=_is_secure(settings), httponly=True, samesite="lax"
    )


def forget_session(response: Response, settings: Settings) -> None:
    """Have the browser forget its key."""
    response.delete_cookie(_name(settings), path="/", secure=_is_secure(settings), httponly=True, samesite="lax")


def _name(settings: Settings) -> str:
    return f"__Host-{_NAME}" if _is_secure(settings) else _NAME


def _is_secure(settings: Settings) -> bool:
    return settings.url.startswith("https://")
