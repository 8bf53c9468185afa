"""What a container's end is called."""

import pytest

from runner.engine.client import ContainerState
from runner.engine.process import outcome_of


def ended(exit_code: int, out_of: str = "") -> ContainerState:
    return ContainerState(is_running=False, exit_code=exit_code, out_of_memory=out_of == "memory", error="")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (ended(0), ""),
        (ended(0, "memory"), "a process was killed: out of memory"),
        (ended(137, "memory"), "exit code 137: out of memory"),
        (ended(137), "exit code 137: SIGKILL"),
        (ended(127), "exit code 127: command not found"),
        (ended(3), "exit code 3"),
    ],
)
def test_memory_that_ran_out_is_known_by_the_engines_flag_alone(state: ContainerState, reason: str) -> None:
    assert outcome_of(state).reason == reason
