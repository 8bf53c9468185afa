"""Connection: requests to a server with a token, and what becomes of answers that are none.

SECURITY. A redirect is never followed: it could carry the token to another server.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import httpx
import msgspec

from runner.errors import RemoteError, UsageError
from runner.remote.answers import RemoteProblem

T = TypeVar("T")


class Page(Protocol):
    """A part of a list. `after` asks for the next one; None after the last."""

    @property
    def after(self) -> int | str | None: ...


P = TypeVar("P", bound=Page)
_ANSWER_SECONDS = 30
_SILENCE_SECONDS = 45  # within a stream the server says something every 15 s


class Connection:
    """Requests to one server. Each raises RemoteError if it doesn't answer as one, UsageError if it refuses.

    `transport` is another way there than the network: what answers is then no server to name in messages.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--server is {url!r}: expected http://… or https://…")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        timeout = httpx.Timeout(_ANSWER_SECONDS, read=_SILENCE_SECONDS)
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._is_server = transport is None
        self.url = url.rstrip("/")

    def close(self) -> None:
        """Give back what is open."""
        self._client.close()

    def get(self, path: str, shape: type[T], **parameters: int | str) -> T:
        """What is at this path."""
        return self._sent("GET", path, shape, params=parameters)

    def pages(self, path: str, shape: type[P], **parameters: int | str) -> Iterator[P]:
        """All pages of the list at this path, one after another."""
        page = self.get(path, shape, **parameters)
        yield page
        while page.after is not None:
            page = self.get(path, shape, **{**parameters, "after": page.after})
            yield page

    def post(self, path: str, body: Mapping[str, object], shape: type[T]) -> T:
        """What comes of asking for this."""
        return self._sent("POST", path, shape, json=body)

    def put(self, path: str, body: Mapping[str, object], shape: type[T], **parameters: str) -> T:
        """What comes of storing this here."""
        return self._sent("PUT", path, shape, json=body, params=parameters)

    def patch(self, path: str, body: Mapping[str, object], shape: type[T]) -> T:
        """What comes of changing this."""
        return self._sent("PATCH", path, shape, json=body)

    def delete(self, path: str, **parameters: str) -> None:
        """Have what is at this path removed."""
        with self._naming_trouble():
            answer = self._client.delete(path, params=parameters)
        if not answer.is_success:
            self._refuse(answer)

    @contextmanager
    def stream(self, path: str, **options: Any) -> Iterator[httpx.Response]:
        """An answer that comes bit by bit; what goes wrong on the way is raised alike."""
        with self._naming_trouble(), self._client.stream("GET", path, **options) as answer:
            if not answer.is_success:
                answer.read()
                self._refuse(answer)
            yield answer

    def _sent(self, method: str, path: str, shape: type[T], **options: Any) -> T:
        with self._naming_trouble():
            answer = self._client.request(method, path, **options)
        if not answer.is_success:
            self._refuse(answer)
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.DecodeError as error:
            raise RemoteError(f"{self.url} does not answer as a Headrace server does: {error}") from error

    def _refuse(self, answer: httpx.Response) -> None:
        try:
            detail = msgspec.json.decode(answer.content, type=RemoteProblem).detail
        except msgspec.DecodeError:
            detail = "it does not answer as a Headrace server does"
        said = f"{self.url}: {answer.status_code}: {detail}" if self._is_server else detail
        if answer.status_code == 401:
            raise UsageError(f"{said}; give a token as HEADRACE_TOKEN")
        raise UsageError(said) if answer.is_client_error else RemoteError(said)

    @contextmanager
    def _naming_trouble(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise RemoteError(f"{self.url} does not answer: {str(error) or type(error).__name__}") from error
