"""Health: a service that brings a check of its own counts as started once that says so.

DESIGN. We run the check of the image ourselves. An engine would ask for the first time after the image's interval, 30 s
unless it says less, would go on asking for as long as the service runs, and Podman asks only where systemd does. So the
engine's own asking is off, ours begins at once, and the first good answer ends it. A service that runs something else
than its image's program is not what the check was written for, and counts as started when it runs.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.status import Status
from runner.deadline import limit_text
from runner.engine.client import Engine, EngineLost, EngineRefusal, Image
from runner.engine.spec import Options
from runner.errors import BackendError
from runner.stop import Stop

LIMIT_SECONDS = 60.0
_ONE_CHECK_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 1.0
_LONGEST_ANSWER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A command that says whether a container is healthy, and how long it may take until it does."""

    command: tuple[str, ...]
    limit_seconds: float = LIMIT_SECONDS


def check_of(image: Image) -> HealthCheck | None:
    """The image's own check, if it has one."""
    match image.health:
        case ("CMD", *command) if command:
            return HealthCheck(command=tuple(command))
        case ("CMD-SHELL", command):
            return HealthCheck(command=(*image.shell, command))
    return None


def unasked(options: Options, image: Image) -> Options:
    """The options of a container whose engine is not to run the image's check. Only if there is one: Podman objects."""
    return {**options, "Healthcheck": {"Test": ["NONE"]}} if image.health else options


class HealthWatch:
    """Asks a container until it is healthy. If it doesn't become so, its `stop` is requested as *failure*."""

    def __init__(self, engine: Engine, container: str, check: HealthCheck, stop: Stop) -> None:
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
        deadline, pause = time.monotonic() + self._check.limit_seconds, _FIRST_PAUSE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                if self._is_healthy(min(left, _ONE_CHECK_SECONDS)):
                    return True
            except EngineRefusal as refusal:
                self._said = refusal.answer
                if self._has_ended():
                    return False
            except EngineLost as lost:  # who follows the container knows how long to wait for the engine
                self._said = str(lost)
            if self._stop.wait(min(pause, left)):
                return False
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        limit = limit_text(self._check.limit_seconds)
        self._stop.request(Status.FAILURE, f"not healthy within {limit}; the image's check says: {self._said}")
        return False

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
