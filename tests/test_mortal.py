"""A session of tests that is killed takes along what it has started, and what it has written is found by the next."""

import os
import subprocess
import sys
from pathlib import Path

from tests.mortal import directories_of_the_dead, directory_of_this_session
from tests.waiting import wait_until

_SESSION = """
import subprocess, sys
from tests.mortal import directory_of_this_session, mortal
child = subprocess.Popen(mortal(["sleep", "600"]), start_new_session=True, stdout=subprocess.DEVNULL)
print(child.pid, directory_of_this_session("tried"), flush=True)
sys.stdin.read()
"""


def test_what_a_killed_session_has_started_ends_and_what_it_has_written_is_found() -> None:
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
        pid, place = session.stdout.readline().split()
        wait_until(lambda: _name(pid) == "sleep", what="the kernel is told what to do when the session dies")
        directory = Path(place)
        own = directory_of_this_session("tried")
        assert not {directory, own}.intersection(directories_of_the_dead("tried")), "both sessions live"
        session.kill()
    wait_until(lambda: not _runs(pid), what="the child of the killed session ends")
    assert directory in directories_of_the_dead("tried")
    assert own not in directories_of_the_dead("tried")
    for each in (directory, own):
        each.rmdir()


def _name(pid: str) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
