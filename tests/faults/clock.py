"""A wall clock that a test moves under programs that it starts: see clock.c."""

import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The time of programs that are started in this environment; how long things take stays true."""

    def __init__(self, directory: Path) -> None:
        library = directory / "clock.so"
        command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(_SOURCE)]
        subprocess.run(command, check=True, timeout=150)
        self._file = directory / "clock"
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(self._file)}

    def shift(self, seconds: int) -> None:
        """Put it forward, or back if that is negative."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", seconds))
