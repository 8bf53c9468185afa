"""Registries of the test's own on 127.0.0.1: Debian's docker-registry, and one that fails in the ways it is told to."""

import gzip
import hashlib
import http.client
import http.server
import io
import json
import shutil
import socket
import socketserver
import subprocess
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mortal import mortal
from tests.ports import free_port
from tests.waiting import wait_until

_DOCKER = "application/vnd.docker.distribution.manifest"
_CONFIG, _LAYER = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"


class PrivateRegistry:
    """A docker-registry in a directory of its own. With a `login` (user, password) nobody else gets in."""

    def __init__(self, directory: Path, *, login: tuple[str, str] | None = None) -> None:
        program = shutil.which("docker-registry")
        assert program, "the tests need docker-registry: `scripts/bootstrap registry` installs it"
        self.address = f"127.0.0.1:{free_port()}"
        configuration = directory / "registry.json"
        configuration.write_text(json.dumps(self._configuration(directory, login)))
        self._process = subprocess.Popen(mortal([program, "serve", configuration]), stderr=subprocess.DEVNULL)
        wait_until(self._answers, what="docker-registry answers")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(60)

    def _configuration(self, directory: Path, login: tuple[str, str] | None) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}},
            "http": {"addr": self.address, "secret": "only for tests"},
        }
        if login:
            file = directory / "htpasswd"
            subprocess.run(["htpasswd", "-cbB", file, *login], check=True, capture_output=True)
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(file)}}
        return configuration

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def guarded_image(directory: Path, home: Path, image: str, login: tuple[str, str]) -> Iterator[str]:
    """This image by its name on a registry that wants a login; the engine doesn't have it by that name.

    The registry lies in `directory`, a Docker configuration that has the login in `home`.
    """
    registry = PrivateRegistry(directory, login=login)
    name = f"{registry.address}/team/tool:1"
    write_login(home, registry.address, *login)
    try:
        for command in (["tag", image, name], ["--config", str(home), "push", name], ["image", "rm", name]):
            subprocess.run(["docker", *command], check=True, capture_output=True)
        yield name
    finally:
        registry.close()
        remove_images(registry.address)


def write_login(home: Path, registry: str, user: str, password: str) -> None:
    """A Docker configuration that has this login."""
    auth = b64encode(f"{user}:{password}".encode()).decode()
    (home / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))


def remove_images(registry: str) -> None:
    """Remove what was pulled from a registry: both its tags and its digests, of which one may take the other along."""
    names = ["--digests", "--format", "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"]
    found = subprocess.run(["docker", "images", *names], check=True, capture_output=True, text=True).stdout.split()
    ours = [name for name in found if name.startswith(f"{registry}/")]
    subprocess.run(["docker", "image", "rm", *ours], capture_output=True, check=False)


class BreakingLine(socketserver.ThreadingTCPServer):
    """A way to a registry on which the first answer of more than `after_bytes` breaks off there, once."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, registry: str, *, after_bytes: int) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.breaks = 0
        self.after_bytes = after_bytes
        host, _, port = registry.partition(":")
        self.behind = (host, int(port))
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and what is on it."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Line(socketserver.BaseRequestHandler):
    """One connection, in both directions."""

    server: BreakingLine
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(self.server.behind) as inside:
            upward = threading.Thread(target=self._upward, args=(inside,), daemon=True)
            upward.start()
            with suppress(OSError):
                self._downward(inside)
            for end in (self.request, inside):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            upward.join()

    def _upward(self, inside: socket.socket) -> None:
        with suppress(OSError):
            while data := self.request.recv(65536):
                inside.sendall(data)
            inside.shutdown(socket.SHUT_WR)

    def _downward(self, inside: socket.socket) -> None:
        passed = 0
        while data := inside.recv(65536):
            self.request.sendall(data)
            passed += len(data)
            if passed > self.server.after_bytes and not self.server.breaks:
                self.server.breaks += 1
                return


@dataclass(frozen=True, slots=True)
class Made:
    """An image that exists only as bytes: its manifest, and all that this refers to by digest."""

    manifest: bytes
    blobs: Mapping[str, bytes]
    media_type: str = f"{_DOCKER}.v2+json"


def made_image(architecture: str, *, text: str = "hello\n") -> Made:
    """An image of one layer with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("file")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    layer = gzip.compress(buffer.getvalue(), mtime=0)
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/file"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(buffer.getvalue())]},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_DOCKER}.v2+json",
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": digest(layer)}],
    }
    return Made(_json(manifest), {digest(config): config, digest(layer): layer})


def made_list(image: Made, architecture: str) -> Made:
    """A list that offers this image for this architecture, and nothing for any other."""
    entry = {
        "mediaType": image.media_type,
        "size": len(image.manifest),
        "digest": digest(image.manifest),
        "platform": {"architecture": architecture, "os": "linux"},
    }
    media_type = f"{_DOCKER}.list.v2+json"
    body = {"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}
    return Made(_json(body), {**image.blobs, digest(image.manifest): image.manifest}, media_type)


def digest(data: bytes) -> str:
    """The name by which registries know these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class FaultyRegistry:
    """A registry with the images it was given, by `name:tag`, that answers each of `faults` once before it works.

    A fault is an HTTP status and a text. From the moment that `silent` is set it takes requests and answers none,
    until it is told to `speak`; a `halting` one gives half of each layer and the rest from then on. `asked` are the
    requests so far, such as `GET /v2/`.
    """

    images: Mapping[str, Made]
    faults: list[tuple[int, str]] = field(default_factory=list)
    silent: bool = False
    halting: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._speak = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it, and every answer that was withheld."""
        self.speak()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def speak(self) -> None:
        """Answer what was asked in the meantime, and all that comes."""
        self.silent = self.halting = False
        self._speak.set()

    def answer(self, method: str, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a request."""
        self.asked.append(f"{method} {path}")
        if self.silent:
            self._speak.wait()
        if path.rstrip("/") == "/v2":
            return 200, "application/json", b"{}"
        if "/manifests/" in path and self.faults:
            status, text = self.faults.pop(0)
            return status, "application/json", _json({"errors": [{"code": "TOOMANYREQUESTS", "message": text}]})
        return self._content(path)

    def parts(self, body: bytes) -> Iterator[bytes]:
        """An answer's body as it is to be written, part by part."""
        if self.halting and not body.startswith(b"{"):
            half = len(body) // 2
            yield body[:half]
            self._speak.wait()
            body = body[half:]
        yield body

    def _content(self, path: str) -> tuple[int, str, bytes]:
        _, kind, reference = path.removeprefix("/v2/").rsplit("/", 2)
        for key, image in self.images.items():
            if kind == "manifests" and reference in (key.partition(":")[2], digest(image.manifest)):
                return 200, image.media_type, image.manifest
            if kind == "manifests" and reference in image.blobs:
                return 200, f"{_DOCKER}.v2+json", image.blobs[reference]
            if kind == "blobs" and reference in image.blobs:
                return 200, "application/octet-stream", image.blobs[reference]
        missing = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
        return 404, "application/json", _json(missing)


def _handler(registry: FaultyRegistry) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, media_type, body = registry.answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            if "/manifests/" in self.path and status == 200:
                self.send_header("Docker-Content-Digest", digest(body))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.writelines(registry.parts(body))

        do_HEAD = do_GET  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so is this
            pass

    return Handler


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
