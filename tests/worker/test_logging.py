"""The service's own log."""

import io
import json
import logging

import pytest

from worker.logging import configure_logging

pytestmark = pytest.mark.usefixtures("own_logging")


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
