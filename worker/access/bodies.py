"""Bodies: a request's body is read up to its route's limit, whatever length the request declares."""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Message


def limited(request: Request, largest_bytes: int) -> Request:
    """The same request, whose body can't be read beyond the limit: HTTPException 413, now or while it is read."""
    declared = request.headers.get("content-length", "")
    _check(int(declared) if declared.isdecimal() else 0, largest_bytes)
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        message = await request.receive()
        received_bytes += len(message.get("body", b""))
        _check(received_bytes, largest_bytes)
        return message

    return Request(request.scope, receive)


def _check(size_bytes: int, largest_bytes: int) -> None:
    if size_bytes > largest_bytes:
        raise HTTPException(413, f"the body is larger than {largest_bytes // 1024} KiB")
