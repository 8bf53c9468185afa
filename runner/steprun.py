"""One step's life as Records: started, its log, its artifacts, finished. Never raises but for a broken Sink."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import Artifact, StepFinished, StepStarted
from pipelines.status import Status
from runner.backend import Outcome, Site
from runner.clock import milliseconds_since
from runner.deadline import deadline, limit_text
from runner.environment import step_environment
from runner.errors import ArtifactError, RunnerError, SinkError
from runner.prepared import Prepared, discard
from runner.results.artifacts import ArtifactStore
from runner.results.collection import Collection, patterns_for
from runner.results.mask import Mask
from runner.results.steplog import Flusher, StepLog
from runner.scribe import Scribe
from runner.stop import Stop

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What all steps of a job share. `secrets` are by name in lower case."""

    job: PlannedJob
    scribe: Scribe
    artifacts: ArtifactStore
    secrets: Mapping[str, str]
    mask: Mask
    flusher: Flusher
    log_limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a step ended. `error` is set if the machinery, not the author's program, was at fault."""

    step: PlannedStep
    outcome: Outcome
    error: RunnerError | None = None


def prepare_step(context: JobContext, site: Site, step: PlannedStep, lane: int) -> Prepared:
    """Make a step ready in a lane, now or ahead of its turn. What it can't know yet, it guesses."""
    environment = _environment(context, step, Status.SUCCESS)
    return Prepared(readied=site.ready(step, environment, lane), environment=environment)


def run_step(
    context: JobContext, site: Site, step: PlannedStep, prepared: Future[Prepared], *, job_status: Status, stop: Stop
) -> Ended:
    """Run a step to its end and keep its artifacts. Its clock starts once it is prepared."""

    def work(environment: Mapping[str, str], log: StepLog) -> Outcome:
        outcome = prepared.result().run(environment, log.write, stop)
        log.close()
        return _keep_artifacts(context, site, step, outcome, log)

    wait([prepared])
    try:
        return _tell(context, step, job_status, stop, work)
    finally:
        discard(prepared)  # it wasn't run if its start couldn't be told


def serve_step(
    context: JobContext,
    site: Site,
    step: PlannedStep,
    *,
    job_status: Status,
    stop: Stop,
    started: Callable[[], None],
) -> Ended:
    """Run a service or detached step until it ends or `stop` asks; `started` is called once it runs."""

    def work(environment: Mapping[str, str], log: StepLog) -> Outcome:
        return site.serve(step, environment, log.write, stop, started)

    return _tell(context, step, job_status, stop, work)


def leave_out(context: JobContext, step: PlannedStep, status: Status, reason: str) -> None:
    """Tell that a step will never start."""
    _finish(context, step, Outcome(status=status, reason=reason), duration_ms=0)


def _tell(
    context: JobContext,
    step: PlannedStep,
    job_status: Status,
    stop: Stop,
    work: Callable[[Mapping[str, str], StepLog], Outcome],
) -> Ended:
    began = time.monotonic()
    context.scribe.write(StepStarted, job=context.job.name, step=step.name, image=step.image)
    log = StepLog(
        context.scribe,
        context.flusher,
        context.mask,
        job=context.job.name,
        step=step,
        stop=stop,
        limit_bytes=context.log_limit_bytes,
    )
    error = None
    try:
        with deadline(stop, step.timeout, f"took longer than its limit of {limit_text(step.timeout or 0)}"):
            outcome = work(_environment(context, step, job_status), log)
    except SinkError:
        raise
    except RunnerError as failure:
        error = failure
    except Exception as failure:  # noqa: BLE001 - whatever broke, the step ends as error
        _log.exception("step broke the runner", extra={"job": context.job.name, "step": step.name})
        error = RunnerError(f"internal error: {type(failure).__name__}: {failure}")
    if error is not None:
        outcome = _outcome_of_error(error, stop)
    log.close()
    _finish(context, step, outcome, duration_ms=milliseconds_since(began))
    return Ended(step=step, outcome=outcome, error=error)


def _environment(context: JobContext, step: PlannedStep, job_status: Status) -> dict[str, str]:
    return step_environment(context.job, step, started=int(time.time()), job_status=job_status, secrets=context.secrets)


def _outcome_of_error(error: RunnerError, stop: Stop) -> Outcome:
    """An engine asked to stop may well complain: what was asked for counts."""
    if stop.requested:
        return Outcome(status=stop.status, reason=stop.reason)
    return Outcome(status=Status.ERROR, reason=str(error))


def _finish(context: JobContext, step: PlannedStep, outcome: Outcome, *, duration_ms: int) -> None:
    context.scribe.write(
        StepFinished,
        job=context.job.name,
        step=step.name,
        status=outcome.status,
        exit_code=outcome.exit_code,
        reason=context.mask.hide(outcome.reason),
        duration_ms=duration_ms,
    )


def _keep_artifacts(context: JobContext, site: Site, step: PlannedStep, outcome: Outcome, log: StepLog) -> Outcome:
    """Keep what the step's rules ask for. A file that can't be kept makes a failure of a success."""
    collection = Collection(patterns_for(step, outcome.status))
    try:
        for file in site.collect(collection.patterns) if collection.patterns else ():
            collection.takes(file.path)
            stored = context.artifacts.put(context.job.name, step.name, file)
            context.scribe.write(
                Artifact,
                job=stored.job,
                step=stored.step,
                path=stored.path,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
            )
    except ArtifactError as error:
        log.say(str(error))
        if outcome.status is Status.SUCCESS:
            return Outcome(status=Status.FAILURE, exit_code=outcome.exit_code, reason=str(error))
        return outcome
    for pattern in collection.unmet:
        log.say(f"artifacts: no file matches {pattern}")
    return outcome
