"""The service's own log."""

import io
import json
import logging

import pytest
import structlog

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


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_traceback_shows_no_values_of_variables(log_format: str) -> None:
    """A secret may be among them."""
    stream = io.StringIO()
    configure_logging(log_format, stream=stream)

    def break_down(value: str) -> None:
        raise RuntimeError(f"broke after {len(value)}")

    try:
        break_down("hunter" + str(2))
    except RuntimeError:
        structlog.get_logger().exception("it broke")
    assert "broke after 7" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_data_from_authors_steers_no_terminal() -> None:
    stream = io.StringIO()
    configure_logging("console", stream=stream)
    structlog.get_logger().warning("run is refused", branch="a\x1b]0;x\x07\u202eb\n")
    assert r"branch=a\x1b]0;x\x07\u202eb\n" in stream.getvalue()
    assert stream.getvalue().removesuffix("\n").isprintable()
