"""Lineup: the steps of a job at the start, made ready ahead of their turn while others run.

DESIGN. Only the job's own thread calls it and decides; the containers are made in a pool of threads. What is made
ahead is a Future: who runs the step waits for it, who gives it up leaves the clean-up to whenever it is there. A step
whose turn has come is not held up by those whose turn comes later: containers that start together slow one another, so
looking ahead begins when one of those in turn is there.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from pipelines.plan import PlannedStep
from runner.lanes import Lanes
from runner.prepared import Prepared, discard

AHEAD_OF_EACH_LANE = 2

Prepare = Callable[[PlannedStep, int], Prepared]
"""Makes a step ready in a lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A step that is ready, or on its way there, for its turn in this lane."""

    step: PlannedStep
    lane: int
    prepared: Future[Prepared]


class Lineup:
    """The lanes of a site and what is held ready in them: twice as many steps as there are lanes."""

    def __init__(self, lanes: int, prepare: Prepare) -> None:
        self._ahead = AHEAD_OF_EACH_LANE * lanes
        self._lanes = Lanes(lanes)
        self._prepare = prepare
        self._held: dict[str, _Held] = {}
        self._in_turn: list[Future[Prepared]] = []
        self._makers = ThreadPoolExecutor(lanes + self._ahead, thread_name_prefix="headrace-ready")

    def line_up(self, first: Iterable[PlannedStep]) -> None:
        """Make ready the steps whose turn comes as soon as the job can begin, so many as there are lanes."""
        for step in islice(first, self._lanes.count):
            self._in_turn.append(self._hold(step))

    def look_ahead(self, expected: Iterable[PlannedStep]) -> None:
        """Make so many of these steps ready as may be."""
        self._in_turn = [prepared for prepared in self._in_turn if not prepared.done()]
        for step in expected:
            if len(self._held) >= self._ahead:
                return
            if step.name not in self._held:
                self._hold(step, after=tuple(self._in_turn))

    def give_up(self, hopeless: Callable[[PlannedStep], bool]) -> None:
        """Discard what is held for steps whose turn won't come."""
        for held in [each for each in self._held.values() if hopeless(each.step)]:
            del self._held[held.step.name]
            self._lanes.give_up(held.step.name)
            discard(held.prepared)

    def next_of(self, steps: Iterable[PlannedStep], may_start: Callable[[PlannedStep], bool]) -> PlannedStep | None:
        """The one of these steps, all of which may start, that can start soonest. None if there are none."""
        held = [each.step for each in self._held.values() if may_start(each.step)]
        other = next((step for step in steps if step.name not in self._held), None)
        candidates = [*held, other] if other else held
        return min(candidates, key=lambda step: self._lanes.suits(step.name), default=None)

    def enter(self, step: PlannedStep) -> Future[Prepared]:
        """The step's turn has come, and a lane is free. Gives it made ready, now or ahead."""
        lane = self._lanes.enter(step.name)
        held = self._held.pop(step.name, None)
        if held and held.lane != lane:
            discard(held.prepared)
        prepared = held.prepared if held and held.lane == lane else self._submit(step, lane)
        self._in_turn.append(prepared)
        return prepared

    def leave(self, step: PlannedStep) -> None:
        """The step has ended: its lane is free."""
        self._lanes.leave(step.name)

    def close(self) -> None:
        """Discard all that is held."""
        self.give_up(lambda _step: True)
        self._makers.shutdown()

    def _hold(self, step: PlannedStep, *, after: tuple[Future[Prepared], ...] = ()) -> Future[Prepared]:
        lane = self._lanes.reserve(step)
        prepared = self._submit(step, lane, after=after)
        self._held[step.name] = _Held(step=step, lane=lane, prepared=prepared)
        return prepared

    def _submit(self, step: PlannedStep, lane: int, after: tuple[Future[Prepared], ...] = ()) -> Future[Prepared]:
        def prepare() -> Prepared:
            wait(after, return_when=FIRST_COMPLETED)
            return self._prepare(step, lane)

        return self._makers.submit(prepare)
