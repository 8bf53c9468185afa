"""A session's directory: nothing of a session stays, however it has ended."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runner.engine.ownership import start_of_process
from tests.session_directory import new_session_directory, remove_abandoned_directories
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
SESSION = """
import os, tempfile
from pathlib import Path

def test_that_ends_in_some_way(tmp_path):
    (Path(tempfile.mkdtemp()) / "file").write_text("x" * 1000)
    (tmp_path / "file").write_text("x" * 1000)
    print(os.environ["TMPDIR"], flush=True)
    {how}
"""
KILLED_LATE = """
import os, signal, subprocess, sys
from tests.session_directory import new_session_directory
os.environ["TMPDIR"] = str(new_session_directory())
left = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(left.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sessions make their directories."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


@pytest.mark.parametrize(
    ("how", "exit_code"),
    [
        ("pass", pytest.ExitCode.OK),
        ("assert False", pytest.ExitCode.TESTS_FAILED),
        ("os.kill(os.getpid(), 2)", pytest.ExitCode.INTERRUPTED),
    ],
    ids=["passed", "failed", "interrupted"],
)
def test_session_that_ends_leaves_nothing(place: Path, tmp_path: Path, how: str, exit_code: int) -> None:
    (tmp_path / "test_it.py").write_text(SESSION.format(how=how))
    ended = run_session(tmp_path / "test_it.py")
    assert ended.returncode == exit_code, ended.stdout
    assert f"{place}/headrace-" in ended.stdout, "it has used a directory of its own"
    assert list(place.iterdir()) == []


def run_session(path: Path) -> "subprocess.CompletedProcess[str]":
    """A pytest session of its own, with what ours are set up with."""
    options = ("--capture=no", "-p", "no:cacheprovider", "-p", "tests.conftest", "--rootdir", str(ROOT))
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_a_killed_session_left_is_removed_and_its_processes_end(place: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_LATE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(place.iterdir())) == 1
    remove_abandoned_directories()
    assert list(place.iterdir()) == []
    wait_until(lambda: start_of_process(int(killed.stdout)) == "", what="the process it left has ended")


def test_directory_of_a_session_that_lives_stays(place: Path) -> None:
    directory = new_session_directory()
    remove_abandoned_directories()
    assert list(place.iterdir()) == [directory]


def test_directory_that_says_nothing_of_its_owner_stays(place: Path) -> None:
    (place / "headrace-stranger").mkdir()
    remove_abandoned_directories()
    assert list(place.iterdir()) == [place / "headrace-stranger"]
