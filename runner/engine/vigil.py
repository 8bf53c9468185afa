"""Vigil: waits for one container's end, through whatever befalls the engine meanwhile, and believes it with care.

DESIGN. An engine that is lost is waited for. What it says afterwards depends on how it came back: containers survive a
connection that broke, an engine that hung, and a restart with live-restore; then the step goes on, and we attach anew.
An engine that stops or restarts without it ends all containers, and a program that exits with 0 on SIGTERM looks like
one that has succeeded. So there is a witness, a container that runs for as long as the engine does (the sandbox of the
lane): where it is dead, the engine has killed both, whatever the exit code is.

Most ends come while the engine was never lost. But one that is being stopped ends containers first, and answers those
who wait until it is gone itself. Then it takes no new connections any more, so that is tried at each end, which costs
a fraction of a millisecond. If systemd holds its socket, the connection is answered by the engine's successor, late:
then the witness is asked as well.
"""

import time

from runner.engine.client import ContainerState, Engine, EngineRefusal
from runner.engine.outage import Outage
from runner.engine.reader import Reader
from runner.errors import BackendError
from runner.stop import Stop

_LOOK_SECONDS = 10.0
_SUCCESSOR_SECONDS = 0.1  # no engine stops, and another starts, sooner
_KILL_SECONDS = 30.0
_MOST_STREAMS = 3
_LOST_GATE = 125
_REMOVED = "its container was removed by somebody else while it ran"


class Vigil:
    """One container, watched from its start on."""

    def __init__(self, engine: Engine, container: str, witness: str, reader: Reader, stop: Stop) -> None:
        self._engine = engine
        self._container = container
        self._witness = witness
        self._reader = reader
        self._stop = stop
        self._stopped_at: float | None = None
        self._stop_grace_seconds = 0.0
        self._outage = Outage(engine, self._pause, reader.say)
        self._is_out_of_sight = False
        self._streams = 1

    def keep(self, *, stop_grace_seconds: float) -> ContainerState:
        """Wait until the container and its output have ended; gives how.

        A stop ends the container by itself, after this grace at most. Raises BackendError if the engine doesn't come
        back or has ended the container, if the container is removed by others, or if it survives SIGKILL.
        """
        self._stop_grace_seconds = stop_grace_seconds
        while True:
            try:
                self._see_again()
                if self._engine.wait(self._container, _LOOK_SECONDS) or not self._look():
                    state = self._believed()
                    break
            except EngineRefusal as refusal:
                if refusal.status == 404:
                    raise BackendError(_REMOVED) from refusal
                self._outage.bear(refusal)
            except BackendError as error:
                self._is_out_of_sight = True
                self._outage.bear(error)
        self._reader.finish()
        return state

    def _see_again(self) -> None:
        """After the engine was lost: go on with the output of a container that has survived."""
        if self._is_out_of_sight:
            self._look()
            self._is_out_of_sight = False

    def _look(self) -> bool:
        """True if the container runs. Then its output comes, and a stop is obeyed in the end.

        Raises BackendError if the engine hangs, and what the Output raised if the container lives on nevertheless.
        """
        is_running = self._engine.state(self._container).is_running
        self._outage.end()
        if is_running and self._reader.has_ended:
            self._reader.check()
            self._attach_again()
        if is_running and self._stopped_seconds() > self._stop_grace_seconds + _KILL_SECONDS:
            raise BackendError("its container doesn't end, not even by SIGKILL")
        return is_running

    def _attach_again(self) -> None:
        if self._streams == _MOST_STREAMS:
            self._reader.say("the output broke off: what the step prints from here on is lost")
        if self._streams < _MOST_STREAMS:
            self._reader.resume(self._engine.attach(self._container))
            self._reader.say("the output broke off and goes on here: what the step printed in between is lost")
        self._streams += 1

    def _believed(self) -> ContainerState:
        """How the container has ended. Raises BackendError if the engine's own end was why."""
        began = time.monotonic()
        self._engine.greet()
        is_late = time.monotonic() - began > _SUCCESSOR_SECONDS
        state = self._engine.state(self._container)
        self._outage.end()
        if (self._outage.has_been or is_late) and not self._witness_lives():
            raise BackendError("the container engine was stopped or restarted, which ended the step's container")
        if state.is_being_removed:
            raise BackendError(_REMOVED)
        if self._outage.has_been and state.exit_code == _LOST_GATE:
            raise BackendError("the container engine was lost when the step was to begin")
        return state

    def _witness_lives(self) -> bool:
        try:
            return self._engine.state(self._witness).is_running
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return False
            raise

    def _stopped_seconds(self) -> float:
        """For how long we have known that a stop is requested."""
        if not self._stop.requested:
            return 0.0
        self._stopped_at = self._stopped_at or time.monotonic()
        return time.monotonic() - self._stopped_at

    def _pause(self, seconds: float) -> bool:
        """Wait between two tries. Once a stop is requested, an engine that is lost has no longer than the container."""
        if not self._stop.wait(seconds):
            return False
        time.sleep(seconds)
        return self._stopped_seconds() > self._stop_grace_seconds
