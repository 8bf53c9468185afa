"""Workers, as the API tells of them."""

from worker.api import models
from worker.context import Context, Serving
from worker.roster import Worker
from worker.store import queries


def list_workers(context: Serving) -> models.Workers:
    """The workers that are connected, and what they do."""
    crew = context.crew()
    pages = pages_of_tasks(context, [worker.task for worker in crew.workers])
    return models.Workers(
        workers=[_worker(worker, pages.get(worker.task)) for worker in crew.workers], redis=not crew.is_redis_away
    )


def pages_of_tasks(context: Context, tasks: list[str]) -> dict[str, str]:
    """The pages of the runs that these tasks are of; nothing for those that are gone."""
    with context.database.read() as connection:
        runs = queries.runs_of_tasks(connection, [task for task in tasks if task])
    return {task: context.run_url(run.repository, run.number) for task, run in runs.items()}


def _worker(worker: Worker, page: str | None) -> models.Worker:
    return models.Worker(
        name=worker.name,
        host=worker.host,
        labels=worker.labels,
        since=worker.since,
        version=worker.version,
        run=page,
    )
