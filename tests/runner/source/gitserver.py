"""A git server over HTTP: git's own http-backend behind a door that may want a password, with a store of large files.

Repositories are bare ones below a directory, as `http://127.0.0.1:PORT/owner/name.git`.
"""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.gitrepo import GitRepository
from tests.runner.source.certificate import Certificate

_LFS = "application/vnd.git-lfs+json"


class GitServer(ThreadingHTTPServer):
    """The server. `password` is what it wants of `ann` for all that is below `/acme/`; `""` wants nothing.

    `seen` has a line for each request, and what of credentials came with it; `failures` is how many requests are still
    to be answered 503; while `silence` is not set, nothing is answered.
    """

    daemon_threads = True

    def __init__(self, root: Path, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Door)
        self.root = root
        self.url = f"http://{address}:{self.server_port}"
        self.password = ""
        self.seen: list[tuple[str, str]] = []
        self.failures = 0
        self.answers = threading.Event()
        self.answers.set()
        self.redirect_to = ""

    def show(self, certificate: Certificate) -> None:
        """Speak https from now on."""
        self.socket = certificate.server_side().wrap_socket(self.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def publish(self, repository: GitRepository, name: str) -> str:
        """Serve the repository as it is now; gives its address."""
        bare = self.root / f"{name}.git"
        if not bare.exists():
            repository.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
            repository.git("--git-dir", str(bare), "config", "uploadpack.allowAnySHA1InWant", "true")
        repository.git("push", "--quiet", "--mirror", str(bare))
        return f"{self.url}/{name}.git"

    def keep(self, content: bytes) -> str:
        """Put a large file into the store; gives its pointer."""
        oid = sha256(content).hexdigest()
        store = self.root / "store"
        store.mkdir(exist_ok=True)
        (store / oid).write_bytes(content)
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for path, _ in self.seen]


@contextmanager
def git_server(root: Path, address: str = "127.0.0.1") -> Iterator[GitServer]:
    """A server of the repositories below a directory, within the block."""
    root.mkdir(exist_ok=True)
    with GitServer(root, address) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()


class _Door(BaseHTTPRequestHandler):
    server: GitServer
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def _serve(self) -> None:
        server = self.server
        server.seen.append((self.path, self.headers.get("Authorization", "")))
        server.answers.wait()
        if server.failures:
            server.failures -= 1
            self._answer(503, b"later", "text/plain")
        elif server.redirect_to:
            self.send_response(302)
            self.send_header("Location", server.redirect_to + self.path)
            self.end_headers()
        elif not self._may_enter():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
        elif "/info/lfs/" in self.path or self.path.startswith("/store/"):
            self._large_files()
        else:
            self._backend()

    def _may_enter(self) -> bool:
        if not self.server.password or not self.path.startswith("/acme/"):
            return True
        wanted = base64.b64encode(f"ann:{self.server.password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {wanted}"

    def _large_files(self) -> None:
        store = self.server.root / "store"
        if self.path.startswith("/store/"):
            self._answer(200, (store / self.path.rpartition("/")[2]).read_bytes(), "application/octet-stream")
            return
        asked = json.loads(self._body())
        objects = [self._about(store / each["oid"], each) for each in asked["objects"]]
        self._answer(200, json.dumps({"transfer": "basic", "objects": objects}).encode(), _LFS)

    def _about(self, path: Path, asked: dict[str, Any]) -> dict[str, Any]:
        if not path.exists():
            return {**asked, "error": {"code": 404, "message": "no such object"}}
        return {**asked, "actions": {"download": {"href": f"{self.server.url}/store/{asked['oid']}"}}}

    def _backend(self) -> None:
        parts = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=self._body(), capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._answer(int(headers.get("Status", "200").split()[0]), body, headers.get("Content-Type", "text/plain"))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return chunk

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
