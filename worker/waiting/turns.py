"""Turns: which of the tasks that wait are given out now, and to which workers. Pure.

DESIGN. A task is given out only when a worker is free for it, so that whatever is more urgent, or of a repository that
has less under way, still goes first; what waits, waits in the database. Higher priority goes first; among equals the
repository with the fewest tasks under way; of one repository the oldest run. Of a concurrency group as many are under
way as its limit says, in the order in which they came; a repository that may have so many runs at once plans no other
before one of them ends. Of the workers that may take a task, those with the fewest labels get it, so that special ones
stay free for those who ask for them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.waiting.labels import Labels, meets

HIGHEST_PRIORITY = 1000
MOST_RUNS = 10_000

Group = tuple[int, str]
"""A concurrency group: its repository's id, and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingTask:
    """A task that is in no queue yet. `group` is `""` for one without a concurrency group, `run` sorts by age.

    `came` is when it was made, with what tells apart those that came together; `not_before` the time for which it is
    held back, `""` once that has come.
    """

    id: str
    repository: int
    run: str
    is_planning: bool
    priority: int = 0
    labels: Labels = field(default_factory=dict)
    group: str = ""
    limit: int = 0
    came: tuple[str, int] = ("", 0)
    not_before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerClass:
    """Workers of the same labels, who share a queue: how many there are, and how many are free."""

    queue: str
    labels: Labels
    workers: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """What has been given out and not ended: tasks by repository and by group, and runs by repository.

    `max_runs` has those repositories that may not have any number of runs at once.
    """

    tasks: Mapping[int, int] = field(default_factory=dict)
    groups: Mapping[Group, int] = field(default_factory=dict)
    runs: Mapping[int, int] = field(default_factory=dict)
    max_runs: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """A task's turn has come: it goes into this queue."""

    task: str
    queue: str


def turns(waiting: Sequence[WaitingTask], classes: Sequence[WorkerClass], under_way: UnderWay) -> list[Turn]:
    """The tasks whose turn it is, in order."""
    counts = _Counts(under_way)
    free = {each.queue: each.free for each in classes}
    suiting = {task.id: may_take(task, classes) for task in waiting}
    candidates = in_order_of_arrival(waiting)
    found: list[Turn] = []

    def takers(task: WaitingTask) -> list[WorkerClass]:
        return [each for each in suiting[task.id] if free[each.queue] > 0]

    while any(count > 0 for count in free.values()):
        ready = [task for task in _first_of_groups(candidates) if counts.have_room_for(task) and takers(task)]
        if not ready:
            break
        task = min(ready, key=counts.rank)
        queue = takers(task)[0].queue
        found.append(Turn(task.id, queue))
        free[queue] -= 1
        counts.add(task)
        candidates.remove(task)
    return found


def in_order_of_arrival(waiting: Sequence[WaitingTask]) -> list[WaitingTask]:
    """Those that came first, first."""
    return sorted(waiting, key=lambda task: task.came)


def may_take(task: WaitingTask, classes: Sequence[WorkerClass]) -> list[WorkerClass]:
    """The workers that may take a task, those that suit it best first, whether free or not."""
    fitting = [each for each in classes if meets(each.labels, task.labels)]
    return sorted(fitting, key=lambda each: (len(each.labels), each.queue))


def _first_of_groups(tasks: Sequence[WaitingTask]) -> list[WaitingTask]:
    """Of tasks in order of arrival, those that no other of their group goes before."""
    seen: set[Group] = set()
    found = []
    for task in tasks:
        group = (task.repository, task.group)
        if not task.group or group not in seen:
            found.append(task)
        seen.add(group)
    return found


class _Counts:
    """What is under way, and what is added to it."""

    def __init__(self, under_way: UnderWay) -> None:
        self._tasks = Counter(under_way.tasks)
        self._groups = Counter(under_way.groups)
        self._runs = Counter(under_way.runs)
        self._max_runs = under_way.max_runs

    def have_room_for(self, task: WaitingTask) -> bool:
        """True unless its group or its repository has to wait for others to end."""
        if task.group and self._groups[task.repository, task.group] >= task.limit:
            return False
        most = self._max_runs.get(task.repository)
        return not (task.is_planning and most is not None and self._runs[task.repository] >= most)

    def rank(self, task: WaitingTask) -> tuple[int, int, str, tuple[str, int]]:
        """The lowest goes first."""
        return (-task.priority, self._tasks[task.repository], task.run, task.came)

    def add(self, task: WaitingTask) -> None:
        """It is given out."""
        self._tasks[task.repository] += 1
        self._runs[task.repository] += task.is_planning
        if task.group:
            self._groups[task.repository, task.group] += 1
