"""Phrases: what a task, job, step or run waits for, in a few words that go on from "waits ". Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.details import Approval
from pipelines.records import ImagePull
from worker.waiting.labels import ANY, as_text
from worker.waiting.turns import UnderWay, WaitingTask, WorkerClass, may_take

FOR_REDIS = "for Redis, which does not answer"
FOR_APPROVAL = "for approval by a person"
FOR_TAKING = "for its worker to begin"
FOR_ITS_JOB = "for its job to begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides. `ahead` counts the runs that are before the task in its concurrency group."""

    classes: Sequence[WorkerClass] = ()
    under_way: UnderWay = field(default_factory=UnderWay)
    is_redis_away: bool = False
    ahead: int = 0


def task_phrase(task: WaitingTask, facts: Facts) -> str:
    """What a task waits for that no worker has been given."""
    if phrase := _before_its_turn(task, facts):
        return phrase
    most = facts.under_way.max_runs.get(task.repository)
    if task.is_planning and most is not None and facts.under_way.runs.get(task.repository, 0) >= most:
        return f"for another run of its repository to end: {most} may go on at once"
    takers = may_take(task, facts.classes)
    if not takers:
        return _no_worker(task, facts.classes)
    if all(each.free < 1 for each in takers):
        count = sum(each.workers for each in takers)
        return f"for a free worker: {_workers(count)} at work"
    return "for its turn"


def _before_its_turn(task: WaitingTask, facts: Facts) -> str:
    """What holds it up whatever the workers do."""
    if task.not_before:
        return f"until {task.not_before}, then it is tried again"
    if facts.is_redis_away:
        return FOR_REDIS
    if task.group and facts.ahead:
        return f"{_runs(facts.ahead)} before it in concurrency group {task.group}"
    return ""


def approval_phrase(asked: Sequence[Approval]) -> str:
    """What a job waits for that a person must let begin: who that may be, and what they are asked."""
    users = list(dict.fromkeys(user for each in asked for user in each.users))
    messages = " ".join(dict.fromkeys(" ".join(each.message.split()) for each in asked if each.message))
    who = f"for approval by {' or '.join(users)}" if users else FOR_APPROVAL
    return f"{who}: {messages}" if messages else who


def job_phrase(unfinished: Sequence[str]) -> str:
    """What a job waits for that others go before: the names of those that have not ended."""
    return f"for job {_listed(unfinished)}" if unfinished else ""


def step_phrase(unfinished: Sequence[str], *, image: str, pull: ImagePull | None = None) -> str:
    """What a step of a job under way waits for that has not begun.

    The steps before it that have not ended, else an image that is being pulled, else its own container.
    """
    if unfinished:
        return f"for step {_listed(unfinished)}"
    return pull_phrase(pull) if pull else f"for a container of {image}"


def pull_phrase(pull: ImagePull) -> str:
    """What a step waits for whose image is on its way."""
    return f"for its image: pulling {pull.image}, {pull.progress}"


def _no_worker(task: WaitingTask, classes: Sequence[WorkerClass]) -> str:
    asked = {name: value for name, value in task.labels.items() if name != "repo" or not _any_repo(classes)}
    wanted = f" with {as_text(asked)}" if asked else ""
    return f"for a worker{wanted}; none is connected"


def _any_repo(classes: Sequence[WorkerClass]) -> bool:
    """True unless workers choose between repositories: only then is that worth a word."""
    return all(each.labels.get("repo", ANY) == ANY for each in classes)


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count} runs are"


def _workers(count: int) -> str:
    return "the only one is" if count == 1 else f"all {count} are"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 2
    return f"{names[0]}, {names[1]} and {more} more" if more > 0 else " and ".join(names)
