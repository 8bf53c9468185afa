"""However much a step prints, and in however few lines: what runs it stays small."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runner.engine.client import Engine
from tests.faults.installation import Installation

pytestmark = pytest.mark.docker

MEGABYTE = 1_000_000
MOST_KILOBYTES = 100_000
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Printer(Installation):
    """A place whose one step does what it is told."""

    def __init__(self, directory: Path, engine: Engine, image: str) -> None:
        super().__init__(directory, engine, image)
        self._image = image
        self._printed = directory / "printed"

    def run(self, commands: str, *, timeout: str, log_limit: str = "256 MiB") -> tuple[int, int, str]:
        """Have the step do this, with a secret to be hidden; gives exit code, peak of memory in kB, and last Record."""
        step = f"{{image: {self._image}, commands: {json.dumps(commands)}, timeout: {timeout}}}"
        self.repository.write(".headrace.yaml", f"steps: {{print: {step}}}\n")
        with self._printed.open("wb") as stdout:
            process = self.start(
                *("run", "--output", "json", "--secret", "TOKEN=xylophone"),
                stdout=stdout,
                environment={"HEADRACE_LOG_LIMIT": log_limit},
            )
            peak = _peak_kilobytes(process)
        _, told = process.communicate()
        assert self.left() == []
        return process.returncode, peak, told.decode()

    def lines(self) -> Iterator[str]:
        """What the step has printed, piece by piece."""
        with self._printed.open("rb") as printed:
            for record in map(json.loads, printed):
                if record["type"] == "log" and record["stream"] == "stdout":
                    yield from (line for line in record["lines"] if not line.startswith("+ "))


@pytest.fixture
def printer(tmp_path: Path, engine: Engine, busybox: str) -> Iterator[Printer]:
    printer = Printer(tmp_path, engine, busybox)
    yield printer
    printer.end()


def _peak_kilobytes(process: "subprocess.Popen[bytes]") -> int:
    """The most that it ever held in memory, as the kernel counts it until its end."""
    peak = 0
    while process.returncode is None:
        if found := _HIGH_WATER.search(Path(f"/proc/{process.pid}/status").read_text()):
            peak = int(found[1])
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    return peak


def test_line_of_a_hundred_megabytes_comes_whole_and_costs_no_memory(printer: Printer) -> None:
    code, peak, told = printer.run("head -c 100000000 /dev/zero | tr '\\0' x", timeout="5m")
    assert code == 0, told
    assert 10_000 < peak < MOST_KILOBYTES
    size = 0
    for line in printer.lines():
        assert not line.strip("x")
        size += len(line)
    assert size == 100 * MEGABYTE


@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.long)])
def test_step_that_prints_without_end_is_capped_and_costs_no_memory(printer: Printer, seconds: int) -> None:
    code, peak, told = printer.run("yes", timeout=f"{seconds}s", log_limit="1 MiB")
    assert code == 4, told
    assert 10_000 < peak < MOST_KILOBYTES
    size = sum(len(line) + 1 for line in printer.lines())
    assert MEGABYTE / 2 < size <= 1 << 20
