"""Whoever reads `headrace run` stops reading without a word, or the terminal goes away: the run ends all the same."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.client import Engine
from tests.faults.installation import Installation
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

CHATTER = """
services:
  db: {image: IMAGE, commands: sleep 300}
steps:
  chatter: {image: IMAGE, commands: 'yes chatter'}
  mourn: {image: IMAGE, commands: echo alas, when: {status: [success, failure]}}
"""


@pytest.fixture
def place(tmp_path: Path, engine: Engine, busybox: str) -> Iterator[Installation]:
    place = Installation(tmp_path, engine, busybox, CHATTER)
    yield place
    place.end()


@pytest.fixture
def stuck(place: Installation) -> "subprocess.Popen[bytes]":
    """A run whose output nobody reads, once the pipe can take no more of it."""
    process = place.start("run", "--output", "json")
    assert process.stdout
    pipe = process.stdout.fileno()
    whole_pages = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - os.sysconf("SC_PAGE_SIZE")
    wait_until(lambda: _unread_bytes(pipe) > whole_pages, seconds=150, what="the pipe is full")
    return process


def _unread_bytes(file: int) -> int:
    answer = fcntl.ioctl(file, termios.FIONREAD, bytes(4))
    count: int = struct.unpack("i", answer)[0]
    return count


def test_run_that_nobody_reads_leaves_nothing_when_it_is_stopped_and_can_still_be_read(
    place: Installation, stuck: "subprocess.Popen[bytes]"
) -> None:
    stuck.send_signal(signal.SIGTERM)
    wait_until(lambda: place.left() == [], seconds=150, what="nothing of the run is left, though nobody has read it")
    assert stuck.poll() is None
    printed, told = stuck.communicate(timeout=150)
    assert stuck.returncode == 130, told
    records = [json.loads(line) for line in printed.splitlines()]
    assert records[-1]["type"] == "run_finished"
    assert [each["seq"] for each in records] == list(range(1, len(records) + 1))


def test_second_signal_ends_a_run_that_nobody_reads_at_once(
    place: Installation, stuck: "subprocess.Popen[bytes]"
) -> None:
    stuck.send_signal(signal.SIGINT)
    wait_until(lambda: place.left() == [], seconds=150, what="nothing of the run is left")
    stuck.send_signal(signal.SIGINT)
    assert stuck.wait(150) == 130
    stuck.communicate()


def test_run_whose_output_can_not_be_written_ends_with_one_line_and_leaves_nothing(place: Installation) -> None:
    with Path("/dev/full").open("wb") as full:
        process = place.start("run", stdout=full)
        _, told = process.communicate(timeout=150)
    assert process.returncode == 3, told
    assert told.decode().splitlines()[-1].endswith("[Errno 28] No space left on device")
    assert b"Traceback" not in told
    assert place.left() == []


def test_run_whose_terminal_goes_away_ends_as_interrupted_and_leaves_nothing(place: Installation) -> None:
    """Once with the hang-up that a terminal sends to its session, once for a process that is in none."""
    for in_its_session in (True, False):
        master, slave = os.openpty()
        own = {"start_new_session": True, "preexec_fn": _take_terminal} if in_its_session else {}
        process = place.start("run", stdin=slave, stdout=slave, stderr=slave, **own)
        os.close(slave)
        shown = b""
        while b"chatter" not in shown:
            shown = shown[-100:] + os.read(master, 65536)
        os.close(master)
        assert process.wait(150) == 130
        assert place.left() == []


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
