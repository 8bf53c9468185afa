"""A forge on a real port that takes commit statuses as GitHub, Gitea, GitLab and Bitbucket do.

It refuses what they refuse: a wrong token, unknown repositories, states that it doesn't know, texts that are too long,
GitLab's states that can't follow each other. On request it misbehaves instead: `plan` takes what happens to the next
requests, one each, and `always` what happens to every one once those are used up.
"""

import json
import re
import socket
import struct
import threading
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import unquote

TOKEN = "canary-forge-token"
REPOSITORY = "acme/web"

AnyForge = TypeVar("AnyForge", bound="FakeForge")
Misbehaviour = Callable[["_Request"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A status that the forge took."""

    repository: str
    sha: str
    context: str
    state: str
    description: str
    url: str
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it came, and what the forge answered; 0: nothing that could be an answer."""

    path: str
    authorization: str
    body: Mapping[str, str]
    status: int


class FakeForge(ThreadingHTTPServer):
    """The server, until the end of `fake_forge`'s block. Threads that misbehave end when `over` is set."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, handler: "type[_Request] | None" = None) -> None:
        super().__init__(("127.0.0.1", 0), handler or _Request)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.token = TOKEN
        self.repositories = {REPOSITORY}
        self.plan: deque[Misbehaviour] = deque()
        self.always: Misbehaviour | None = None
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.seen: list[Seen] = []
        self.taken: list[Taken] = []
        self.at_once = 0
        self.most_at_once = 0

    def states(self, context: str) -> list[str]:
        """The states that were taken under a name, in order."""
        with self.lock:
            return [each.state for each in self.taken if each.context == context]

    def contexts(self) -> set[str]:
        """The names that there are statuses of."""
        with self.lock:
            return {each.context for each in self.taken}

    def next_misbehaviour(self) -> Misbehaviour | None:
        """What is to happen instead of an answer."""
        with self.lock:
            return self.plan.popleft() if self.plan else self.always


@contextmanager
def fake_forge() -> Iterator[FakeForge]:
    """A forge within the block."""
    with running(FakeForge()) as forge:
        yield forge


@contextmanager
def running(forge: AnyForge) -> Iterator[AnyForge]:
    """This forge, within the block."""
    with forge as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def answers(status: int, body: bytes = b'{"message": "as planned"}', **headers: str) -> Misbehaviour:
    """Answer with this, whatever was asked; `retry_after` is the header Retry-After."""
    return lambda request: request.answer(status, body, **headers)


def garbage(request: "_Request") -> None:
    """A page for browsers."""
    request.answer(200, b"<!doctype html><title>Log in</title>", content_type="text/html")


def huge(request: "_Request") -> None:
    """A good answer's beginning that goes on without end, until nobody listens any more."""
    request.close_connection = True  # its end says where the answer ends: no length was given
    request.start(201, {"content-type": "application/json"})
    with suppress(OSError):
        while not request.server.over.is_set():
            request.wfile.write(b" " * 65536)


def hangs(request: "_Request") -> None:
    """Not a word."""
    request.server.over.wait()
    request.close_connection = True


def drips(request: "_Request") -> None:
    """A header's byte every 50 ms, for ever."""
    try:
        request.wfile.write(b"HTTP/1.1 201 Created\r\nx-slow: ")
        while not request.server.over.wait(0.05):
            request.wfile.write(b"y")
    except OSError:
        pass
    request.close_connection = True


def resets(request: "_Request") -> None:
    """The connection breaks."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()
    request.close_connection = True


def takes_and_resets(request: "_Request") -> None:
    """The status is taken, and the connection breaks before the answer: the sender can't know."""
    request.take()
    resets(request)


def redirects(target: str, status: int = 307) -> Misbehaviour:
    """It is elsewhere."""
    return lambda request: request.answer(status, location=target + request.path)


class _Request(BaseHTTPRequestHandler):
    server: FakeForge
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Answer requests until the connection ends, however it ends."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class calls it so
        pass

    def do_POST(self) -> None:
        server = self.server
        length = int(self.headers.get("content-length", "0"))
        self.body: dict[str, str] = json.loads(self.rfile.read(length))
        self.said = 0
        with server.lock:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self._respond()
        finally:
            with server.lock:
                server.at_once -= 1
                server.seen.append(
                    Seen(path=self.path, authorization=self._authorization(), body=self.body, status=self.said)
                )

    def _respond(self) -> None:
        misbehaviour = self.server.next_misbehaviour()
        if misbehaviour:
            misbehaviour(self)
        else:
            status, body = self.take()
            self.answer(status, json.dumps(body).encode())

    def take(self) -> tuple[int, object]:
        """Take a status as the forge would whose path this is."""
        for pattern, dialect in _PATHS:
            if found := re.fullmatch(pattern, self.path):
                repository = unquote(found["repository"])
                return dialect(self, repository, found["sha"])
        return 404, {"message": "Not Found"}

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        """Send an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.start(status, {"content-type": "application/json", "content-length": str(len(body)), **named})
        self.wfile.write(body)

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send an answer's head."""
        self.said = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _authorization(self) -> str:
        return self.headers.get("authorization", "") or self.headers.get("private-token", "")

    def _keep(self, taken: Taken) -> None:
        with self.server.lock:
            self.server.taken.append(taken)

    def _hub(self, repository: str, sha: str, *, scheme: str, refusal: int) -> tuple[int, object]:
        body = self.body
        if self._authorization() != f"{scheme} {self.server.token}":
            return 401, {"message": "Bad credentials"}
        if repository not in self.server.repositories:
            return 404, {"message": "Not Found"}
        if body["state"] not in ("pending", "success", "failure", "error"):
            return refusal, {"message": "Validation Failed", "errors": [{"message": "state is unknown"}]}
        if len(body["description"]) > 140 or len(body["context"]) > 255 or _is_beyond(body):
            return refusal, {"message": "Validation Failed", "errors": [{"message": "description is too long"}]}
        self._keep(_taken(body, repository, sha, context="context", url="target_url"))
        return 201, {"id": 1, "state": body["state"]}

    def _github(self, repository: str, sha: str) -> tuple[int, object]:
        return self._hub(repository, sha, scheme="Bearer", refusal=422)

    def _gitea(self, repository: str, sha: str) -> tuple[int, object]:
        return self._hub(repository, sha, scheme="token", refusal=400)

    def _gitlab(self, repository: str, sha: str) -> tuple[int, object]:
        body = self.body
        if self.headers.get("private-token") != self.server.token:
            return 401, {"message": "401 Unauthorized"}
        if repository not in self.server.repositories:
            return 404, {"message": "404 Project Not Found"}
        if body["state"] not in ("pending", "running", "success", "failed", "canceled", "skipped"):
            return 400, {"error": "state does not have a valid value"}
        if len(body["name"]) > 255 or len(body["description"]) > 255 or len(body.get("ref", "")) > 255:
            return 400, {"message": {"name": ["is too long (maximum is 255 characters)"]}}
        taken = _taken(body, repository, sha, context="name", url="target_url", ref=body.get("ref", ""))
        if refusal := self._refused_move(taken):
            return 400, {"message": refusal}
        self._keep(taken)
        return 201, {"id": 1, "status": body["state"]}

    def _refused_move(self, taken: Taken) -> str:
        """GitLab goes on with a status that has not ended; from one that has, it makes a new one."""
        before = ""
        with self.server.lock:
            for each in self.server.taken:
                if (each.sha, each.context, each.ref) == (taken.sha, taken.context, taken.ref):
                    before = each.state
        verb = {"pending": "enqueue", "running": "run"}.get(taken.state, "")
        if not verb or before not in ("pending", "running") or (before, taken.state) == ("pending", "running"):
            return ""
        return f'Cannot transition status via :{verb} from :{before} (Reason(s): Status cannot transition via "{verb}")'

    def _bitbucket(self, repository: str, sha: str) -> tuple[int, object]:
        body = self.body
        scheme, _, shown = self._authorization().partition(" ")
        if scheme == "Basic":
            shown = b64decode(shown).decode()
        if shown != self.server.token:
            return 401, {"type": "error", "error": {"message": "Token is invalid, expired, or not supported."}}
        if repository not in self.server.repositories:
            return 404, {"type": "error", "error": {"message": f"Repository {repository} not found"}}
        if body["state"] not in ("INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"):
            return 400, {"type": "error", "error": {"message": "state: not a valid choice."}}
        if len(body["key"]) > 40:
            count = len(body["key"])
            said = f"key: Ensure this value has at most 40 characters (it has {count})."
            return 400, {"type": "error", "error": {"message": said}}
        if not body["url"].startswith(("http://", "https://")):
            return 400, {"type": "error", "error": {"message": "url: Enter a valid URL."}}
        self._keep(_taken(body, repository, sha, context="key", url="url"))
        return 201, {"key": body["key"]}


_PATHS: tuple[tuple[str, Callable[[_Request, str, str], tuple[int, object]]], ...] = (
    (r"/api/v3/repos/(?P<repository>[^/]+/[^/]+)/statuses/(?P<sha>[0-9a-f]{40})", _Request._github),
    (r"/api/v1/repos/(?P<repository>[^/]+/[^/]+)/statuses/(?P<sha>[0-9a-f]{40})", _Request._gitea),
    (r"/api/v4/projects/(?P<repository>[^/]+)/statuses/(?P<sha>[0-9a-f]{40})", _Request._gitlab),
    (
        r"/2\.0/repositories/(?P<repository>[^/]+/[^/]+)/commit/(?P<sha>[0-9a-f]{40})/statuses/build",
        _Request._bitbucket,
    ),
)


def _taken(body: Mapping[str, str], repository: str, sha: str, *, context: str, url: str, ref: str = "") -> Taken:
    return Taken(
        repository=repository,
        sha=sha,
        context=body[context],
        state=body["state"],
        description=body["description"],
        url=body[url],
        ref=ref,
    )


def _is_beyond(body: Mapping[str, str]) -> bool:
    return any(sign > "\uffff" for sign in body["description"] + body["context"])
