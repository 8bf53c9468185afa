"""Health: a service that has a check counts as started once that says so.

DESIGN. We run the check ourselves, the service's own or that of its image. An engine would ask for the first time after
the interval, 30 s unless the image says less, would go on asking for as long as the service runs, and Podman asks only
where systemd does. So the engine's own asking is off, ours begins at once, and the first good answer ends it. A service
that runs something else than its image's program is not what the image's check was written for: it counts as started
when it runs, unless it asks for that check.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from pipelines.details import Healthcheck
from pipelines.plan import PlannedStep
from pipelines.status import Status
from runner.deadline import limit_text
from runner.engine.client import ContainerState, EngineLost, EngineRefusal, Image
from runner.engine.spec import Options, runs_image_program
from runner.errors import BackendError, StepError
from runner.stop import Stop

LIMIT_SECONDS = 60.0
_ONE_CHECK_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 1.0
_LONGEST_ANSWER = 200


class Asked(Protocol):
    """Where containers are asked: an engine."""

    def execute(self, container: str, command: Iterable[str], seconds: float) -> tuple[int | None, bytes]:
        """Run a command in a container; its exit code, None if it runs on after this time, and what it printed."""

    def state(self, container: str) -> ContainerState:
        """Where the container stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A command that says whether a container is healthy, and how long it may take until it does.

    Without an interval the pauses grow. With `retries`, so many checks may fail after `start_seconds`; without, it must
    succeed within `limit_seconds` of these.
    """

    command: tuple[str, ...]
    interval_seconds: float | None = None
    one_check_seconds: float = _ONE_CHECK_SECONDS
    retries: int | None = None
    start_seconds: float = 0.0
    limit_seconds: float = LIMIT_SECONDS


def check_of(service: PlannedStep, image: Image) -> HealthCheck | None:
    """The service's check, if it has one. Raises StepError if it asks for that of an image that has none."""
    asked = service.healthcheck
    if asked and asked.command:
        return _check(_in_shell(asked.command, image), asked)
    own = _own_command(image)
    if asked and not own:
        raise StepError(f"`healthcheck` has no `command`, and image {service.image} brings no check of its own")
    return _check(own, asked or Healthcheck()) if own and (asked or runs_image_program(service)) else None


def _check(command: tuple[str, ...], asked: Healthcheck) -> HealthCheck:
    return HealthCheck(
        command=command,
        interval_seconds=asked.interval,
        one_check_seconds=asked.timeout or _ONE_CHECK_SECONDS,
        retries=asked.retries,
        start_seconds=asked.start_period or 0.0,
    )


def _in_shell(commands: tuple[str, ...], image: Image) -> tuple[str, ...]:
    return (*image.shell, "\n".join(("set -e", *commands) if len(commands) > 1 else commands))


def _own_command(image: Image) -> tuple[str, ...]:
    """The image's own check as a program and its arguments; empty if it has none."""
    match image.health:
        case ("CMD", *command) if command:
            return tuple(command)
        case ("CMD-SHELL", command):
            return (*image.shell, command)
    return ()


def unasked(options: Options, image: Image) -> Options:
    """The options of a container whose engine is not to run the image's check. Only if there is one: Podman objects."""
    return {**options, "Healthcheck": {"Test": ["NONE"]}} if image.health else options


class HealthWatch:
    """Asks a container until it is healthy. If it doesn't become so, its `stop` is requested as *failure*."""

    def __init__(self, engine: Asked, container: str, check: HealthCheck, stop: Stop) -> None:
        self._engine = engine
        self._container = container
        self._check = check
        self._stop = stop
        self._said = "nothing, it has not ended"

    def begin(self, healthy: Callable[[], None]) -> None:
        """Ask from now on, in a thread of its own; call `healthy` once it is."""
        threading.Thread(target=self._ask_until, args=(healthy,), name="headrace-health", daemon=True).start()

    def _ask_until(self, healthy: Callable[[], None]) -> None:
        try:
            if self._becomes_healthy():
                healthy()
        except BackendError as error:
            self._stop.request(Status.ERROR, str(error))

    def _becomes_healthy(self) -> bool:
        """True once a check succeeds; False if the container ends before, or takes too long and is stopped for that."""
        check, began = self._check, time.monotonic()
        pause, failures = check.interval_seconds or _FIRST_PAUSE_SECONDS, 0
        while (left := began + check.start_seconds + check.limit_seconds - time.monotonic()) > 0 or check.retries:
            try:
                if self._is_healthy(check.one_check_seconds if check.retries else min(left, check.one_check_seconds)):
                    return True
            except EngineRefusal as refusal:
                self._said = refusal.answer
                if self._has_ended():
                    return False
            except EngineLost as lost:  # who follows the container knows how long to wait for the engine
                self._said = str(lost)
            failures += time.monotonic() >= began + check.start_seconds
            if check.retries and failures >= check.retries:
                break
            if self._stop.wait(pause):
                return False
            pause = check.interval_seconds or min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._stop.request(Status.FAILURE, f"not healthy {self._in_vain()}; its check says: {self._said}")
        return False

    def _in_vain(self) -> str:
        if self._check.retries:
            return f"after {self._check.retries} checks" if self._check.retries > 1 else "after one check"
        return f"within {limit_text(self._check.start_seconds + self._check.limit_seconds)}"

    def _has_ended(self) -> bool:
        """True if there is nothing left to ask: whoever follows the container knows how it ended."""
        try:
            return not self._engine.state(self._container).is_running
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return True
            raise

    def _is_healthy(self, seconds: float) -> bool:
        code, printed = self._engine.execute(self._container, self._check.command, seconds)
        lines = [line.strip() for line in printed.decode("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            self._said = lines[-1][:_LONGEST_ANSWER]
        elif code is not None:  # one that was cut off says nothing, least of all the last
            self._said = f"exit code {code}"
        return code == 0
