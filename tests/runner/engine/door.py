"""Door: stands before a registry, passes on what is asked for, and does to chosen requests what a bad day would."""

import http.client
import http.server
import threading
from dataclasses import dataclass, field


@dataclass
class Door:
    """A way to the registry at `behind`. Each status in `refusals` is the answer to one request that has `part` in its
    path; then all is passed on. While nobody is behind it, connections end. `met` is set by the first such request.
    """

    behind: str
    part: str
    refusals: list[int] = field(default_factory=list)
    met: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def refusal(self, path: str) -> int | None:
        """The status to answer with instead of what is behind."""
        if self.part not in path:
            return None
        self.met.set()
        return self.refusals.pop(0) if self.refusals else None


def _handler(door: Door) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if status := door.refusal(self.path):
                self.send_error(status)
            else:
                self._pass_on()

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def _pass_on(self) -> None:
            inside = http.client.HTTPConnection(door.behind, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                inside.request(self.command, self.path, headers={**headers, "Host": door.address})
                answer = inside.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                while data := answer.read(65536):
                    self.wfile.write(data)
            except (OSError, http.client.HTTPException):
                self.close_connection = True  # as if it had never been there
            finally:
                inside.close()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
