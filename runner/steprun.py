"""One step's life as Records: started, its log, its artifacts, finished. Never raises but for a broken Sink."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from pipelines.plan import PlannedStep
from pipelines.records import Artifact, StepFinished, StepStarted
from pipelines.status import Status
from runner.attempts import Attempt, Attempts, carried_out, time_limit
from runner.backend import Outcome, Site
from runner.clock import milliseconds_since
from runner.errors import ArtifactError, RunnerError
from runner.jobcontext import JobContext
from runner.prepared import Prepared
from runner.results.collection import Collection, patterns_for
from runner.results.output import size_text
from runner.results.outputs import LARGEST_BYTES, read_outputs
from runner.results.steplog import StepLog
from runner.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a step ended. `error` is set if the machinery, not the author's program, was at fault."""

    step: PlannedStep
    outcome: Outcome
    error: RunnerError | None = None


def prepare_step(context: JobContext, site: Site, step: PlannedStep, lane: int) -> Prepared:
    """Make a step ready in a lane, now or ahead of its turn. What it can't know yet, it guesses."""
    environment = context.environment(step, started=int(time.time()), job_status=Status.SUCCESS)
    return Prepared(lane=lane, readied=site.ready(step, environment, lane), environment=environment)


def run_step(
    context: JobContext, site: Site, step: PlannedStep, prepared: Future[Prepared], *, job_status: Status, stop: Stop
) -> Ended:
    """Run a step to its end, as often as it takes and may, and keep its artifacts.

    Its clock starts once it is prepared.
    """
    wait([prepared])
    attempts = Attempts(context, site, step, prepared, job_status=job_status)

    def keep(last: Attempt, log: StepLog) -> Attempt:
        kept = _keep_outputs(context, site, step, last, log)
        return replace(kept, outcome=_keep_artifacts(context, site, step, kept.outcome, log))

    def work(log: StepLog) -> Attempt:
        last = attempts.run(log, stop)
        if last.error is not None:
            return last
        kept = carried_out(lambda: keep(last, log), context, step, stop)
        return replace(kept, number=last.number, commands=last.commands)

    try:
        return _tell(context, step, stop, work)
    finally:
        attempts.discard()  # it wasn't run if its start couldn't be told


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

    def serve(log: StepLog) -> Attempt:
        environment = context.environment(step, started=int(time.time()), job_status=job_status)
        with time_limit(step, stop):
            return Attempt(outcome=site.serve(step, environment, log.write, stop, started))

    def work(log: StepLog) -> Attempt:
        attempt = carried_out(lambda: serve(log), context, step, stop)
        log.close()
        return replace(attempt, commands=log.commands(attempt.outcome.exit_code))

    return _tell(context, step, stop, work)


def leave_out(context: JobContext, step: PlannedStep, status: Status, reason: str) -> None:
    """Tell that a step will never start."""
    _finish(context, step, Attempt(outcome=Outcome(status=status, reason=reason)), duration_ms=0)


def _tell(context: JobContext, step: PlannedStep, stop: Stop, work: Callable[[StepLog], Attempt]) -> Ended:
    began = time.monotonic()
    context.scribe.write(StepStarted, job=context.job.name, step=step.name, image=_image_text(step))
    log = context.log(step, stop)
    last = carried_out(lambda: work(log), context, step, stop)
    log.close()
    _finish(context, step, last, duration_ms=milliseconds_since(began))
    return Ended(step=step, outcome=last.outcome, error=last.error)


def _image_text(step: PlannedStep) -> str:
    return f"build {step.build.context}" if step.build else step.image


def _finish(context: JobContext, step: PlannedStep, last: Attempt, *, duration_ms: int) -> None:
    outcome = last.outcome
    context.scribe.write(
        StepFinished,
        job=context.job.name,
        step=step.name,
        status=outcome.status,
        exit_code=outcome.exit_code,
        reason=context.mask.hide(outcome.reason),
        duration_ms=duration_ms,
        attempt=last.number,
        commands=last.commands,
        outputs={name: context.mask.hide(value) for name, value in last.outputs.items()},
        image=outcome.image,
    )


def _keep_outputs(context: JobContext, site: Site, step: PlannedStep, last: Attempt, log: StepLog) -> Attempt:
    """Let later steps know what the step has written for them. Too much of it makes a failure of a success."""
    if not step.outputs or last.outcome.exit_code is None:
        return last
    content = site.output_of(step)
    if len(content) > LARGEST_BYTES:
        reason = f"outputs: $CI_OUTPUT holds more than {size_text(LARGEST_BYTES)}"
        log.say(reason)
        return replace(last, outcome=_spoilt(last.outcome, reason))
    written = read_outputs(content, step.outputs)
    for complaint in written.complaints:
        log.say(f"outputs: {complaint}")
    context.outputs.add(written.values)
    return replace(last, outputs=written.values)


def _spoilt(outcome: Outcome, reason: str) -> Outcome:
    """What is left of a success when its results can't be kept."""
    return replace(outcome, status=Status.FAILURE, reason=reason) if outcome.status is Status.SUCCESS else outcome


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
        return _spoilt(outcome, str(error))
    for pattern in collection.unmet:
        log.say(f"artifacts: no file matches {pattern}")
    return outcome
