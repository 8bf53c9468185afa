"""A Podman service of the tests' own: its images, containers and networks are apart from all others on the machine."""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from runner.engine.client import Engine
from runner.errors import BackendError
from tests.mortal import directories_of_the_dead, directory_of_this_session, mortal
from tests.waiting import wait_until

_CONFIGURATION = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
[containers]
init_path = {init}
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""


class PrivatePodman:
    """`podman system service` on a socket in a directory of its own. Without `init` it has no init program."""

    def __init__(self, *, init: str = "/usr/bin/catatonit") -> None:
        program = shutil.which("podman")
        assert program, "the tests need podman: `scripts/bootstrap podman` installs it"
        assert os.getuid() == 0, "the tests of Podman need root: rootless it has networks of another kind"
        for each in directories_of_the_dead("podman"):
            _bury(each)
        self.directory = directory_of_this_session("podman")
        self._store = _Store(self.directory)
        self._store.configure(_CONFIGURATION.format(init=json.dumps(init)))
        self.url = f"unix://{self.directory}/podman.sock"
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                mortal([program, *self._store.options, "system", "service", "--time", "0", self.url]),
                env=self._store.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, seconds=60, what="podman answers")

    def run(self, *arguments: str) -> str:
        """What a podman command prints, with the same containers and images."""
        return self._store.run(*arguments)

    def load(self, image: str) -> None:
        """Give it an image of the tests' Docker engine."""
        with (self.directory / "image.tar").open("w+b") as tar:
            subprocess.run(["docker", "save", image], check=True, stdout=tar)
        self.run("load", "--quiet", "--input", str(self.directory / "image.tar"))

    def close(self) -> None:
        """End it, and remove all that it had."""
        self._store.empty()
        self._process.terminate()
        self._process.wait(30)
        self._store.remove()

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.directory / "log").read_text()
        engine = Engine(self.url)
        try:
            return engine.info().cpus > 0
        except BackendError:
            return False
        finally:
            engine.close()


def _bury(directory: Path) -> None:
    """Remove what a session that was killed has left."""
    store = _Store(directory)
    with suppress(subprocess.CalledProcessError):
        store.empty()
    store.remove()


class _Store:
    """All that a service has: a directory, mounts in it, processes of containers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._configuration = directory / "containers.conf"
        places = {"root": "root", "runroot": "run", "tmpdir": "tmp", "network-config-dir": "networks"}
        self.options = [word for name, place in places.items() for word in (f"--{name}", str(directory / place))]
        self.environment = {**os.environ, "CONTAINERS_CONF": str(self._configuration), "TMPDIR": str(directory)}

    def configure(self, text: str) -> None:
        """Write what podman is told by a file."""
        self._configuration.write_text(text)

    def run(self, *arguments: str) -> str:
        """What a podman command prints."""
        command = ["podman", *self.options, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def empty(self) -> None:
        """Remove its containers and networks."""
        self.run("rm", "--all", "--force", "--time", "0")
        self.run("network", "prune", "--force")

    def remove(self) -> None:
        """Remove all that is left of it. Another session may do the same with what a dead one has left."""
        for mount in reversed(self._mounts()):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _mounts(self) -> list[str]:
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return [point for point in points if point.startswith(f"{self._directory}/")]
