"""PrivateEngine: a Docker engine of the test's own, to be killed, stopped, frozen and filled up.

DESIGN. It lives in network, mount and process namespaces that a holder keeps while the engine dies and comes back. So
its bridges and firewall rules are its own (an engine beside another one would delete that one's), its mounts are seen
by nobody else, and when the holder is killed everything in there dies with it, containers too. Its control groups lie
below one of their own. Needs root.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.engine.client import Engine
from runner.errors import BackendError
from tests.mortal import mortal
from tests.waiting import wait_until

_ROOT = Path(__file__).parents[2]
_HOLDER = """
import signal, subprocess, sys
directory, size = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
if size:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", f"{directory}/data"], check=True)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps what a killed engine leaves to us
print("ready", flush=True)
while True:
    signal.pause()
"""


class PrivateEngine:
    """One engine with its data in a directory of its own. With `disk` (`64m`) that is a file system of this size."""

    def __init__(self, *, live_restore: bool = False, disk: str = "") -> None:
        assert os.geteuid() == 0, "an engine of the tests' own needs root; leave them out with --ignore=tests/faults"
        self.directory = Path(tempfile.mkdtemp(prefix="headrace-engine-"))  # short: a socket's path may have 107 bytes
        self.url = f"unix://{self.directory}/socket"
        self.live_restore = live_restore
        self._cgroup = self.directory.name
        self._dockerd: subprocess.Popen[bytes] | None = None
        (self.directory / "data").mkdir()
        namespaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        self._holder = subprocess.Popen(
            mortal(["unshare", *namespaces, sys.executable, "-c", _HOLDER, self.directory, disk]),
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"

    @property
    def pid(self) -> int:
        """The engine's process."""
        assert self._dockerd is not None
        return _child_of(self._dockerd.pid)

    @property
    def runs(self) -> bool:
        """True if it has been started and hasn't been ended since."""
        return self._dockerd is not None

    def start(self) -> None:
        """Start the engine, for the first time or again, and wait until it answers."""
        (self.directory / "pid").unlink(missing_ok=True)
        inside = ("nsenter", "--target", str(_child_of(self._holder.pid)), "--net", "--mount", "--pid")
        command = ["dockerd", f"--live-restore={str(self.live_restore).lower()}", "--host", self.url]
        for option, name in (("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")):
            command += [option, str(self.directory / name)]
        with (self.directory / "log").open("ab") as log:
            self._dockerd = subprocess.Popen(
                [*inside, *command, "--cgroup-parent", f"/{self._cgroup}"], stdout=log, stderr=log
            )
        wait_until(self._answers, seconds=150, what="the private engine answers")

    def busybox(self) -> str:
        """The name of a busybox image on it."""
        command = [sys.executable, str(_ROOT / "scripts" / "busybox_image.py")]
        environment = {**os.environ, "DOCKER_HOST": self.url}
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return answer.stdout.strip()

    def kill(self) -> None:
        """End the engine at once; containers run on."""
        self.send(signal.SIGKILL)
        self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send the engine a signal."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Let the engine hang."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT)
        self._wake_entrance()

    def wait(self) -> None:
        """Wait until the engine has ended."""
        assert self._dockerd is not None
        self._dockerd.wait(150)
        self._dockerd = None

    def close(self) -> None:
        """End all that is left of it, and remove what it has written."""
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()
        if self._dockerd is not None:
            self._wake_entrance()
            self._dockerd.wait(150)
        _remove(self.directory)

    def _wake_entrance(self) -> None:
        """Whoever entered the namespaces with the engine stops when that does."""
        assert self._dockerd is not None
        self._dockerd.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        assert self._dockerd is not None
        assert self._dockerd.poll() is None, (self.directory / "log").read_text()[-2000:]
        engine = Engine(self.url)
        try:
            engine.info()
        except BackendError:
            return False
        finally:
            engine.close()
        return True


def _child_of(pid: int) -> int:
    """The only child of a process, as we see its number."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return int(wait_until(lambda: children.read_text().split(), what=f"process {pid} has a child")[0])


def _remove(directory: Path) -> None:
    """Remove what an engine that has ended has written, and its control groups."""
    for group in (
        Path(above, directory.name) for above, names, _ in os.walk("/sys/fs/cgroup") if directory.name in names
    ):
        wait_until(lambda group=group: _is_removed(group), what=f"{group} is empty")  # type: ignore[misc]
    shutil.rmtree(directory)


def _is_removed(group: Path) -> bool:
    """Try to remove a control group and those below it."""
    try:
        for each in sorted(filter(Path.is_dir, group.glob("**/")), reverse=True):
            each.rmdir()
    except OSError:
        return False
    return not group.exists()
