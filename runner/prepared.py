"""Prepared: a step that is ready, and the environment that was known when it was made so."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from runner.backend import Outcome, Output, Readied
from runner.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """To be run once; what isn't run must be discarded. `lane` is where it is ready."""

    lane: int
    readied: Readied
    environment: Mapping[str, str]

    def run(self, environment: Mapping[str, str], output: Output, stop: Stop) -> Outcome:
        """Run the step to its end with this environment: what differs by now is handed over. Raises BackendError."""
        late = {name: value for name, value in environment.items() if self.environment.get(name) != value}
        return self.readied.release(late, output, stop)


def discard(prepared: Future[Prepared]) -> None:
    """Discard a step that is or will be prepared, if it hasn't run. What broke while it was made left nothing."""
    prepared.add_done_callback(_discard)


def _discard(prepared: Future[Prepared]) -> None:
    if prepared.exception() is None:
        prepared.result().readied.discard()
