"""Pages: the latest runs, a repository's runs, one run, and what is shown where something went wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from worker.access.guard import Caller
from worker.access.identity import Identity
from worker.api.numbers import LARGEST, Number
from worker.api.problems import described, headers_of
from worker.api.runs import OlderThan
from worker.badges.address import badge_path, markdown
from worker.badges.standing import is_for_everybody
from worker.context import Serving, repository_path
from worker.storage import Files
from worker.store import parts, queries, repositories
from worker.store.retained import removals_of
from worker.store.waits import waits_of_run, waits_of_runs
from worker.web import views

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGE_SIZE = 50


def show_latest(caller: Caller, context: Serving, before: OlderThan = None) -> HTMLResponse:
    """The latest runs over all repositories."""
    with context.database.read() as connection:
        runs = queries.latest_runs(connection, limit=_PAGE_SIZE, before=before)
        waits = waits_of_runs(connection, [(run.id, run.status) for run in runs], context.crew())
        known = repositories.every(connection)
    now = datetime.now(UTC)
    return render(
        "latest.html",
        caller=caller,
        runs=[views.run_view(run, now, waits.get(run.id, "")) for run in runs],
        repositories=[(each.full_name, repository_path(each.full_name)) for each in known],
        before=runs[-1].id if len(runs) == _PAGE_SIZE else None,
        is_latest=before is None,
    )


def show_repository(
    owner: str,
    name: str,
    caller: Caller,
    context: Serving,
    before: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> HTMLResponse:
    """The runs of a repository, latest first."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        runs = queries.runs_of(connection, repository.id, limit=_PAGE_SIZE, before=before)
        waits = waits_of_runs(connection, [(run.id, run.status) for run in runs], context.crew())
        is_badge_public = is_for_everybody(connection, repository)
    now = datetime.now(UTC)
    is_more = len(runs) == _PAGE_SIZE and runs[-1].number > 1
    return render(
        "repository.html",
        caller=caller,
        repository=repository.full_name,
        repository_path=repository_path(repository.full_name),
        forge=repository.forge,
        trouble=repository.status_trouble,
        badge=badge_path(repository.full_name, branch=repository.default_branch),
        markdown=markdown(context.settings.url, repository.full_name, branch=repository.default_branch),
        is_badge_public=is_badge_public,
        runs=[views.run_view(run, now, waits.get(run.id, "")) for run in runs],
        before=runs[-1].number if is_more else None,
        is_latest=before is None,
    )


def show_run(owner: str, name: str, number: Number, caller: Caller, context: Serving) -> HTMLResponse:
    """One run: where it stands, its steps and their logs, its artifacts."""
    with context.database.read() as connection:
        run = queries.run_numbered(connection, owner, name, number)
        jobs = parts.jobs_of(connection, run.id)
        artifacts = parts.artifacts_of(connection, run.id)
        waits = waits_of_run(connection, run.id, run.status, context.crew())
        removals = removals_of(connection, run.id)
        problems = queries.problems_of(connection, run.id)
    now = datetime.now(UTC)
    return render(
        "run.html",
        caller=caller,
        run=views.run_view(run, now, waits.run),
        jobs=views.job_views(run.id, jobs, now, waits),
        artifacts=views.artifact_views(artifacts),
        logs_removed=str(removals.get(Files.LOGS, "")),
        artifacts_removed=str(removals.get(Files.ARTIFACTS, "")),
        problems=[views.problem_view(problem) for problem in problems],
        now=now.isoformat(timespec="milliseconds"),
    )


def show_error(error: Exception) -> HTMLResponse:
    """What went wrong, for people."""
    status, detail = described(error)
    headers = headers_of(error)
    return render("error.html", status_code=status.value, headers=headers, title=status.phrase, detail=detail)


def render(
    template: str,
    *,
    caller: Identity | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    """A page made from a template, for this caller; every value is escaped."""
    text = _TEMPLATES.get_template(template).render(values, caller=caller)
    return HTMLResponse(text, status_code=status_code, headers=headers)
