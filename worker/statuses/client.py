"""The client: one POST to a forge, with an end to everything that could take for ever.

SECURITY. A redirect is followed once, and only to the same scheme, host and port, which is how GitHub leads to a
repository that was renamed; so a token never goes to where it wasn't meant for. Nothing is taken from the
environment, no proxy and no ~/.netrc: a proxy is used where the settings name one. Certificates are checked against
the system's list. However an answer comes, dripping or without end, it is over after a few seconds and kilobytes.
"""

import asyncio
import ssl
from dataclasses import replace
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpx

from worker.statuses.dialect import Answer, Call

_LARGEST_ANSWER = 256 * 1024
_KEPT_SECONDS = 2.0  # a connection: servers that close idle ones sooner are rare


class Unreachable(Exception):  # noqa: N818 -- reads as what it is
    """Raised when no answer came: one phrase for people, without the address' secrets."""


class ForgeClient:
    """Sends calls, any number at a time within one event loop."""

    def __init__(self, *, proxy: str = "", patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            proxy=proxy or None,
            follow_redirects=False,
            timeout=patience_seconds,
            limits=httpx.Limits(keepalive_expiry=_KEPT_SECONDS),
            headers={"user-agent": f"headrace/{version('headrace')}", "accept-encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, call: Call) -> Answer:
        """Post it. Raises Unreachable."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                answer = await self._sent(call)
                target = _moved_within(call, answer)
                return await self._sent(replace(call, url=target)) if target else answer
        except (httpx.LocalProtocolError, UnicodeError):  # whose text shows the header
            raise Unreachable("is not told: the token has characters that can't be sent") from None
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unreachable(f"gives no answer within {self._patience_seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"can't be reached: {str(error) or type(error).__name__}") from error

    async def _sent(self, call: Call) -> Answer:
        headers = dict(call.headers)
        async with self._client.stream("POST", call.url, headers=headers, json=dict(call.body)) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    break
            return Answer(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(body[:_LARGEST_ANSWER]),
                is_whole=len(body) <= _LARGEST_ANSWER,
            )


def _moved_within(call: Call, answer: Answer) -> str:
    """Where the same server says that the same request is to be made; `""` if it doesn't."""
    if answer.status not in (307, 308):
        return ""
    asked = httpx.URL(call.url)
    target = asked.join(answer.headers.get("location", ""))
    is_same = (target.scheme, target.netloc) == (asked.scheme, asked.netloc) and not target.userinfo
    return str(target) if is_same and target != asked else ""
