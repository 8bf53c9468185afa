"""A session of tests that is killed takes along what it has started."""

import os
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until

_SESSION = """
import subprocess, sys
from tests.mortal import mortal
child = subprocess.Popen(mortal(["sleep", "600"]), start_new_session=True, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_session_has_started_ends() -> None:
    session = subprocess.Popen(
        [sys.executable, "-c", _SESSION],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with session:
        assert session.stdout
        pid = session.stdout.readline().strip()
        command = Path(f"/proc/{pid}/comm")
        wait_until(lambda: command.read_text() == "sleep\n", what="the kernel has been asked")
        session.kill()
    wait_until(lambda: not _runs(pid), what="the child of the killed session ends")


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
