"""Traffic: every request is counted and, if that is wanted, logged, when its answer is over.

SECURITY. The path is logged as it came over the wire, percent-encoded, so that no text of a stranger breaks a line or
steers a terminal; and without its query, which may hold the key of a set-up link. What is counted has bounded names:
routes, not paths, and the methods that there are.
"""

import threading
import time
from dataclasses import dataclass, field

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.access.identity import Identity

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What requests are counted by. `route` is as the application lists it, `""` for none; `status` 0 if none came."""

    method: str
    route: str
    status: int


@dataclass(slots=True)
class Traffic:
    """How many requests of each kind there were, and how long their answers took to begin. Any thread may ask."""

    _seen: dict[Kind, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: Kind, seconds: float) -> None:
        """One more."""
        with self._lock:
            count, total = self._seen.get(kind, (0, 0.0))
            self._seen[kind] = (count + 1, total + seconds)

    def so_far(self) -> list[tuple[Kind, int, float]]:
        """Each kind with its count and its seconds."""
        with self._lock:
            return [(kind, *seen) for kind, seen in self._seen.items()]


class Observer:
    """Middleware that notes every request. Streams pass through it as they come."""

    def __init__(self, app: ASGIApp, traffic: Traffic, *, is_logging: bool) -> None:
        self._app = app
        self._traffic = traffic
        self._is_logging = is_logging

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer()

        async def send_and_look(message: Message) -> None:
            answer.look_at(message)
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            self._note(scope, answer)

    def _note(self, scope: Scope, answer: "_Answer") -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "")
        self._traffic.note(Kind(method=method, route=route, status=answer.status), answer.seconds_to_begin)
        if self._is_logging:
            log.info("request", method=method, path=_path(scope), **_who(scope), **answer.facts())


@dataclass(slots=True)
class _Answer:
    """What is seen of an answer as it passes."""

    began: float = field(default_factory=time.monotonic)
    status: int = 0
    seconds_to_begin: float = 0.0
    size_bytes: int = 0

    def look_at(self, message: Message) -> None:
        """Note what this part of the answer says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.seconds_to_begin = time.monotonic() - self.began
        self.size_bytes += len(message.get("body", b""))

    def facts(self) -> dict[str, int]:
        """What the log says of it."""
        duration_ms = round((time.monotonic() - self.began) * 1000)
        return {"status": self.status, "size_bytes": self.size_bytes, "duration_ms": duration_ms}


def _path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or b""
    return raw.decode("ascii", "backslashreplace")[:500]


def _who(scope: Scope) -> dict[str, str]:
    client, caller = scope.get("client"), scope.get("state", {}).get("caller")
    address = {"client": str(client[0])} if client else {}
    return address | ({"account": caller.name} if isinstance(caller, Identity) else {})
