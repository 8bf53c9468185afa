"""UnixLine: the way to an engine's unix socket for `requests`: one connection, kept from request to request.

The library's own keeps one for each address that was ever asked for, so that every call about another container
makes a new one; and it leaves its end open where nobody listens.
"""

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

_HOST = "localhost"  # what HTTP wants to be told; nobody looks it up


class UnixLine(HTTPAdapter):
    """Sends all requests to the socket at this path. One thread at a time may use it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _Pool(path)

    def get_connection_with_tls_context(self, *_request: Any, **_how: Any) -> HTTPConnectionPool:
        """The same for every request."""
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        """What the request's first line names."""
        return request.path_url

    def close(self) -> None:
        """Close the connection. The next request makes another."""
        super().close()
        self._pool.close()
        self._pool = _Pool(self._pool.path)


class _Pool(HTTPConnectionPool):
    """Makes connections to a path, and keeps one that is idle."""

    def __init__(self, path: str) -> None:
        super().__init__(_HOST, maxsize=1)
        self.path = path

    def _new_conn(self) -> "_Connection":
        return _Connection(self.path)


class _Connection(HTTPConnection):
    """One connection, made when it is first needed."""

    def __init__(self, path: str) -> None:
        super().__init__(_HOST)
        self._path = path

    def connect(self) -> None:
        """Raises OSError if nobody listens, with nothing left open."""
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(self.timeout)
            line.connect(self._path)
        except BaseException:
            line.close()
            raise
        self.sock = line
