"""The socket that connections come in by."""

import socket

import pytest

from worker.errors import Unavailable
from worker.listening import address_of, listen
from worker.settings import Address


def test_connections_send_at_once() -> None:
    """Without it, an answer in two packets waits 40 ms for the client's delayed ACK."""
    with listen(Address(host="127.0.0.1", port=0)) as listening:
        address = address_of(listening)
        with socket.create_connection((address.host, address.port)), listening.accept()[0] as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_port_in_use_is_said_in_one_line() -> None:
    with listen(Address(host="127.0.0.1", port=0)) as listening, pytest.raises(Unavailable, match="it is in use"):
        listen(address_of(listening))
