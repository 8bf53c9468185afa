"""The listening socket: bound before anything else starts, so that a port in use is known at once.

It is handed from the supervisor to the server by number. While a server that ended is started again, connections wait
in the socket's backlog: a webhook that comes just then is late, not lost.
"""

import errno
import socket

from worker.errors import Unavailable
from worker.settings import Address

_BACKLOG = 512


def listen(address: Address) -> socket.socket:
    """A socket that listens there, inheritable. Raises Unavailable with one clear line if it can't."""
    try:
        listening = socket.create_server((address.host, address.port), family=_family(address), backlog=_BACKLOG)
    except OSError as error:
        why = "it is in use: stop what listens there, or choose another with --listen"
        detail = why if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise Unavailable(f"can't listen on {address}: {detail}") from error
    listening.set_inheritable(True)
    # Connections inherit it. asyncio sets it only where it knows the protocol, which it doesn't of a socket of ours;
    # without it, every answer waits 40 ms for the client's delayed ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket) -> Address:
    """Where the socket listens, with the port that the system chose if that was left to it."""
    host, port, *_ = listening.getsockname()
    return Address(host=host, port=port)


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET
