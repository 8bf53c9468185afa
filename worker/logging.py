"""Our own log: constant phrases with data as keys, on stderr, as JSON lines or for people. Never a build's output."""

import logging
import sys
from typing import Any, TextIO

import structlog

from runner.visible import plain

_LIBRARIES_TO_WARN_ONLY = ("alembic", "rq", "uvicorn", "httpx", "git", "docker", "urllib3", "asyncio")
_DATA_OF_THE_RUNNER = ("job", "step")  # it logs through Python's own logging, with data as `extra`


def configure_logging(log_format: str, *, level: int = logging.INFO, stream: TextIO = sys.stderr) -> None:
    """Send all of this process's logging through structlog. `log_format` is json or console."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    foreign: list[structlog.typing.Processor] = [structlog.stdlib.ExtraAdder(allow=_DATA_OF_THE_RUNNER), *shared]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=foreign, processors=_rendering(log_format, stream))
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for library in _LIBRARIES_TO_WARN_ONLY:
        logging.getLogger(library).setLevel(logging.WARNING)


def _rendering(log_format: str, stream: TextIO) -> list[structlog.typing.Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "json":
        return [strip, structlog.processors.format_exc_info, _what_first, structlog.processors.JSONRenderer()]
    # The renderer's own tracebacks show the values of variables, and a secret may be among them.
    traceback = structlog.dev.plain_traceback
    return [strip, _made_plain, structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=traceback)]


def _made_plain(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Data that comes from authors, such as a branch's name, is shown and never obeyed; JSON escapes it by itself."""
    return {key: plain(value) if isinstance(value, str) else value for key, value in event.items()}


def _what_first(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """When, how bad and what, and then the data: `journalctl` cuts long lines."""
    return {key: event[key] for key in ("timestamp", "level", "event") if key in event} | dict(event)
