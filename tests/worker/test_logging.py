"""The service's own log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from worker.logging import configure_logging


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """What pytest has set up comes back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_what_the_runner_logs_keeps_its_data() -> None:
    stream = io.StringIO()
    configure_logging("json", stream=stream)
    try:
        int("bad")
    except ValueError:
        logging.getLogger("runner").exception("step broke the runner", extra={"job": "build", "step": "a"})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["job"], line["step"]) == ("step broke the runner", "error", "build", "a")
    assert "ValueError: invalid literal" in line["exception"]
