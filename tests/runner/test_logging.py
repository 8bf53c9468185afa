"""The local commands' own log."""

import io
import logging

import pytest

from runner.logging import log_to_console

pytestmark = pytest.mark.usefixtures("own_logging")


def test_a_warning_is_one_line_with_its_data_behind() -> None:
    stream = io.StringIO()
    log_to_console(stream=stream)
    logging.getLogger("runner").warning("step is odd", extra={"job": "build", "step": "a"})
    assert stream.getvalue() == "WARNING: step is odd job=build step=a\n"


def test_what_is_no_warning_is_not_shown() -> None:
    stream = io.StringIO()
    log_to_console(stream=stream)
    logging.getLogger("runner").info("all is well")
    assert stream.getvalue() == ""
