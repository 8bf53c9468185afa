"""A real sshd, that lets one key in to the repositories of this machine."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mortal import mortal
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """An sshd on a port of its own, that lets one key in: `key`, until another one is authorized."""

    url: str
    key: str
    known_hosts: str
    directory: Path

    def authorize(self, public_key: str) -> None:
        """Let this key in, and no other."""
        (self.directory / "user.pub").write_text(public_key + "\n")


@contextmanager
def ssh_server_in(directory: Path) -> Iterator[SshServer]:
    """The server, until the end of the block; its files are in this directory."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)
    port = free_port()
    configuration = directory / "sshd_config"
    configuration.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/user.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "openssh-server is needed by the tests of access by ssh"
    with subprocess.Popen(
        mortal([program, "-D", "-e", "-f", str(configuration)]), stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: is_open(port), what="sshd listens")
            host_key = (directory / "host.pub").read_text()
            user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
            yield SshServer(
                url=f"ssh://{user}@127.0.0.1:{port}",
                key=(directory / "user").read_text(),
                known_hosts=f"[127.0.0.1]:{port} {host_key}",
                directory=directory,
            )
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
