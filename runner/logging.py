"""The local commands' own log: warnings and worse, on stderr, for people. Never a build's output.

What the runner logs goes through Python's own `logging`, with data as `extra`: the server shows it as JSON lines, and a
command that only plans needn't read a library for it.
"""

import logging
import sys
from typing import TextIO

from runner.visible import plain

_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
_LIBRARIES_TO_WARN_ONLY = ("httpx", "git", "docker", "urllib3")


def log_to_console(*, level: int = logging.WARNING, stream: TextIO = sys.stderr) -> None:
    """Send all of this process's logging to the stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for library in _LIBRARIES_TO_WARN_ONLY:
        logging.getLogger(library).setLevel(logging.WARNING)


class _Formatter(logging.Formatter):
    """Puts the data behind the phrase: `ERROR: job broke the runner job=build`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        data = (f" {name}={value}" for name, value in vars(record).items() if name not in _OWN_FIELDS)
        return plain(super().formatMessage(record) + "".join(data))
