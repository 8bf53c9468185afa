"""The one program of ours that runs inside containers, built for this machine."""

import platform
import signal
import subprocess
from importlib.resources import files

import pytest

from runner.engine.sandbox import MACHINES

SHIM = str(files("runner").joinpath(f"shim/headrace-shim-{MACHINES[platform.machine()]}"))


def run_gate(arguments: list[str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([SHIM, *arguments], input=given, capture_output=True, check=False, timeout=30)


def test_the_gate_becomes_its_program_after_one_byte() -> None:
    result = run_gate(["sh", "-c", 'echo "$0 $1"; cat', "a b", "c"], b"!rest")
    assert (result.returncode, result.stdout) == (0, b"a b c\nrest")


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [(["true"], b"", 125), (["nowhere"], b"!", 127), (["/nowhere"], b"!", 127), (["/etc/passwd"], b"!", 126)],
)
def test_the_gate_says_why_it_did_not_run(arguments: list[str], given: bytes, code: int) -> None:
    assert run_gate(arguments, given).returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_sleeps_until_it_is_asked_to_end(number: signal.Signals) -> None:
    with subprocess.Popen([SHIM]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        process.send_signal(number)
        process.wait(30)
    assert process.returncode in (0, -number)


def test_both_machines_have_a_small_static_program() -> None:
    for machine in ("amd64", "arm64"):
        program = files("runner").joinpath(f"shim/headrace-shim-{machine}").read_bytes()
        assert program[:4] == b"\x7fELF"
        assert len(program) < 8192
