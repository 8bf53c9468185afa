"""`headrace up`: the whole service in one command: server, workers and, unless one is given, Redis."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from socket import create_connection
from types import FrameType

import click

from runner.saying import tell
from runner.signals import is_ignored
from worker.commands.settings_options import label_option, settings_options
from worker.data_directory import only_one_service
from worker.errors import Unavailable
from worker.listening import address_of, listen
from worker.logging import configure_logging
from worker.redis_server import end_left_over, forget_socket, is_ready, redis_command, redis_url
from worker.settings import Settings
from worker.supervisor import Child, Supervisor, headrace_command
from worker.waiting.labels import worker_labels

_PATIENCE_SECONDS = 300.0  # Redis may have a long file to read, the server tables to change, the machine much to do
_UNENCRYPTED = "passwords and tokens come here unencrypted: put a proxy with TLS before it, and give --url https://…"


@click.command("up")
@settings_options
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="How many jobs run at once.")
@label_option
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long jobs under way may go on when the service is told to end.",
)
def command(*, settings: Settings, workers: int, label: tuple[str, ...], drain: float) -> int:
    """Run the whole service here: server, workers and, without --redis-url, its own Redis."""
    configure_logging(settings.log_format)
    settings = replace(settings, labels=label or settings.labels)
    worker_labels(settings.labels, host=settings.host, platform="")  # so that a bad one is said here
    with only_one_service(settings.data), listen(settings.listen) as listening:
        settings = settings.on_port(address_of(listening).port)
        return _Service(settings, listening.fileno(), workers=workers, drain_seconds=drain).run()


class _Service:
    """The processes of one `headrace up`."""

    def __init__(self, settings: Settings, listening: int, *, workers: int, drain_seconds: float) -> None:
        self._has_own_redis = not settings.redis_url
        self._settings = replace(settings, redis_url=settings.redis_url or redis_url(settings))
        self._listening = listening
        self._workers = workers
        self._drain_seconds = drain_seconds
        self._supervisor = Supervisor()
        self._is_to_end = threading.Event()

    def run(self) -> int:
        """Start everything in order, wait for a signal, end everything in the other order."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if not is_ignored(number):
                signal.signal(number, self._end)
        try:
            if self._has_own_redis:
                self._start_redis()
            self._start_server()
            self._start_workers()
            self._say_ready()
            self._is_to_end.wait()
        finally:
            self._supervisor.stop("worker", patience_seconds=self._drain_seconds, on_wait=self._say_waiting)
            self._supervisor.stop("server", patience_seconds=10)
            self._supervisor.stop("redis", patience_seconds=10)
            forget_socket(self._settings)
        return 0

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_to_end.is_set():
            self._supervisor.send("worker", signal.SIGTERM)
        self._is_to_end.set()

    def _start_redis(self) -> None:
        end_left_over(self._settings)
        self._keep("redis", redis_command(self._settings))
        self._wait_for(lambda: is_ready(self._settings), "redis")

    def _start_server(self) -> None:
        self._keep("server", headrace_command("server", "--fd", str(self._listening)), pass_fds=[self._listening])
        self._wait_for(self._server_answers, "server")

    def _start_workers(self) -> None:
        for _ in range(self._workers):
            self._keep("worker", headrace_command("worker"))

    def _keep(self, name: str, command: list[str], *, pass_fds: list[int] | None = None) -> None:
        environment = self._settings.as_environment()
        self._supervisor.keep(Child(name=name, command=command, environment=environment, pass_fds=pass_fds or ()))

    def _wait_for(self, is_ready: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_ready():
            if self._is_to_end.wait(0.05):
                return
            if self._supervisor.has_failed(name):
                raise Unavailable(f"{name} ended at once: what it said stands above")
            if time.monotonic() > deadline:
                raise Unavailable(f"{name} did not answer within {_PATIENCE_SECONDS:g} s")

    def _server_answers(self) -> bool:
        """True once the server takes connections off the socket; until then they wait in its backlog."""
        address = self._settings.listen
        host = "127.0.0.1" if address.host == "0.0.0.0" else address.host  # noqa: S104 -- compared, not bound
        try:
            with create_connection((host, address.port), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                return connection.recv(12).endswith(b"200")
        except OSError:
            return False

    def _say_ready(self) -> None:
        if not self._settings.listen.is_loopback and not self._settings.url.startswith("https://"):
            tell(f"headrace: {_UNENCRYPTED}")
        if not self._is_to_end.is_set():
            tell(f"Headrace is ready at {self._settings.url} (data in {self._settings.data})")

    def _say_waiting(self) -> None:
        tell("headrace: waiting for jobs under way to end; press Ctrl-C again to stop them")
