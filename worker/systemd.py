"""Systemd: the listening socket that it hands over, and what it hears from us. Without it, nothing of this happens.

DESIGN. A socket that systemd holds outlives the server: while that is started anew, connections wait in its backlog, so
that a delivery which comes just then is late and not lost (sd_listen_fds(3)). Whoever starts a unit of `Type=notify`
waits until we have said that we are ready (sd_notify(3)); a word to a manager that has gone is lost, as it should be.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from worker.errors import SettingsError

_FIRST_FD = 3  # SD_LISTEN_FDS_START
READY, STOPPING = "READY=1", "STOPPING=1"


def inherited_socket(environment: Mapping[str, str] = os.environ) -> socket.socket | None:
    """The socket that systemd listens on for this process, if it does. Raises SettingsError if there are several."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environment.get("LISTEN_FDS", "")
    if count != "1":
        raise SettingsError(f"LISTEN_FDS is {count!r}: expected 1, so one ListenStream= in headrace-server.socket")
    os.set_inheritable(_FIRST_FD, False)  # noqa: FBT003 -- the standard library's
    return socket.socket(fileno=_FIRST_FD)


def tell(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Tell the service manager, if there is one that listens."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.sendto(state.encode(), path.replace("@", "\0", 1) if path.startswith("@") else path)
