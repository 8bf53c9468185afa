"""How an engine is reached: by TLS, with certificates on both sides, and only one that is new enough."""

import http.server
import json
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.address import Certificates
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.errors import BackendError
from tests.runner.world import World

ROOT = Path(__file__).parents[3]


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as Docker has it, and in it `server.pem`: one authority signed both sides' certificates."""
    place = tmp_path_factory.mktemp("certificates")
    authority = ("-CA", place / "ca.pem", "-CAkey", place / "ca-key.pem", "-CAcreateserial", "-days", "2")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tests", "-days", "2",
            "-keyout", place / "ca-key.pem", "-out", place / "ca.pem")  # fmt: skip
    (place / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, key in (("cert", "key"), ("server", "server-key")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-keyout", place / f"{key}.pem", "-out", place / f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", place / f"{name}.csr", "-extfile", place / "names", *authority,
                "-out", place / f"{name}.pem")  # fmt: skip
    return place


@pytest.fixture
def by_tls(certificates: Path, engine_url: str) -> Iterator[str]:
    """The tests' engine behind a door that opens to our certificate alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with _Door(("127.0.0.1", 0), context, engine_url.removeprefix("unix://")) as door:
        thread = threading.Thread(target=door.serve_forever, args=(0.05,))
        thread.start()
        yield f"tcp://127.0.0.1:{door.server_address[1]}"
        door.shutdown()
        thread.join()


@pytest.mark.docker
def test_a_job_runs_on_an_engine_that_is_reached_by_tls(
    by_tls: str, certificates: Path, busybox: str, tmp_path: Path
) -> None:
    """Its output comes through a connection that has left HTTP behind, and its files through one that has not."""
    ours = Certificates(directory=certificates, verify=True)
    with closing(DockerBackend(by_tls, certificates=ours)) as backend:
        world = World(backend=backend, image=busybox, directory=tmp_path)
        result = world.run(world.step("a", "cat here; echo aside >&2; yes | head -n 200000"), files={"here": "text\n"})
    assert result.status is Status.SUCCESS
    assert result.lines("a", Stream.STDOUT) == ["text", *["y"] * 200_000]
    assert result.lines("a", Stream.STDERR) == ["aside"]


_APART = """
set -e
ip link set lo up
cd "$1"
dockerd --bridge=none --data-root "$2/data" --exec-root "$2/exec" --pidfile "$2/pid" --host tcp://127.0.0.1:2376 \\
  --tlsverify --tlscacert ca.pem --tlscert server.pem --tlskey server-key.pem >"$2/log" 2>&1 &
engine=$!
trap 'kill $engine; wait $engine || true' EXIT
export DOCKER_HOST=tcp://127.0.0.1:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$1
for _ in $(seq 400); do docker version >/dev/null 2>&1 && break; sleep 0.25; done
docker load --quiet --input "$2/image.tar" >/dev/null
cd "$3"
"$4" -m runner.cli run --event manual --output json
"""
"""An engine that asks for certificates, and a run on it, in a network of their own: it would take down our docker0."""


@pytest.mark.docker
def test_a_run_on_an_engine_that_asks_for_certificates(certificates: Path, busybox: str, tmp_path: Path) -> None:
    """The engine's own TLS, gate and attach through it, and the variables that `docker` obeys."""
    subprocess.run(["docker", "save", "--output", tmp_path / "image.tar", busybox], check=True)
    project = tmp_path / "project"
    project.mkdir()
    step = "{image: IMAGE, commands: 'yes | head -n 200000'}".replace("IMAGE", busybox)
    (project / ".headrace.yaml").write_text(f"steps: {{a: {step}, b: {step}}}")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    apart: list[str | Path] = [
        "unshare",
        "--net",
        "bash",
        "-c",
        _APART,
        "apart",
        certificates,
        tmp_path,
        project,
        sys.executable,
    ]
    state = {"HEADRACE_STATE": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(apart, env={**os.environ, **state}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    logs = [each for each in records if each["type"] == "log" and each["step"] == "a"]
    assert sum(each["lines"].count("y") for each in logs) == 200_000


@pytest.mark.docker
def test_an_engine_that_others_vouch_for_is_not_spoken_to(by_tls: str, certificates: Path, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((certificates / name).read_bytes())
    engine = Engine(by_tls, Certificates(directory=tmp_path, verify=True))
    with pytest.raises(
        BackendError, match=r"can't be spoken to by TLS: certificate verify failed \(see DOCKER_CERT_PATH\)"
    ):
        engine.info()


@pytest.mark.docker
def test_an_engine_that_wants_a_certificate_gets_none_where_there_is_none(by_tls: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="can't be spoken to by TLS: "):  # who hears what first is a race
        Engine(by_tls, Certificates(directory=tmp_path, verify=False)).info()


@pytest.mark.parametrize("version", ["1.40", "1.12"])
def test_an_engine_that_is_too_old_is_named(version: str) -> None:
    """One is too old for us, the other for the library."""
    with _OldEngine(version) as url, pytest.raises(BackendError) as caught:
        Engine(url).info()
    assert str(caught.value).endswith("1.41 (Docker 20.10, Podman 4) is needed")


def test_logins_that_cannot_be_read_are_not_taken_for_a_missing_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": "%"}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with _OldEngine("1.41") as url, pytest.raises(BackendError, match=r"the logins in Docker's config\.json"):
        Engine(url).info()


def test_calls_one_after_another_share_a_connection(tmp_path: Path) -> None:
    """Also if they are about different things, which the library would make one for each."""
    with _Listener(tmp_path / "socket") as listener, closing(Engine(f"unix://{tmp_path}/socket")) as engine:
        for name in ("a", "b", "c"):
            engine.start(name)
    assert len(listener.asked) == 1 + 3  # for its version
    assert listener.connections <= 2


def test_a_connection_that_the_engine_has_ended_is_made_anew(tmp_path: Path) -> None:
    with closing(Engine(f"unix://{tmp_path}/socket")) as engine:
        with _Listener(tmp_path / "socket"):
            engine.start("a")
        with pytest.raises(BackendError, match=r"is Docker running\?"):
            engine.start("b")
        with _Listener(tmp_path / "socket") as listener:
            engine.start("c")
    assert len(listener.asked) == 1


class _Listener(socketserver.ThreadingUnixStreamServer):
    """An engine at a unix socket, that does as it is told. `asked` are the paths."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Teller)
        self.connections = 0
        self.asked: list[str] = []
        self.open: list[socket.socket] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self) -> "_Listener":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self._thread.join()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Teller(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.client_address = ("", 0)
        self.server.connections += 1
        self.server.open.append(self.request)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name is http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass


class _Door(socketserver.ThreadingTCPServer):
    """Takes TLS connections and passes their bytes to a unix socket and back."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, behind: str) -> None:
        super().__init__(address, _Visitor)
        self.context = context
        self.behind = behind


class _Visitor(socketserver.BaseRequestHandler):
    server: _Door

    def handle(self) -> None:
        with (
            suppress(OSError),
            self.server.context.wrap_socket(self.request, server_side=True) as outside,
            socket.socket(socket.AF_UNIX) as inside,
        ):
            inside.connect(self.server.behind)
            back = threading.Thread(target=_pass, args=(inside, outside), daemon=True)
            back.start()
            _pass(outside, inside)
            back.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until it ends, and then the end."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR if isinstance(target, ssl.SSLSocket) else socket.SHUT_WR)


class _OldEngine:
    """Answers nothing but its version."""

    def __init__(self, version: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"ApiVersion": version}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"tcp://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
