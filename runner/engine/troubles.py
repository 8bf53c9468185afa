"""Troubles: what to tell somebody whose engine can't be reached, and what lies behind an error."""

import ssl
from collections.abc import Iterator

from urllib3.exceptions import ReadTimeoutError


def no_engine(address: str, error: BaseException, ssh_says: str = "") -> str:
    """One line for an error that came instead of an answer: what is wrong and what to do."""
    if ssh_says:
        return f"no container engine answers at {address} (ssh says: {ssh_says})"
    if any(isinstance(cause, PermissionError) for cause in causes(error)):
        return f"no permission to use the container engine at {address} (join its group: sudo usermod -aG docker $USER)"
    for cause in causes(error):
        if isinstance(cause, ssl.SSLError):
            why = (cause.reason or str(cause)).lower().replace("_", " ")
            return f"the container engine at {address} can't be spoken to by TLS: {why} (see DOCKER_CERT_PATH)"
    return f"no container engine answers at {address} (is Docker running? start it, or set DOCKER_HOST)"


def never_answered(address: str, seconds: float) -> str:
    """One line for an engine that takes connections and has not answered a single question."""
    return (
        f"the container engine at {address} takes connections and has not answered for {seconds:g} s: it hangs, or "
        "systemd holds its socket and can't start it (look at: journalctl -u docker)"
    )


def is_silence(error: BaseException) -> bool:
    """True if an answer began and didn't go on in time: requests has another name for that than for none at all."""
    return any(isinstance(cause, ReadTimeoutError) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from; requests hides some causes among the arguments."""
    yield error
    for cause in (error.__cause__, error.__context__, *error.args):
        if isinstance(cause, BaseException) and cause is not error:
            yield from causes(cause)
