"""Interposer: stands between a runner and an engine's socket, and does to chosen requests what a bad day would.

DESIGN. Each connection carries one request, because we ask the engine to close it then, so that only heads have to be
read: bodies and streams are passed on as they come.
"""

import json
import re
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path


class Trouble(StrEnum):
    """What happens to a request. The engine has done what was asked for after `DROP_ANSWER` and cuts alone."""

    REFUSE_404 = "404"
    REFUSE_500 = "500"
    REFUSE_501 = "501"
    REFUSE_409 = "409"
    HANG = "hang"
    DROP_REQUEST = "drop request"
    DROP_ANSWER = "drop answer"
    CUT_STATUS = "cut status"
    CUT_HEAD = "cut head"
    CUT_BODY = "cut body"
    CUT = "cut"


@dataclass(slots=True, kw_only=True)
class Fault:
    """A trouble for requests such as `POST /containers/ID/start`: so many, after so many that are let through."""

    pattern: str
    trouble: Trouble
    times: int = 1
    after: int = 0
    met: int = field(default=0, init=False)

    def strikes(self, request: str) -> bool:
        """True if this request is to meet it."""
        if not re.fullmatch(self.pattern, request):
            return False
        self.met += 1
        return self.after < self.met <= self.after + self.times

    @property
    def has_struck(self) -> bool:
        """True once it has met a request."""
        return self.met > self.after


class Holding(Enum):
    """What becomes of connections while there is no engine: they end, or are held, as systemd does, until there is."""

    ENDED = auto()
    HELD = auto()


class Interposer(socketserver.ThreadingUnixStreamServer):
    """A socket that passes on what comes to an engine's, and back. Faults are added while it runs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, behind: str, *, holding: Holding) -> None:
        super().__init__(path, _Visit)
        self.url = f"unix://{path}"
        self.behind = behind
        self.holding = holding
        self.faults: list[Fault] = []
        self.over = threading.Event()
        self._lock = threading.Lock()

    def fault_for(self, request: str) -> Trouble | None:
        """What happens to this request."""
        with self._lock:
            return next((each.trouble for each in self.faults if each.strikes(request)), None)


@contextmanager
def interposed(engine_url: str, *, holding: Holding = Holding.ENDED) -> Iterator[Interposer]:
    """An interposer before this engine, which may be there or not."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-between-") as directory,
        Interposer(str(Path(directory) / "socket"), engine_url.removeprefix("unix://"), holding=holding) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


class _Visit(socketserver.BaseRequestHandler):
    """One connection: one request."""

    server: Interposer
    request: socket.socket

    def handle(self) -> None:
        head, rest = self._read_head()
        if not head:
            return
        request = _named(head)
        trouble = self.server.fault_for(request)
        match trouble:
            case Trouble.REFUSE_404 | Trouble.REFUSE_409 | Trouble.REFUSE_500 | Trouble.REFUSE_501:
                self._refuse(int(trouble), request)
            case Trouble.HANG:
                self.server.over.wait()
            case Trouble.DROP_REQUEST:
                pass
            case _:
                self._pass_on(_closing(head) + rest, trouble)

    def _read_head(self) -> tuple[bytes, bytes]:
        data = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in data:
                more = self.request.recv(65536)
                if not more:
                    return b"", b""
                data += more
        head, end, rest = data.partition(b"\r\n\r\n")
        return head + end, rest

    def _refuse(self, status: int, request: str) -> None:
        body = json.dumps({"message": f"injected for {request.rsplit('/', maxsplit=1)[-1]}"}).encode()
        head = f"HTTP/1.1 {status} Injected\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        with suppress(OSError):
            self.request.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
            self.request.shutdown(socket.SHUT_WR)
            while self.request.recv(65536):  # what is still being sent, so that it isn't met by a reset
                pass

    def _pass_on(self, data: bytes, trouble: Trouble | None) -> None:
        with socket.socket(socket.AF_UNIX) as inside, suppress(OSError):
            self._connect(inside)
            inside.sendall(data)
            upward = threading.Thread(target=_pump, args=(self.request, inside), daemon=True)
            upward.start()
            if trouble is Trouble.DROP_ANSWER:
                inside.recv(65536)
            elif trouble in _CUTS:
                self.request.sendall(_CUTS[trouble](_first_answer(inside)))
            elif trouble is Trouble.CUT:
                self._pass_until_said(inside)
            else:
                _pump(inside, self.request)
            with suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
            upward.join()

    def _connect(self, inside: socket.socket) -> None:
        """Connect to the engine, once there is one if that is what we are for."""
        while inside.connect_ex(self.server.behind):
            if self.server.holding is Holding.ENDED or self.server.over.wait(0.05):
                raise ConnectionRefusedError

    def _pass_until_said(self, inside: socket.socket) -> None:
        """Pass on until a step says `cut`."""
        while data := inside.recv(65536):
            self.request.sendall(data)
            if b"cut\n" in data:
                return


def _first_answer(inside: socket.socket) -> bytes:
    """Its head, with what comes of the body at first; all of it, if that is an upgrade's."""
    answer = b""
    while more := inside.recv(65536):
        answer += more
        _, is_whole, body = answer.partition(b"\r\n\r\n")
        if is_whole and (body or b" 101 " in answer[:16]):
            break
    return answer


_CUTS: dict[Trouble | None, Callable[[bytes], bytes]] = {
    Trouble.CUT_STATUS: lambda answer: answer[:10],
    Trouble.CUT_HEAD: lambda answer: answer[: answer.index(b"\r\n") + 9],
    Trouble.CUT_BODY: lambda answer: answer[:-1],
}


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until it ends, and then the end."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _named(head: bytes) -> str:
    """`POST /containers/ID/start` of a request's head: without the version of the API, and what it is asked with."""
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    path = re.sub(r"^(?:https?://[^/]+)?(?:/v[0-9.]+)?", "", target.partition("?")[0])
    return f"{method} {path}"


def _closing(head: bytes) -> bytes:
    """The same head, asking for the connection to be closed afterwards, unless it is to become a raw stream."""
    if re.search(rb"(?im)^upgrade:", head):
        return head
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])
