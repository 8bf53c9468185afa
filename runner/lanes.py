"""Lanes: which step has which lane, also ahead of its turn. Pure.

A step that is made ready ahead is tied to its lane, and must find it free when its turn comes. So it takes the lane of
a step that it waits for: that one has ended by then. Where more steps could start than there are lanes, the one whose
lane has become free goes first. A step that finds its lane busy all the same is made ready anew elsewhere: no step
waits while a lane is free.
"""

from dataclasses import dataclass, field

from pipelines.plan import PlannedStep


@dataclass(slots=True)
class _Lane:
    """The step that runs in it and those that are to follow, in the order in which they will."""

    running: str = ""
    reserved: list[str] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The last step that is known to use it."""
        return self.reserved[-1] if self.reserved else self.running


class Lanes:
    """So many lanes, counted from 0, with at most one running step in each."""

    def __init__(self, count: int) -> None:
        self._lanes = [_Lane() for _ in range(count)]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._lanes)

    def reserve(self, step: PlannedStep) -> int:
        """The lane to make this step ready in, ahead of its turn."""
        lane = self._after(step)
        if lane is None:
            lane = self._emptiest(range(len(self._lanes)))
        self._lanes[lane].reserved.append(step.name)
        return lane

    def suits(self, name: str) -> int:
        """How well it suits that this step starts now: 0 if its lane is free, 1 if it has none, 2 if that is busy."""
        own = self._reserved_by(name)
        if own is None:
            return 1
        return 2 if self._lanes[own].running else 0

    def enter(self, name: str) -> int:
        """The lane that a step runs in from now on: its own if that is free. One must be."""
        own = self._reserved_by(name)
        self.give_up(name)
        free = [number for number, lane in enumerate(self._lanes) if not lane.running]
        lane = own if own in free else self._emptiest(free)
        self._lanes[lane].running = name
        return lane

    def leave(self, name: str) -> None:
        """The step has ended."""
        for lane in self._lanes:
            if lane.running == name:
                lane.running = ""

    def give_up(self, name: str) -> None:
        """The step's turn never comes, or it goes elsewhere."""
        for lane in self._lanes:
            if name in lane.reserved:
                lane.reserved.remove(name)

    def _after(self, step: PlannedStep) -> int | None:
        """A lane that ends with a step that this one waits for."""
        for number, lane in enumerate(self._lanes):
            if lane.last in step.depends_on:
                return number
        return None

    def _reserved_by(self, name: str) -> int | None:
        for number, lane in enumerate(self._lanes):
            if name in lane.reserved:
                return number
        return None

    def _emptiest(self, numbers: "list[int] | range") -> int:
        return min(numbers, key=lambda number: len(self._lanes[number].reserved) + bool(self._lanes[number].running))
