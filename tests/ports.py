"""Ports of this machine that nobody listens on.

DESIGN. A free port is named now and listened on later, or again. The kernel hands out those from 32768 on, to whoever
asks for any or connects to another; so ours are below, by chance, and nobody gets one of them unless by its number.
"""

import secrets
import socket
from contextlib import suppress

_OURS = range(12_000, 32_000)


def free_port() -> int:
    """A port that is free now, on loopback."""
    while True:
        port = secrets.choice(_OURS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
