"""The directory of a test session: all that its tests and their processes write goes there, and it goes at the end.

DESIGN. It is in memory where there is room, since what tests cost is mostly what they have written down safely. Who is
killed can't clean up. So the directory says which process it is of, and the next session ends what is left of dead
ones: their processes, by the TMPDIR that all have inherited, what is mounted there, and the directory.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.engine.ownership import start_of_process, this_process
from tests.waiting import wait_until

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 6 << 30  # for all parts of the suite at once, and what they run, with some to spare
_PREFIX, _OWNER = "headrace-", "owner"


def new_session_directory() -> Path:
    """A directory of this process's own, for everybody to write to, as /tmp is. Its name is short: sockets' must be."""
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
    (directory / _OWNER).write_text(this_process().process)
    directory.chmod(0o1777)
    return directory


def _place() -> Path:
    """In memory, unless that lacks room or TMPDIR says otherwise."""
    if "TMPDIR" in os.environ or not _has_room(_MEMORY):
        return Path(tempfile.gettempdir())
    return _MEMORY


def _has_room(directory: Path) -> bool:
    """True if programs may be run from there, and what fills it would leave enough memory."""
    if not os.access(directory, os.W_OK):
        return False
    system = os.statvfs(directory)
    room_bytes = min(system.f_bavail * system.f_frsize, _available_bytes())
    return not system.f_flag & os.ST_NOEXEC and room_bytes > _ROOM_BYTES


def _available_bytes() -> int:
    """The memory that programs can still have."""
    [kilobytes] = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(kilobytes) << 10


def remove_abandoned_directories() -> None:
    """Remove those of our user's sessions that were killed, with all that still lives of them."""
    for place in {_MEMORY, Path(tempfile.gettempdir())}:
        for owner in place.glob(f"{_PREFIX}*/{_OWNER}"):
            with suppress(FileNotFoundError):  # another session is at it, too
                if owner.stat().st_uid == os.geteuid() and not _lives(owner.read_text()):
                    remove_session_directory(owner.parent)


def _lives(process: str) -> bool:
    pid, _, start = process.partition(".")
    return start_of_process(int(pid)) == start


def remove_session_directory(directory: Path) -> None:
    """Remove one, after what runs and what is mounted in there."""
    wait_until(lambda: not _killed(directory), what=f"all processes of {directory} have ended")
    for mount in reversed(_mounts(directory)):
        subprocess.run(["umount", "--lazy", mount], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(directory, ignore_errors=True)


def _killed(directory: Path) -> list[int]:
    """The processes that were started for this session, which have been killed now."""
    found = [pid for pid in _processes(directory) if pid != os.getpid()]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _processes(directory: Path) -> Iterator[int]:
    mark = b"\0TMPDIR=" + os.fsencode(directory)
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            found = b"\0" + environment.read_bytes()
            if mark + b"\0" in found or mark + b"/" in found:
                yield int(environment.parent.name)


def _mounts(directory: Path) -> list[str]:
    with suppress(FileNotFoundError):
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return [point for point in points if point.startswith(f"{directory}/")]
    return []
