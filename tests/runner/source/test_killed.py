"""What git does when the process that has started it is killed: it ends, too, and doesn't write on."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository
from tests.mortal import mortal
from tests.runner.source.checkouts import push_of
from tests.waiting import wait_until

FILES = 3000

# Git, frozen when it is about to do what is looked at.
FREEZING = """#!/bin/sh
case " $* " in *" {command} "*) echo $$ > {told}.new; mv {told}.new {told}; kill -STOP $$ ;; esac
exec {git} "$@"
"""

WRITING = """
import sys
from pathlib import Path
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from runner.source.written import write_commit
from runner.stop import Stop
from tests.runner.source.checkouts import push_of
mirrors, origin, sha, place, depth = sys.argv[1:]
write_commit(fetched(Path(mirrors), push_of(origin, sha)), CloneSettings(depth=int(depth)), Path(place), Stop())
"""


@contextmanager
def frozen(root: Path, command: str, *arguments: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A git that was stopped before it runs this command, and the process that has started it."""
    told, program = root / "told", root / "bin" / "git"
    program.parent.mkdir()
    program.write_text(FREEZING.format(command=command, told=told, git=shutil.which("git")))
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    runner = subprocess.Popen(
        mortal([sys.executable, "-c", WRITING, *arguments]),
        env={**os.environ, "PATH": path, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        wait_until(told.exists, seconds=60, what="git has begun")
        git = int(told.read_text())
        wait_until(lambda: state(git) == "T", seconds=60, what="git is frozen")
        yield git, runner
    finally:
        runner.kill()
        runner.wait()
        if told.exists() and state(git := int(told.read_text())) == "T":
            os.kill(git, signal.SIGKILL)


def state(pid: int) -> str:
    """The letter that the kernel has for what a process does; X if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def files_below(place: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(place))


@pytest.mark.parametrize(("command", "depth"), [("read-tree --reset -u", 1), ("pack-objects", 1), ("fetch", 2)])
def test_git_writes_no_more_once_its_runner_was_killed(
    origin: GitRepository, tmp_path: Path, command: str, depth: int
) -> None:
    """Else a workspace's volume, which the next sweep removes, would fill up while it is removed."""
    origin.commit("first", before="0")
    sha = origin.commit(**{f"file{number}": str(number) for number in range(FILES)})
    fetched(tmp_path / "mirrors", push_of(origin.path, sha))
    place = tmp_path / "place"
    place.mkdir()
    arguments = (str(tmp_path / "mirrors"), str(origin.path), sha, str(place), str(depth))
    with frozen(tmp_path, command, *arguments) as (git, runner):
        runner.kill()
        runner.wait()
        before = files_below(place)
        os.kill(git, signal.SIGCONT)
        wait_until(lambda: state(git) in "ZX", seconds=60, what="git has ended")
    assert files_below(place) - before < FILES / 2
    assert command.startswith("read-tree") or [*place.rglob("*.pack")] == []
