"""Views: what the pages show, made from what is stored. Pure: the same rows and the same time give the same view."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from pipelines.event import Event, EventKind
from pipelines.problems import Problem
from pipelines.status import Status
from worker.api.artifacts import artifact_path
from worker.api.runs import log_path
from worker.context import repository_path, run_path
from worker.durations import duration
from worker.store.parts import StoredArtifact, StoredJob, StoredStep
from worker.store.queries import StoredRun
from worker.store.waits import NO_WAITS, Waits

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_REASONLESS = frozenset({Status.SUCCESS, Status.RUNNING})
_MOST_TITLE = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """A status: `name` picks icon and colour, `label` is for people."""

    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeView:
    """How long something took, or has been taking since `since`: the page counts on from there."""

    text: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenView:
    """A moment: `iso` as stored, `text` as said now."""

    iso: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run's line in a list and the head of its page. Links to the forge are `""` where there are none."""

    id: str
    number: int
    path: str
    repository: str
    repository_path: str
    status: StatusView
    reason: str
    waits: str
    title: str
    message: str
    event: str
    ref: str
    short_sha: str
    commit_url: str
    author: str
    created: WhenView
    duration: TimeView
    is_finished: bool
    included: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step in a job's list. `note` says why it is where it is, if that isn't plain."""

    job: str
    name: str
    kind: str
    image: str
    status: StatusView
    note: str
    duration: TimeView
    log_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job and its steps."""

    name: str
    status: StatusView
    note: str
    duration: TimeView
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """An artifact and where it is downloaded."""

    name: str
    step: str
    size: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """A problem of a workflow file: where, how grave, what, and what to write instead or `""`."""

    place: str
    level: str
    message: str
    hint: str


def problem_view(problem: Problem) -> ProblemView:
    """A problem, at its line."""
    place = f"{problem.file}:{problem.line}"
    return ProblemView(place=place, level=problem.level.value, message=problem.message, hint=problem.hint)


def run_view(run: StoredRun, now: datetime, waits_for: str = "") -> RunView:
    """A run, as it is said at this time."""
    title, _, rest = run.event.message.partition("\n")
    return RunView(
        id=run.id,
        number=run.number,
        path=run_path(run.repository, run.number),
        repository=run.repository,
        repository_path=repository_path(run.repository),
        status=status_view(run.status),
        reason=run.reason,
        waits=_waits(waits_for),
        title=title.strip()[:_MOST_TITLE] or _untitled(run.event),
        message=rest.strip(),
        event=run.event.kind.value,
        ref=_ref(run.event),
        short_sha=run.event.sha[:10],
        commit_url=_commit_url(run),
        author=run.event.author or run.event.sender,
        created=WhenView(iso=run.created_at, text=ago(run.created_at, now)),
        duration=_time(run.status, run.started_at, run.duration_ms, now),
        is_finished=run.status.is_terminal,
        included=tuple(str(each) for each in run.event.included),
    )


def job_views(run_id: str, jobs: Sequence[StoredJob], now: datetime, waits: Waits = NO_WAITS) -> list[JobView]:
    """The jobs of a run with their steps."""
    return [
        JobView(
            name=job.name,
            status=status_view(job.status),
            note="" if job.status in _REASONLESS else job.reason or _waits(waits.jobs.get(job.name, "")),
            duration=_time(job.status, job.started_at, job.duration_ms, now),
            steps=tuple(_step(run_id, job, step, now, waits) for step in job.steps),
        )
        for job in jobs
    ]


def artifact_views(artifacts: Sequence[StoredArtifact]) -> list[ArtifactView]:
    """The artifacts of a run."""
    return [
        ArtifactView(
            name=artifact.path,
            step=f"{artifact.job} / {artifact.step}",
            size=size(artifact.size_bytes),
            path=artifact_path(artifact.id),
        )
        for artifact in artifacts
    ]


def size(size_bytes: int) -> str:
    """`812 B`, `1.5 KiB`, `20 MiB`."""
    amount, unit = float(size_bytes), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit and amount < 10 else f"{amount:.0f} {_UNITS[unit]}"


def ago(iso: str, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the day. The page's time.js says the same."""
    seconds = (now - datetime.fromisoformat(iso)).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    return f"{int(seconds // 86400)} d ago" if seconds < 14 * 86400 else iso[:10]


def _step(run_id: str, job: StoredJob, step: StoredStep, now: datetime, waits: Waits) -> StepView:
    exit_code = f"exit code {step.exit_code}" if step.exit_code else ""
    why = "" if step.status in _REASONLESS else step.reason or exit_code
    waits_for = waits.steps.get((job.name, step.name), "") if job.status is Status.RUNNING else ""  # else its job says
    return StepView(
        job=job.name,
        name=step.name,
        kind=step.kind,
        image=step.image,
        status=status_view(step.status),
        note=", ".join(filter(None, (why, _tries(step), _waits(waits_for)))),
        duration=_time(step.status, step.started_at, step.duration_ms, now),
        log_path=log_path(run_id, job.name, step.name),
    )


def _waits(what_for: str) -> str:
    return f"waits {what_for}" if what_for else ""


def _tries(step: StoredStep) -> str:
    """How often a step was tried, if it was tried again."""
    begun = len(step.attempts) + (step.status is Status.RUNNING)
    return f"attempt {begun}" if begun > 1 else ""


def status_view(status: Status) -> StatusView:
    """A status as pages show it."""
    return StatusView(name=status.value, label=status.value.replace("_", " "))


def _time(status: Status, started_at: str | None, duration_ms: int | None, now: datetime) -> TimeView:
    if status is Status.RUNNING and started_at:
        elapsed = now - datetime.fromisoformat(started_at)
        return TimeView(text=duration(max(0, int(elapsed.total_seconds() * 1000))), since=started_at)
    is_known = duration_ms is not None and started_at is not None
    return TimeView(text=duration(duration_ms or 0) if is_known else "", since="")


def _ref(event: Event) -> str:
    if event.pull_request:
        return f"#{event.pull_request.number} {event.pull_request.source_branch}"
    return event.tag or event.branch or event.ref


def _untitled(event: Event) -> str:
    what = {EventKind.PUSH: "Push to", EventKind.TAG: "Tag", EventKind.PULL_REQUEST: "Pull request"}
    return f"{what.get(event.kind, event.kind.value)} {_ref(event)}"


def _commit_url(run: StoredRun) -> str:
    if urlsplit(run.repository_url).scheme not in ("http", "https") or not run.event.sha:
        return ""
    return f"{run.repository_url}/commit/{run.event.sha}"
