"""A Podman service of the tests' own: its images, containers and networks are apart from all others on the machine."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from runner.engine.client import Engine
from runner.errors import BackendError
from tests.mortal import mortal
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
        self.directory = Path(tempfile.mkdtemp(prefix="podman-"))
        configuration = self.directory / "containers.conf"
        configuration.write_text(_CONFIGURATION.format(init=json.dumps(init)))
        self.url = f"unix://{self.directory}/podman.sock"
        self._environment = {**os.environ, "CONTAINERS_CONF": str(configuration), "TMPDIR": str(self.directory)}
        self._podman = [program, *self._options()]
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                mortal([*self._podman, "system", "service", "--time", "0", self.url]),
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, seconds=60, what="podman answers")

    def run(self, *arguments: str) -> str:
        """What a podman command prints, with the same containers and images."""
        command = [*self._podman, *arguments]
        return subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True).stdout

    def load(self, image: str) -> None:
        """Give it an image of the tests' Docker engine."""
        with (self.directory / "image.tar").open("w+b") as tar:
            subprocess.run(["docker", "save", image], check=True, stdout=tar)
        self.run("load", "--quiet", "--input", str(self.directory / "image.tar"))

    def close(self) -> None:
        """End it, and remove all that it had."""
        self.run("rm", "--all", "--force", "--time", "0")
        self.run("network", "prune", "--force")
        self._process.terminate()
        self._process.wait(60)
        for mount in reversed(self._mounts()):
            subprocess.run(["umount", "--lazy", mount], check=True)
        shutil.rmtree(self.directory)

    def _options(self) -> list[str]:
        places = {"root": "root", "runroot": "run", "tmpdir": "tmp", "network-config-dir": "networks"}
        return [word for name, place in places.items() for word in (f"--{name}", str(self.directory / place))]

    def _mounts(self) -> list[str]:
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return [point for point in points if point.startswith(f"{self.directory}/")]

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.directory / "log").read_text()
        engine = Engine(self.url)
        try:
            return engine.info().cpus > 0
        except BackendError:
            return False
        finally:
            engine.close()
