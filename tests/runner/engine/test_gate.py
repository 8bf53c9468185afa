"""What the gate is told, and how it is known to wait still."""

import socket

import pytest

from runner.engine.gate import is_waiting, release, release_message
from runner.errors import BackendError


def test_a_release_is_a_line_for_each_variable_and_an_empty_one() -> None:
    assert release_message({"A": "1", "B": "x=y z"}) == b"A=1\nB=x=y z\n\n"
    assert release_message({}) == b"\n"


@pytest.mark.parametrize(
    "variables", [{"A": "two\nlines"}, {"A": "nu\0ll"}, {"": "nameless"}, {"A=B": "c\n"}, {"A\nB": "c"}]
)
def test_a_variable_that_would_be_misread_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(BackendError, match="must be one line with a name"):
        release_message(variables)


@pytest.mark.parametrize("variables", [{"A": "x" * 4093}, {f"A{number}": "" for number in range(33)}])
def test_more_than_the_gate_takes_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(BackendError, match="at most 32 of 4096 bytes can"):
        release_message(variables)


def test_as_much_as_the_gate_takes_is_sent() -> None:
    assert len(release_message({"A": "x" * 4092})) == 4096


def test_a_gate_waits_until_its_container_ends() -> None:
    ours, engines = socket.socketpair()
    with ours:
        with engines:
            assert is_waiting(ours)
        assert not is_waiting(ours)


def test_a_release_that_reaches_nobody_is_an_error_with_a_reason() -> None:
    ours, engines = socket.socketpair()
    engines.close()
    with ours, pytest.raises(BackendError, match="lost before its turn: Broken pipe"):
        release(ours, {})
