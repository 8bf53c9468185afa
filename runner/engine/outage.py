"""Outage: an engine that is lost or in trouble is asked again, for as long as its patience lasts.

DESIGN. An engine that restarts is away for seconds, a connection may break for no reason that lasts, and a busy engine
answers some questions with a 500 that it answers well the next time. So what may be tried again is: until the engine's
patience is used up if it is lost, and a few times if it refuses with a server's error. How long it has been lost is
known to the Engine, not to who asks: many who wait for one engine give up together, and whoever comes later, to clean
up after them, doesn't wait for it once more. What an engine says no to in any other way is never asked again.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from runner.deadline import limit_text
from runner.engine.client import Engine, EngineLost, EngineRefusal
from runner.errors import BackendError, StepError

T = TypeVar("T")

Pause = Callable[[float], bool]
"""Waits so many seconds; True if there is no point in another try, which may also be known sooner."""

Say = Callable[[str], None]
"""Takes a line for whoever waits."""

_REFUSAL_PAUSES_SECONDS = (0.2, 1.0, 3.0)
_LOST_PAUSE_SECONDS = 0.5


class Outage:
    """One spell of trouble with an engine, of which nobody may know yet whether it is one.

    `has_been` tells whether the engine was lost since this was made: what it did meanwhile, nobody saw. `passing` are
    statuses of refusals that may not stand the next time.
    """

    def __init__(
        self, engine: Engine, pause: Pause, say: Say = lambda _line: None, *, passing: tuple[int, ...] = ()
    ) -> None:
        self._engine = engine
        self._passing = passing
        self._pause = pause
        self._say = say
        self._refusals = 0
        self._lost_since: float | None = None
        self._is_told = False
        self.has_been = False

    def bear(self, error: BackendError) -> None:
        """Wait before the next try. Raises the error if there should be none."""
        if isinstance(error, EngineLost):
            self._bear_loss(error)
        elif (refusal := _refusal_of(error)) and (refusal.status >= 500 or refusal.status in self._passing):
            self._bear_refusal(error)
        else:
            raise error

    def end(self) -> None:
        """The engine has answered as it should."""
        self._refusals = 0
        self._lost_since = None
        if self._is_told:
            self._is_told = False
            self._say("the container engine answers again")

    def _bear_loss(self, error: EngineLost) -> None:
        self.has_been = True
        patience, now = self._engine.patience_seconds, time.monotonic()
        self._lost_since = self._lost_since or now  # it may answer all questions but this one
        if max(self._engine.lost_seconds, now - self._lost_since) >= patience:
            raise EngineLost(f"{error}; waited {limit_text(patience)} for it to come back") from error
        if not self._is_told:
            self._is_told = True
            self._say(f"the container engine doesn't answer: waiting up to {limit_text(patience)} for it to come back")
        if self._pause(min(_LOST_PAUSE_SECONDS, patience / 10)):
            raise error

    def _bear_refusal(self, error: BackendError) -> None:
        if self._refusals >= len(_REFUSAL_PAUSES_SECONDS):
            raise error
        self._refusals += 1
        if self._pause(_REFUSAL_PAUSES_SECONDS[self._refusals - 1]):
            raise error


def _refusal_of(error: BackendError) -> EngineRefusal | None:
    """The engine's no, also where it stands behind what a step is told of it."""
    found = error.__cause__ if type(error) is StepError else error
    return found if isinstance(found, EngineRefusal) else None


def persist(
    attempt: Callable[[], T],
    engine: Engine,
    pause: Pause,
    say: Say = lambda _line: None,
    *,
    passing: tuple[int, ...] = (),
) -> T:
    """What `attempt` gives, tried again while the engine's trouble may pass. It must do no harm if done twice.

    `passing` are statuses of refusals, beside the server's errors, that may not stand the next time.
    """
    outage = Outage(engine, pause, say, passing=passing)
    while True:
        try:
            result = attempt()
        except BackendError as error:
            outage.bear(error)
        else:
            outage.end()
            return result
