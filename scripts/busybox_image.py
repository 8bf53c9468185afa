"""A busybox image for demos and tests: the one that is here, else pulled, else made from this machine's own busybox.

    python scripts/busybox_image.py     prints the image's name

Needs nothing but Python and a Docker engine on its usual socket (or DOCKER_HOST=unix://…).
"""

import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import quote, urlencode

PULLED, LOCAL = "busybox:latest", "headrace/busybox:local"
PULL_SECONDS = 5.0
_DIRECTORIES = {"bin": 0o755, "etc": 0o755, "home": 0o755, "root": 0o700, "tmp": 0o1777, "var": 0o755}
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
_GROUP = b"root:x:0:\nnobody:x:65534:\n"


class BusyboxError(Exception):
    """Raised when no busybox image can be had. Its text is one line that says what to do."""


def ensure_busybox(socket_path: str = "/var/run/docker.sock", *, pull: bool = True) -> str:
    """The name of a busybox image on the engine behind this socket. Raises BusyboxError."""
    engine = _Engine(socket_path)
    for name in (PULLED, LOCAL):
        if engine.has_image(name):
            return name
    if pull and engine.pull(PULLED):
        return PULLED
    engine.import_image(LOCAL, _root_file_system(_static_busybox()))
    return LOCAL


def _static_busybox() -> Path:
    """This machine's busybox, which must need no libraries: there are none in the image."""
    found = shutil.which("busybox")
    if found is None:
        raise BusyboxError("no busybox on this machine (apt-get install busybox-static)")
    path = Path(found).resolve()
    if _needs_interpreter(path.read_bytes()):
        raise BusyboxError(f"{path} needs shared libraries and can't run by itself (apt-get install busybox-static)")
    return path


def _needs_interpreter(program: bytes) -> bool:
    """True if this 64-bit little-endian ELF file asks for a dynamic loader (a PT_INTERP segment)."""
    table = int.from_bytes(program[32:40], "little")
    size, count = (int.from_bytes(program[at : at + 2], "little") for at in (54, 56))
    segments = (program[table + size * number :][:4] for number in range(count))
    return program[:4] != b"\x7fELF" or (3).to_bytes(4, "little") in segments


def _root_file_system(busybox: Path) -> bytes:
    """A tar with busybox, a link for each of its applets, and the few files that programs look for."""
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, mode in _DIRECTORIES.items():
            _add(archive, name, type=tarfile.DIRTYPE, mode=mode)
        _add(archive, "bin/busybox", busybox.read_bytes(), mode=0o755)
        _add(archive, "etc/passwd", _PASSWD)
        _add(archive, "etc/group", _GROUP)
        for applet in applets:
            if applet != "busybox":
                _add(archive, f"bin/{applet}", type=tarfile.SYMTYPE, linkname="busybox")
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes = b"", **values: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in values.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


class _Engine:
    """The three calls we need, over the engine's socket."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path

    def has_image(self, name: str) -> bool:
        return self._call("GET", f"/images/{quote(name)}/json")[0] == 200

    def pull(self, name: str) -> bool:
        """True if the image has come. Gives up when the registry doesn't answer within a few seconds."""
        image, _, tag = name.partition(":")
        query = urlencode({"fromImage": image, "tag": tag})
        try:
            status, body = self._call("POST", f"/images/create?{query}", silence_seconds=PULL_SECONDS)
        except TimeoutError:
            return False
        return status == 200 and b'"error"' not in body

    def import_image(self, name: str, tar: bytes) -> None:
        image, _, tag = name.partition(":")
        changes = ['CMD ["sh"]', "ENV PATH=/bin"]
        query = urlencode({"fromSrc": "-", "repo": image, "tag": tag, "changes": changes}, doseq=True)
        status, body = self._call("POST", f"/images/create?{query}", tar)
        if status != 200:
            raise BusyboxError(f"the engine would not import {name}: {json.loads(body).get('message', status)}")

    def _call(self, method: str, path: str, body: bytes = b"", *, silence_seconds: float = 60) -> tuple[int, bytes]:
        connection = _UnixConnection(self._socket_path, silence_seconds)
        try:
            connection.request(method, path, body, {"Content-Type": "application/x-tar"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except TimeoutError:
            raise
        except OSError as error:
            raise BusyboxError(f"no Docker engine answers at {self._socket_path} (is it running?)") from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def main() -> int:
    """Print the name of a usable image."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    try:
        print(ensure_busybox(host.removeprefix("unix://")))
    except BusyboxError as error:
        print(f"busybox image: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
