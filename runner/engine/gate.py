"""The gate: what the program in front of a step's own (`runner/shim`) is told, and whether it still waits."""

import re
import select
import socket
from collections.abc import Mapping

from runner.errors import BackendError

_LONGEST_RELEASE_BYTES = 4096
_MOST_VARIABLES = 32
_VARIABLE = re.compile(rb"[^=\n\0]+=[^\n\0]*")


def release(stream: socket.socket, variables: Mapping[str, str]) -> None:
    """Let the step's program run, with these variables set before. Raises BackendError if the gate isn't reached."""
    try:
        stream.sendall(release_message(variables))
    except OSError as error:
        raise BackendError(f"the step's container was lost before its turn: {error.strerror or error}") from error


def release_message(variables: Mapping[str, str]) -> bytes:
    """The bytes that open the gate: a line for each variable and an empty one. Raises BackendError if they can't."""
    lines = [f"{name}={value}".encode() for name, value in variables.items()]
    for line in lines:
        if not _VARIABLE.fullmatch(line):
            raise BackendError(
                f"the variable {line!r} can't be set at the last moment: it must be one line with a name"
            )
    message = b"".join(line + b"\n" for line in (*lines, b""))
    if len(lines) > _MOST_VARIABLES or len(message) > _LONGEST_RELEASE_BYTES:
        raise BackendError(
            f"{len(lines)} variables of {len(message)} bytes can't be set at the last moment: "
            f"at most {_MOST_VARIABLES} of {_LONGEST_RELEASE_BYTES} bytes can"
        )
    return message


def fits(variables: Mapping[str, str]) -> bool:
    """True if a gate can be told these variables."""
    try:
        release_message(variables)
    except BackendError:
        return False
    return True


def is_waiting(stream: socket.socket) -> bool:
    """True if the gate still holds its step: a gate prints nothing, so any news is its container's end."""
    readable, _, _ = select.select([stream], [], [], 0)
    return not readable
