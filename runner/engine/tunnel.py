"""Tunnel: an engine on another machine, reached through the user's own `ssh`.

DESIGN. `ssh` forwards a unix socket of ours to the engine's: one process and one login for all connections. It is the
user's program with the user's configuration, so known_hosts, keys and agent are obeyed and none of that is ours to
read; it never asks, for nobody may be there to answer. It is started on first use, again if it has ended, and ends with
us whatever ends us: a shell stands between, which waits for it and for the end of a pipe whose other end only we hold.
What is in the address reaches that shell as an argument and never as its text.
"""

import subprocess
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from runner.deadline import limit_text
from runner.engine.address import SshAddress
from runner.errors import BackendError

CONNECT_SECONDS = 20
_OPEN_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_WORDS_SECONDS = 0.5
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT_SECONDS),
    "ControlPath": "none",
    "ExitOnForwardFailure": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "ServerAliveCountMax": "4",
    "ServerAliveInterval": "15",
}
_WATCHED = """
directory=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _; kill "$program"; } <&3 2>/dev/null &
watch=$!
exec 3<&-
wait "$program"
code=$?
kill "$watch" 2>/dev/null
rm -f "$directory/engine.sock"
rmdir "$directory"
exit "$code"
"""


class Tunnel:
    """The way to one engine by ssh. Any thread may use it."""

    def __init__(self, address: SshAddress) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._ssh: _Ssh | None = None

    def open(self) -> str:
        """The engine's address on this machine. Raises BackendError in one line if ssh doesn't get there."""
        with self._lock:
            if self._ssh is None or self._ssh.has_ended or not self._ssh.socket.exists():
                self._ssh = _Ssh(self._address)
                self._ssh.wait_until_open()
            return f"unix://{self._ssh.socket}"

    def close(self) -> None:
        """End ssh. The tunnel can be opened again."""
        with self._lock:
            if self._ssh is not None:
                self._ssh.end()
            self._ssh = None

    def last_words(self) -> str:
        """What ssh said last, if anything."""
        return self._ssh.last_words() if self._ssh is not None else ""


class _Ssh:
    """One process of ssh, with the shell that watches over it."""

    def __init__(self, address: SshAddress) -> None:
        self._address = address
        directory = Path(tempfile.mkdtemp(prefix="headrace-ssh-"))
        self.socket = directory / "engine.sock"
        self._said: deque[str] = deque(maxlen=5)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, "sh", str(directory), *ssh_command(address, self.socket)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us: what we clean up then goes through the tunnel
        )
        self._hearer = threading.Thread(target=_hear, args=(self._process.stderr, self._said.append), daemon=True)
        self._hearer.start()
        self.end: Callable[[], object] = weakref.finalize(self, _end, self._process, self._hearer)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait_until_open(self) -> None:
        """Wait until the socket is there."""
        ended = threading.Event()
        for _ in range(int(_OPEN_SECONDS / _LOOK_SECONDS)):
            if self.socket.exists():
                return
            if self.has_ended:
                self._hearer.join()
                raise self._failure(self.last_words() or f"it ended with {self._process.returncode}")
            ended.wait(_LOOK_SECONDS)
        self.end()
        raise self._failure(f"nothing happened within {limit_text(_OPEN_SECONDS)}")

    def last_words(self) -> str:
        """What it said last. It may have to be waited for: a connection that ends is quicker than its reason."""
        if not self._said:
            self._hearer.join(_WORDS_SECONDS)
        return self._said[-1] if self._said else ""

    def _failure(self, why: str) -> BackendError:
        return BackendError(f"no way to the container engine at {self._address} by ssh: {why} ({self._address.advice})")


def ssh_command(address: SshAddress, socket: Path) -> list[str]:
    """What forwards a socket here to the engine's there."""
    options = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-nNT", *options, "-L", f"{socket}:{address.socket}", *address.arguments]


def _hear(stream: IO[bytes] | None, say: Callable[[str], None]) -> None:
    """Take what is printed, until its end."""
    if stream is not None:
        with stream:
            for line in stream:
                if text := line.decode("utf-8", "replace").strip():
                    say(text)


def _end(process: "subprocess.Popen[bytes]", hearer: threading.Thread) -> None:
    if process.stdin is not None:
        process.stdin.close()  # which the shell takes for our end
    process.wait()
    hearer.join()
