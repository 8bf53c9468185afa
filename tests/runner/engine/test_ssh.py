"""An engine behind ssh: a real sshd with keys of the tests' own, the user's own ssh program, and their failures."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.errors import BackendError
from tests.mortal import mortal
from tests.runner.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


@dataclass(frozen=True, slots=True)
class SshServer:
    """A running sshd. `client` is the configuration that ssh is given."""

    port: int
    directory: Path
    process: "subprocess.Popen[bytes]"

    def url(self, path: str = "") -> str:
        return f"ssh://127.0.0.1:{self.port}{path}"

    def configure(self, *lines: str) -> None:
        fixed = (f"IdentityFile {self.directory}/user", f"UserKnownHostsFile {self.directory}/known_hosts")
        own = [line for line in fixed if line.split()[0] not in {each.split()[0] for each in lines}]
        (self.directory / "client").write_text("\n".join((*lines, *own, "IdentitiesOnly yes", "")))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    """An sshd on this machine that knows one key, and an `ssh` on the PATH that knows it."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    ssh = shutil.which("ssh")
    assert program, "the tests need sshd: `scripts/bootstrap ssh` installs it"
    assert ssh, "the tests need ssh: `scripts/bootstrap ssh` installs it"
    Path("/run/sshd").mkdir(exist_ok=True)  # what Debian's service makes
    for name in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    port = free_port()
    (tmp_path / "authorized_keys").write_bytes((tmp_path / "user.pub").read_bytes())
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    (tmp_path / "server").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {tmp_path}/authorized_keys\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin yes\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(
        f'#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec {ssh} -F {tmp_path}/client "$@"\n'
    )
    (tmp_path / "bin" / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(mortal([program, "-D", "-e", "-f", tmp_path / "server"]), stderr=log)
    server = SshServer(port, tmp_path, process)
    server.configure()
    wait_until(lambda: answers(port), what="sshd answers")
    with tempfile.TemporaryDirectory(prefix="ssh-") as sockets:  # their paths must be short
        monkeypatch.setattr(tempfile, "tempdir", sockets)
        yield server
        wait_until(lambda: not list(Path(sockets).iterdir()), what="nothing is left of any tunnel")
    process.terminate()
    process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes(server: SshServer) -> list[int]:
    """The ssh processes that run still, of those that were started."""
    file = server.directory / "pids"
    pids = [int(pid) for pid in file.read_text().split()] if file.exists() else []
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_job_runs_on_an_engine_behind_ssh(server: SshServer, busybox: str, tmp_path: Path) -> None:
    with closing(DockerBackend(server.url())) as backend:
        world = World(backend=backend, image=busybox, directory=tmp_path)
        steps = world.chain(
            world.step("a", "cat here; echo aside >&2; yes | head -n 200000"), world.step("b", "echo b")
        )
        result = world.run(*steps, files={"here": "text\n"})
        assert len((server.directory / "pids").read_text().split()) == 1, "one process serves all connections"
    assert result.status is Status.SUCCESS
    assert result.lines("a", Stream.STDOUT) == ["text", *["y"] * 200_000]
    assert result.lines("b", Stream.STDOUT) == ["b"]
    assert processes(server) == []


def test_nothing_is_started_before_the_first_call(server: SshServer) -> None:
    with closing(Engine(server.url())) as engine:
        assert not (server.directory / "pids").exists()
        assert engine.info().cpus > 0
        assert processes(server)
    assert processes(server) == []


def test_an_engine_that_was_closed_can_be_used_again(server: SshServer) -> None:
    with closing(Engine(server.url())) as engine:
        engine.info()
        engine.close()
        assert engine.info().cpus > 0


def test_ssh_that_was_killed_is_started_again(server: SshServer) -> None:
    with closing(Engine(server.url())) as engine:
        engine.info()
        (pid,) = processes(server)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not list(Path(tempfile.gettempdir()).iterdir()), what="its end was noticed")
        assert engine.info().cpus > 0


def test_ssh_ends_with_us_even_if_we_are_killed(server: SshServer) -> None:
    program = (
        "from runner.engine.client import Engine\n"
        f"engine = Engine({server.url()!r}); engine.info(); print('up', flush=True); input()"
    )
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as ours:
        assert ours.stdout is not None
        assert ours.stdout.readline() == b"up\n"
        assert processes(server)
        ours.kill()
    wait_until(lambda: not processes(server), what="ssh has ended")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("UserKnownHostsFile /dev/null",), "Host key verification failed."),
        (("IdentityFile stranger",), "Permission denied (publickey)."),
        (("ProxyCommand false",), "Connection closed by UNKNOWN port 65535"),
    ],
)
def test_what_ssh_says_is_told_in_one_line(server: SshServer, lines: tuple[str, ...], said: str) -> None:
    server.configure(*(line.replace("stranger", str(server.directory / "stranger")) for line in lines))
    with closing(Engine(server.url())) as engine, pytest.raises(BackendError) as caught:
        engine.info()
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"no way to the container engine at {server.url()} by ssh: ")
    assert str(caught.value).endswith(f"(does this work: ssh -p {server.port} 127.0.0.1 docker version)")
    assert "\n" not in str(caught.value)
    assert processes(server) == []


def test_a_machine_without_an_engine_is_named(server: SshServer) -> None:
    with closing(Engine(server.url("/nowhere/docker.sock"))) as engine, pytest.raises(BackendError) as caught:
        engine.info()
    assert str(caught.value).startswith(
        f"no container engine answers at {server.url('/nowhere/docker.sock')} (ssh says: "
    )
    assert "open failed: connect failed: open failed" in str(caught.value)


def test_a_machine_that_is_not_there_is_named() -> None:
    port = free_port()
    with closing(Engine(f"ssh://127.0.0.1:{port}")) as engine, pytest.raises(BackendError, match="Connection refused"):
        engine.info()
