"""What the environment says about this machine."""

import os

import pytest

from runner.config import Config
from runner.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("", 256 * 1024**2),
        ("1000", 1000),
        ("64k", 64 * 1024),
        ("5MB", 5 * 1024**2),
        ("5 MiB", 5 * 1024**2),
        ("2 GiB", 2 * 1024**3),
    ],
)
def test_log_limit_is_a_size(text: str, size_bytes: int) -> None:
    assert Config.read({"HEADRACE_LOG_LIMIT": text}).log_limit_bytes == size_bytes


@pytest.mark.parametrize("text", ["0", "-1", "much", "1.5 MiB", "1 TB", "MiB", "9" * 16])
def test_log_limit_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"HEADRACE_LOG_LIMIT is .*: expected a size above 0, such as 256 MiB"):
        Config.read({"HEADRACE_LOG_LIMIT": text})


def test_steps_at_once_are_as_many_as_processors_unless_told_otherwise() -> None:
    assert Config.read({}).lanes == os.cpu_count()
    assert Config.read({"HEADRACE_PARALLEL": "7"}).lanes == 7
    with pytest.raises(UsageError, match="HEADRACE_PARALLEL"):
        Config.read({"HEADRACE_PARALLEL": "many"})


def test_memory_for_a_step_is_a_size_or_left_to_the_machine() -> None:
    assert Config.read({"HEADRACE_MEMORY": "2 GiB"}).memory_bytes == 2 << 30
    assert Config.read({}).memory_bytes is None
    with pytest.raises(UsageError, match="HEADRACE_MEMORY is 'much': expected a size above 0, such as 4 GiB"):
        Config.read({"HEADRACE_MEMORY": "much"})
