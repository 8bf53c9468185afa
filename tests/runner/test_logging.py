"""Our own log: what must never stand in it."""

import io
from collections.abc import Iterator

import pytest
import structlog

from runner.logging import configure_logging


@pytest.fixture(autouse=True)
def configured_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    configure_logging("console")


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
