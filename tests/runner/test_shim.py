"""The one program of ours that runs inside containers, on each machine that it is built for.

What is built for another machine than this one runs in Debian's `qemu-user-static`.
"""

import platform
import shutil
import signal
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from runner.engine.gate import release_message
from runner.engine.sandbox import MACHINES

EMULATORS = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}
EMPTY_LINE = b"\n"


def program(machine: str) -> str:
    return str(files("runner").joinpath(f"shim/headrace-shim-{machine}"))


@pytest.fixture(params=["amd64", "arm64"])
def shim(request: pytest.FixtureRequest) -> list[str]:
    """The command that runs the shim of each machine in turn."""
    machine: str = request.param
    own = MACHINES[platform.machine()] == machine
    return [program(machine)] if own else [EMULATORS[machine], program(machine)]


def run_gate(
    shim: list[str], arguments: list[str], given: bytes, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    command = [*shim, *arguments]
    return subprocess.run(command, input=given, env=environment, capture_output=True, check=False, timeout=120)


def test_the_gate_becomes_its_program_once_it_is_released(shim: list[str]) -> None:
    result = run_gate(shim, ["sh", "-c", 'echo "$0 $1"', "a b", "c"], EMPTY_LINE)
    assert (result.returncode, result.stdout) == (0, b"a b c\n")


def test_the_gate_holds_its_program_until_the_empty_line(shim: list[str]) -> None:
    with subprocess.Popen([*shim, "echo", "released"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"A=1")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.stdin.write(b"\n\n")
        process.stdin.flush()
        assert process.stdout.read() == b"released\n"
    assert process.returncode == 0


def test_variables_come_through_the_gate_and_win(shim: list[str]) -> None:
    given = {"NEW": "a=b c", "OLD": "new", "OLDER": ""}
    before = {"PATH": "/usr/bin:/bin", "OLD": "old", "OLDER": "x", "KEPT": "kept"}
    result = run_gate(shim, ["env"], release_message(given), before)
    told = dict(line.split("=", 1) for line in result.stdout.decode().splitlines())
    assert told == {**before, **given}


def test_a_program_finds_an_empty_standard_input(shim: list[str]) -> None:
    result = run_gate(shim, ["sh", "-c", "readlink /proc/self/fd/0; cat; ls /proc/self/fd | wc -l"], EMPTY_LINE)
    where, descriptors = result.stdout.split()
    assert where == b"/dev/null"
    assert int(descriptors) <= 4 + len(shim), "0, 1, 2 and ls's own; an emulator has one more"


def test_the_program_is_found_on_the_path_that_comes_through_the_gate(shim: list[str]) -> None:
    assert run_gate(shim, ["true"], release_message({"PATH": "/nowhere"})).returncode == 127


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (["true"], b"", 125),
        (["true"], b"A=1\n", 125),
        (["true"], b"=1\n\n", 125),
        (["true"], b"A\n\n", 125),
        (["true"], b"A=" + b"x" * 4093 + b"\n\n", 125),
        (["true"], b"A=" + b"x" * 4092 + b"\n\n", 0),
        (["true"], b"A=1\n" * 33 + b"\n", 125),
        (["true"], b"A=1\n" * 32 + b"\n", 0),
        (["nowhere"], EMPTY_LINE, 127),
        (["/nowhere"], EMPTY_LINE, 127),
        (["/etc/passwd"], EMPTY_LINE, 126),
    ],
)
def test_the_gate_says_why_it_did_not_run(shim: list[str], arguments: list[str], given: bytes, code: int) -> None:
    assert run_gate(shim, arguments, given).returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_sleeps_until_it_is_asked_to_end(shim: list[str], number: signal.Signals) -> None:
    with subprocess.Popen(shim) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        process.send_signal(number)
        process.wait(120)
    assert process.returncode in (0, -number)


@pytest.mark.parametrize("machine", ["amd64", "arm64"])
def test_the_program_is_what_its_source_makes(machine: str, tmp_path: Path) -> None:
    """By Debian's gcc 12, which built what is kept here; another compiler may order instructions differently."""
    compiler = {"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}[machine]
    assert shutil.which(compiler), f"the test needs {compiler}: `scripts/bootstrap emulators` installs it"
    source = Path(program(machine)).parent
    for name in ("Makefile", "headrace-shim.c"):
        shutil.copy(source / name, tmp_path)
    subprocess.run(["make", "-s", "-C", tmp_path, f"headrace-shim-{machine}"], check=True, capture_output=True)
    assert (tmp_path / f"headrace-shim-{machine}").read_bytes() == Path(program(machine)).read_bytes()


def test_both_machines_have_a_small_static_program() -> None:
    for machine in ("amd64", "arm64"):
        program = files("runner").joinpath(f"shim/headrace-shim-{machine}").read_bytes()
        assert program[:4] == b"\x7fELF"
        assert len(program) < 8192
