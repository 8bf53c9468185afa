"""The crew: the workers that are connected, and which of them are free. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.roster import Worker
from worker.waiting.turns import WorkerClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The workers as the dispatcher last saw them. `orphans` are tasks whose worker has not been heard of for a while:
    they keep no worker busy.
    """

    workers: Sequence[Worker] = ()
    orphans: frozenset[str] = frozenset()
    is_redis_away: bool = False


def classes_of(crew: Crew, out: Iterable[tuple[str, str]]) -> list[WorkerClass]:
    """The worker classes. `out` are the tasks that were given out and have not ended: id and queue of each."""
    busy = Counter(queue for task, queue in out if task not in crew.orphans)
    counts = Counter(worker.queue for worker in crew.workers)
    labels = {worker.queue: worker.labels for worker in crew.workers}
    return [
        WorkerClass(queue=queue, labels=labels[queue], workers=count, free=max(0, count - busy[queue]))
        for queue, count in sorted(counts.items())
    ]
