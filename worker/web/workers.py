"""The page of the workers: who is connected, what they may take, and what they do."""

from datetime import UTC, datetime

from starlette.responses import HTMLResponse

from worker.access.guard import Caller
from worker.api.workers import pages_of_tasks
from worker.context import Serving
from worker.waiting.labels import as_text
from worker.web.pages import render
from worker.web.views import WhenView, ago


def show_workers(caller: Caller, context: Serving) -> HTMLResponse:
    """All workers, by name."""
    crew = context.crew()
    pages = pages_of_tasks(context, [worker.task for worker in crew.workers])
    now = datetime.now(UTC)
    return render(
        "workers.html",
        caller=caller,
        is_redis_away=crew.is_redis_away,
        workers=[
            {
                "name": worker.name,
                "labels": as_text(worker.labels),
                "version": worker.version,
                "since": WhenView(iso=worker.since, text=ago(worker.since, now)),
                "run": pages.get(worker.task, ""),
            }
            for worker in crew.workers
        ],
    )
