"""Turns: the steps of a job whose turn has come and that have not started, in file order. Pure.

There may be thousands of them that wait for a lane. Whether one runs hangs on the job's state and on its `on` alone, so
they are kept apart by that, and nobody walks past those that wait.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import merge

from pipelines.plan import PlannedStep
from pipelines.status import Status


class Turns:
    """Some of these steps. A change, and the first that are asked for, cost the same however many there are."""

    def __init__(self, steps: tuple[PlannedStep, ...]) -> None:
        self._steps = steps
        self._places = {step.name: place for place, step in enumerate(steps)}
        self._by_on: dict[tuple[Status, ...], list[int]] = {}

    def __contains__(self, step: PlannedStep) -> bool:
        return self._found(step) is not None

    def add(self, step: PlannedStep) -> None:
        """Its turn has come."""
        insort(self._by_on.setdefault(step.on, []), self._places[step.name])

    def drop(self, step: PlannedStep) -> None:
        """It has started, or never will. Nothing happens if it isn't here."""
        found = self._found(step)
        if found is not None:
            del self._by_on[step.on][found]

    def that_run(self, job_status: Status) -> Iterator[PlannedStep]:
        """Those that run in this state of the job. To be read on only while nothing changes."""
        places = merge(*(group for on, group in self._by_on.items() if job_status in on))
        return (self._steps[place] for place in places)

    def that_do_not_run(self, job_status: Status) -> list[PlannedStep]:
        """The others."""
        groups = (group for on, group in self._by_on.items() if job_status not in on)
        return [self._steps[place] for place in sorted(place for group in groups for place in group)]

    def in_file_order(self, names: set[str]) -> list[PlannedStep]:
        """The steps of these names, whether they are here or not."""
        return [self._steps[place] for place in sorted(self._places[name] for name in names)]

    def _found(self, step: PlannedStep) -> int | None:
        """Where it is in its group, if it is here."""
        group, place = self._by_on.get(step.on, []), self._places.get(step.name, -1)
        at = bisect_left(group, place)
        return at if at < len(group) and group[at] == place else None
